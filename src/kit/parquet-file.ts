// A table as Apache Parquet: zstd, one row group written as soon as it is full, so that memory does not grow with the file.

import { constants, zstdCompressSync } from 'node:zlib'
import { ByteWriter, ParquetWriter, type ColumnSource, type SchemaElement } from 'hyparquet-writer'

const ROW_GROUP_ROWS = 65_536
const PAGE_BYTES = 1024 * 1024

const ZSTD_PARAMS = { [constants.ZSTD_c_compressionLevel]: 3 }
const compressors = { ZSTD: (input: Uint8Array) => zstdCompressSync(input, { params: ZSTD_PARAMS }) }

export type ParquetColumn = SchemaElement

export const REQUIRED = { repetition_type: 'REQUIRED' } as const
export const OPTIONAL = { repetition_type: 'OPTIONAL' } as const
export const TEXT = { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } } as const
/** Unix milliseconds in UTC, as a bigint. */
export const TIME = {
  type: 'INT64',
  converted_type: 'TIMESTAMP_MILLIS',
  logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
} as const
export const UINT64 = {
  type: 'INT64',
  converted_type: 'UINT_64',
  logical_type: { type: 'INTEGER', bitWidth: 64, isSigned: false },
} as const

export interface ParquetOutput {
  /** Resolves when more may be written; keeps `bytes` until then only. */
  write(bytes: Uint8Array): Promise<void>
}

export interface ParquetOptions {
  readonly columns: readonly ParquetColumn[]
  /** Columns of texts that rarely repeat: they go without a dictionary. */
  readonly unlike?: readonly string[]
  /** Program and version, for the file's metadata. */
  readonly createdBy: string
}

/** The library's buffer, emptied into the output after each row group. */
class GroupBuffer extends ByteWriter {
  readonly #output: ParquetOutput

  constructor(output: ParquetOutput) {
    super(1024 * 1024)
    this.#output = output
  }

  async flush(): Promise<void> {
    const bytes = this.getBytes()
    this.index = 0 // nothing is written to the buffer before the output has taken it
    await this.#output.write(bytes)
  }
}

export class ParquetFile {
  readonly #buffer: GroupBuffer
  readonly #parquet: ParquetWriter
  readonly #columns: readonly ParquetColumn[]
  readonly #unlike: ReadonlySet<string>
  #cells: unknown[][]

  constructor(output: ParquetOutput, { columns, unlike = [], createdBy }: ParquetOptions) {
    this.#columns = columns
    this.#unlike = new Set(unlike)
    this.#cells = columns.map(() => [])
    this.#buffer = new GroupBuffer(output)
    this.#parquet = new ParquetWriter({
      writer: this.#buffer,
      schema: [{ name: 'schema', num_children: columns.length }, ...columns],
      codec: 'ZSTD',
      compressors,
      createdBy,
    })
  }

  /** @param cells in the order of the columns. @returns a promise only when a row group was full: nothing to wait for otherwise. */
  add(cells: readonly unknown[]): Promise<void> | null {
    for (let column = 0; column < cells.length; column++) this.#cells[column]!.push(cells[column])
    return this.#cells[0]!.length < ROW_GROUP_ROWS ? null : this.#writeGroup()
  }

  /** Writes the rest and the footer. */
  async end(): Promise<void> {
    if (this.#cells[0]!.length > 0) await this.#writeGroup()
    await this.#parquet.finish()
    await this.#buffer.flush()
  }

  async #writeGroup(): Promise<void> {
    const cells = this.#cells
    this.#cells = this.#columns.map(() => [])
    await this.#parquet.write({
      columnData: this.#columns.map((column, at): ColumnSource => {
        const encoding = this.#encodingOf(column)
        return { name: column.name, data: cells[at]!, offsetIndex: false, ...(encoding && { encoding }) }
      }),
      rowGroupSize: ROW_GROUP_ROWS,
      pageSize: PAGE_BYTES,
    })
  }

  /** Numbers go without a dictionary: it would take −0 and 0 for the same. */
  #encodingOf({ name, type }: ParquetColumn): ColumnSource['encoding'] {
    if (this.#unlike.has(name)) return 'PLAIN'
    if (type === 'BYTE_ARRAY') return 'RLE_DICTIONARY'
    return type === 'INT64' ? 'DELTA_BINARY_PACKED' : 'PLAIN'
  }
}
