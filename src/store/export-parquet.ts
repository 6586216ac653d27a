// Exports as Apache Parquet: zstd, one row group written as soon as it is full, so that memory does not grow with the file.
//
//   readings   time timestamp(ms, UTC) · sensor string · value double? · int64? · uint64? · text? · quality string · status string · unit string
//   buckets    time · sensor · count int64 · min · max · mean · last double · unit
//
// value: the number; 0 or 1 for a boolean; for 64-bit integers the nearest double, the exact one stands in int64 or uint64.

import { constants, zstdCompressSync } from 'node:zlib'
import { ByteWriter, ParquetWriter, type ColumnSource, type SchemaElement } from 'hyparquet-writer'
import type { Bucket } from '#domain/history.ts'
import { isBad, qualityOf, statusName } from '#domain/quality.ts'
import type { ExportedSensor, ExportOutput, ExportWriter } from './export-format.ts'
import { seriesValue } from './numeric-values.ts'
import type { Series } from './series.ts'

const ROW_GROUP_ROWS = 65_536
const PAGE_BYTES = 1024 * 1024

const ZSTD_PARAMS = { [constants.ZSTD_c_compressionLevel]: 3 }
const compressors = { ZSTD: (input: Uint8Array) => zstdCompressSync(input, { params: ZSTD_PARAMS }) }

const REQUIRED = { repetition_type: 'REQUIRED' } as const
const OPTIONAL = { repetition_type: 'OPTIONAL' } as const
const TEXT = { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } } as const
const TIME: SchemaElement = {
  name: 'time',
  type: 'INT64',
  converted_type: 'TIMESTAMP_MILLIS',
  logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
  ...REQUIRED,
}
const UNSIGNED = {
  type: 'INT64',
  converted_type: 'UINT_64',
  logical_type: { type: 'INTEGER', bitWidth: 64, isSigned: false },
} as const

const READING_COLUMNS: readonly SchemaElement[] = [
  TIME,
  { name: 'sensor', ...TEXT, ...REQUIRED },
  { name: 'value', type: 'DOUBLE', ...OPTIONAL },
  { name: 'int64', type: 'INT64', ...OPTIONAL },
  { name: 'uint64', ...UNSIGNED, ...OPTIONAL },
  { name: 'text', ...TEXT, ...OPTIONAL },
  { name: 'quality', ...TEXT, ...REQUIRED },
  { name: 'status', ...TEXT, ...REQUIRED },
  { name: 'unit', ...TEXT, ...REQUIRED },
]

const BUCKET_COLUMNS: readonly SchemaElement[] = [
  TIME,
  { name: 'sensor', ...TEXT, ...REQUIRED },
  { name: 'count', type: 'INT64', ...REQUIRED },
  ...['min', 'max', 'mean', 'last'].map((name): SchemaElement => ({ name, type: 'DOUBLE', ...REQUIRED })),
  { name: 'unit', ...TEXT, ...REQUIRED },
]

/** Encoding by kind of column. Numbers go without a dictionary: it would take −0 and 0 for the same. */
function encodingOf({ name, type }: SchemaElement): ColumnSource['encoding'] {
  if (name === 'text') return 'PLAIN'
  if (type === 'BYTE_ARRAY') return 'RLE_DICTIONARY'
  return type === 'INT64' ? 'DELTA_BINARY_PACKED' : 'PLAIN'
}

/** The library's buffer, emptied into the output after each row group. */
class GroupBuffer extends ByteWriter {
  readonly #output: ExportOutput

  constructor(output: ExportOutput) {
    super(1024 * 1024)
    this.#output = output
  }

  async flush(): Promise<void> {
    const bytes = this.getBytes()
    this.index = 0 // nothing is written to the buffer before the output has taken it
    await this.#output.write(bytes)
  }
}

export interface ParquetOptions {
  readonly isBuckets: boolean
  /** Program and version, for the file's metadata. */
  readonly createdBy: string
}

export class ParquetExport implements ExportWriter {
  readonly #buffer: GroupBuffer
  readonly #parquet: ParquetWriter
  readonly #schema: readonly SchemaElement[]
  #columns: unknown[][]

  constructor(output: ExportOutput, { isBuckets, createdBy }: ParquetOptions) {
    this.#schema = isBuckets ? BUCKET_COLUMNS : READING_COLUMNS
    this.#columns = this.#schema.map(() => [])
    this.#buffer = new GroupBuffer(output)
    this.#parquet = new ParquetWriter({
      writer: this.#buffer,
      schema: [{ name: 'schema', num_children: this.#schema.length }, ...this.#schema],
      codec: 'ZSTD',
      compressors,
      createdBy,
    })
  }

  begin(): Promise<void> {
    return Promise.resolve()
  }

  async readings({ id, unit, valueType }: ExportedSensor, batch: Series): Promise<void> {
    for (let row = 0; row < batch.length; row++) {
      const status = batch.status[row]!
      const value = isBad(status) ? null : seriesValue(batch, row, valueType)
      this.#push([
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
      if (this.#columns[0]!.length >= ROW_GROUP_ROWS) await this.#writeGroup()
    }
  }

  async buckets({ id, unit }: ExportedSensor, buckets: readonly Bucket[]): Promise<void> {
    for (const { time, count, min, max, mean, last } of buckets) {
      this.#push([BigInt(time), id, BigInt(count), min, max, mean, last, unit])
      if (this.#columns[0]!.length >= ROW_GROUP_ROWS) await this.#writeGroup()
    }
  }

  async end(): Promise<void> {
    if (this.#columns[0]!.length > 0) await this.#writeGroup()
    await this.#parquet.finish()
    await this.#buffer.flush()
  }

  #push(cells: readonly unknown[]): void {
    for (let column = 0; column < cells.length; column++) this.#columns[column]!.push(cells[column])
  }

  async #writeGroup(): Promise<void> {
    const columns = this.#columns
    this.#columns = this.#schema.map(() => [])
    await this.#parquet.write({
      columnData: this.#schema.map((element, column) => {
        const encoding = encodingOf(element)
        return {
          name: element.name,
          data: columns[column]!,
          offsetIndex: false,
          ...(encoding === undefined ? {} : { encoding }),
        }
      }),
      rowGroupSize: ROW_GROUP_ROWS,
      pageSize: PAGE_BYTES,
    })
  }
}
