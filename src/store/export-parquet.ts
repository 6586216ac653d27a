// Exports as Apache Parquet.
//
//   readings   time timestamp(ms, UTC) · sensor string · value double? · int64? · uint64? · text? · quality string · status string · unit string
//   buckets    time · sensor · count int64 · min · max · mean · last double · unit
//
// value: the number; 0 or 1 for a boolean; for 64-bit integers the nearest double, the exact one stands in int64 or uint64.

import type { Bucket } from '#domain/history.ts'
import { isBad, qualityOf, statusName } from '#domain/quality.ts'
import { OPTIONAL, ParquetFile, REQUIRED, TEXT, TIME, UINT64, type ParquetColumn } from '#kit/parquet-file.ts'
import type { ExportedSensor, ExportOutput, ExportWriter } from './export-format.ts'
import { seriesValue } from './numeric-values.ts'
import type { Series } from './series.ts'

const READING_COLUMNS: readonly ParquetColumn[] = [
  { name: 'time', ...TIME, ...REQUIRED },
  { name: 'sensor', ...TEXT, ...REQUIRED },
  { name: 'value', type: 'DOUBLE', ...OPTIONAL },
  { name: 'int64', type: 'INT64', ...OPTIONAL },
  { name: 'uint64', ...UINT64, ...OPTIONAL },
  { name: 'text', ...TEXT, ...OPTIONAL },
  { name: 'quality', ...TEXT, ...REQUIRED },
  { name: 'status', ...TEXT, ...REQUIRED },
  { name: 'unit', ...TEXT, ...REQUIRED },
]

const BUCKET_COLUMNS: readonly ParquetColumn[] = [
  { name: 'time', ...TIME, ...REQUIRED },
  { name: 'sensor', ...TEXT, ...REQUIRED },
  { name: 'count', type: 'INT64', ...REQUIRED },
  ...['min', 'max', 'mean', 'last'].map((name): ParquetColumn => ({ name, type: 'DOUBLE', ...REQUIRED })),
  { name: 'unit', ...TEXT, ...REQUIRED },
]

export interface ParquetExportOptions {
  readonly isBuckets: boolean
  /** Program and version, for the file's metadata. */
  readonly createdBy: string
}

export class ParquetExport implements ExportWriter {
  readonly #file: ParquetFile

  constructor(output: ExportOutput, { isBuckets, createdBy }: ParquetExportOptions) {
    const columns = isBuckets ? BUCKET_COLUMNS : READING_COLUMNS
    this.#file = new ParquetFile(output, { columns, unlike: ['text'], createdBy })
  }

  begin(): Promise<void> {
    return Promise.resolve()
  }

  async readings({ id, unit, valueType }: ExportedSensor, batch: Series): Promise<void> {
    for (let row = 0; row < batch.length; row++) {
      const status = batch.status[row]!
      const value = isBad(status) ? null : seriesValue(batch, row, valueType)
      const full = this.#file.add([
        BigInt(Math.floor(batch.timeAt(row))),
        id,
        value === null || valueType === 'string' ? null : Number(value),
        value !== null && valueType === 'int64' ? value : null,
        value !== null && valueType === 'uint64' ? value : null,
        value !== null && valueType === 'string' ? value : null,
        qualityOf(status),
        statusName(status),
        unit,
      ])
      if (full !== null) await full
    }
  }

  async buckets({ id, unit }: ExportedSensor, buckets: readonly Bucket[]): Promise<void> {
    for (const { time, count, min, max, mean, last } of buckets) {
      const full = this.#file.add([BigInt(time), id, BigInt(count), min, max, mean, last, unit])
      if (full !== null) await full
    }
  }

  end(): Promise<void> {
    return this.#file.end()
  }
}
