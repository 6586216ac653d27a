// Rows as Apache Parquet.
//
//   readings   time timestamp(ms, UTC) · gateway string · sensor string · value double
//   buckets    time · gateway · sensor · count int64 · min · max · mean · last double

import { ParquetFile, REQUIRED, TEXT, TIME, type ParquetColumn } from '#kit/parquet-file.ts'
import {
  BUCKET_COLUMNS,
  READING_COLUMNS,
  type ExportSink,
  type ExportWriter,
  type Row,
  type RowKind,
} from './export-rows.ts'

type Column = (typeof BUCKET_COLUMNS)[number] | (typeof READING_COLUMNS)[number]

function columnOf(name: Column): ParquetColumn {
  switch (name) {
    case 'time':
      return { name, ...TIME, ...REQUIRED }
    case 'gateway':
    case 'sensor':
      return { name, ...TEXT, ...REQUIRED }
    case 'count':
      return { name, type: 'INT64', ...REQUIRED }
    case 'value':
    case 'min':
    case 'max':
    case 'mean':
    case 'last':
      return { name, type: 'DOUBLE', ...REQUIRED }
  }
}

export class ParquetRows implements ExportWriter {
  readonly #file: ParquetFile

  constructor(sink: ExportSink, kind: RowKind) {
    const columns = (kind === 'readings' ? READING_COLUMNS : BUCKET_COLUMNS).map(columnOf)
    const output = { write: (bytes: Uint8Array) => sink.write(bytes.slice()) } // the sink may keep it
    this.#file = new ParquetFile(output, { columns, createdBy: 'telemetryx brain' })
  }

  async row(row: Row): Promise<void> {
    const head = [BigInt(Math.floor(row.time)), row.gateway, row.sensor]
    const cells =
      'count' in row ? [...head, BigInt(row.count), row.min, row.max, row.mean, row.last] : [...head, row.value]
    await this.#file.add(cells)
  }

  end(): Promise<void> {
    return this.#file.end()
  }
}
