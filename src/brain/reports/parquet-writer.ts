// Rows as Apache Parquet: zstd, one row group written as soon as it is full, so that memory does not grow with the file.
//
//   readings   time timestamp(ms, UTC) · gateway string · sensor string · value double
//   buckets    time · gateway · sensor · count int64 · min · max · mean · last double

import { constants, zstdCompressSync } from 'node:zlib'
import { ByteWriter, ParquetWriter, type ColumnSource, type SchemaElement } from 'hyparquet-writer'
import {
  BUCKET_COLUMNS,
  READING_COLUMNS,
  type ExportSink,
  type ExportWriter,
  type Row,
  type RowKind,
} from './export-rows.ts'

const ROW_GROUP_ROWS = 65_536
const PAGE_BYTES = 1024 * 1024
const CREATED_BY = 'telemetryx brain'

const ZSTD_PARAMS = { [constants.ZSTD_c_compressionLevel]: 3 }
const compressors = { ZSTD: (input: Uint8Array) => zstdCompressSync(input, { params: ZSTD_PARAMS }) }

type Column = (typeof BUCKET_COLUMNS)[number] | (typeof READING_COLUMNS)[number]

function elementOf(name: Column): SchemaElement {
  const required = { name, repetition_type: 'REQUIRED' } as const
  switch (name) {
    case 'time':
      return {
        ...required,
        type: 'INT64',
        converted_type: 'TIMESTAMP_MILLIS',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
      }
    case 'gateway':
    case 'sensor':
      return { ...required, type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } }
    case 'count':
      return { ...required, type: 'INT64' }
    case 'value':
    case 'min':
    case 'max':
    case 'mean':
    case 'last':
      return { ...required, type: 'DOUBLE' }
  }
}

/** Numbers go without a dictionary: it would take −0 and 0 for the same. */
function encodingOf({ type }: SchemaElement): ColumnSource['encoding'] {
  if (type === 'BYTE_ARRAY') return 'RLE_DICTIONARY'
  return type === 'INT64' ? 'DELTA_BINARY_PACKED' : 'PLAIN'
}

/** The library's buffer, emptied into the sink after each row group. */
class GroupBuffer extends ByteWriter {
  readonly #sink: ExportSink

  constructor(sink: ExportSink) {
    super(1024 * 1024)
    this.#sink = sink
  }

  async flush(): Promise<void> {
    const bytes = this.getBytes().slice() // the sink may keep it
    this.index = 0
    await this.#sink.write(bytes)
  }
}

export class ParquetFile implements ExportWriter {
  readonly #buffer: GroupBuffer
  readonly #parquet: ParquetWriter
  readonly #schema: readonly SchemaElement[]
  #columns: unknown[][]

  constructor(sink: ExportSink, kind: RowKind) {
    this.#schema = (kind === 'readings' ? READING_COLUMNS : BUCKET_COLUMNS).map(elementOf)
    this.#columns = this.#schema.map(() => [])
    this.#buffer = new GroupBuffer(sink)
    this.#parquet = new ParquetWriter({
      writer: this.#buffer,
      schema: [{ name: 'schema', num_children: this.#schema.length }, ...this.#schema],
      codec: 'ZSTD',
      compressors,
      createdBy: CREATED_BY,
    })
  }

  async row(row: Row): Promise<void> {
    const head = [BigInt(Math.floor(row.time)), row.gateway, row.sensor]
    const cells =
      'count' in row ? [...head, BigInt(row.count), row.min, row.max, row.mean, row.last] : [...head, row.value]
    cells.forEach((cell, column) => this.#columns[column]!.push(cell))
    if (this.#columns[0]!.length >= ROW_GROUP_ROWS) await this.#writeGroup()
  }

  async end(): Promise<void> {
    if (this.#columns[0]!.length > 0) await this.#writeGroup()
    await this.#parquet.finish()
    await this.#buffer.flush()
  }

  async #writeGroup(): Promise<void> {
    const columns = this.#columns
    this.#columns = this.#schema.map(() => [])
    await this.#parquet.write({
      columnData: this.#schema.map((element, column) => {
        const encoding = encodingOf(element)
        const data = columns[column]!
        return { name: element.name, data, offsetIndex: false, ...(encoding === undefined ? {} : { encoding }) }
      }),
      rowGroupSize: ROW_GROUP_ROWS,
      pageSize: PAGE_BYTES,
    })
  }
}
