// One ReadingBlock from the wire into the columns of a ReceivedBatch.

import { isBad } from '#domain/quality.ts'
import type { ValueType } from '#domain/value.ts'
import { NO_SOURCE_TIME } from './block-writer.ts'
import type { ReceivedBatch } from './received-batch.ts'
import { LENGTH, VARINT } from './wire-writer.ts'
import { malformed, WireReader } from './wire-reader.ts'

const CELL_BYTES = 8
const NOTHING = new Uint8Array(0)
const utf8 = new TextDecoder()

/** Where a block's columns lie in the message. */
export interface RawBlock {
  rows: number
  firstSeq: number
  receivedAt: number
  sourceOffset: number
  readonly columns: Uint8Array[]
  readonly texts: Uint8Array[]
}

/** The block is written in a way that is allowed but not usual (not packed, a column in two parts). */
export class UnusualEncoding extends Error {}

/** Finds the columns and counts the rows; decodes nothing yet. */
export function scanBlock(reader: WireReader): RawBlock {
  const block: RawBlock = { rows: 0, firstSeq: 0, receivedAt: 0, sourceOffset: 0, columns: [], texts: [] }
  while (!reader.isAtEnd) {
    const tag = reader.uint32()
    const field = tag >>> 3
    const wireType = tag & 7
    if (wireType === LENGTH && field === 13) block.texts.push(reader.content().view())
    else if (wireType === LENGTH && field >= 2 && field <= 12) {
      if (block.columns[field] !== undefined) throw new UnusualEncoding()
      block.columns[field] = reader.content().view()
    } else if (wireType === VARINT && field === 1) block.firstSeq = reader.uint()
    else if (wireType === VARINT && field === 5) block.receivedAt = reader.sint()
    else if (wireType === VARINT && field === 7) block.sourceOffset = reader.sint()
    else if (field >= 1 && field <= 13) throw new UnusualEncoding()
    else reader.skip(wireType)
  }
  block.rows = countVarints(block.columns[3] ?? NOTHING)
  if (block.rows === 0) throw malformed('a block has no rows')
  return block
}

/** Puts the block's rows behind those that `batch` has. `typeOf`: value types by sensor number. */
export function readBlock(
  block: RawBlock,
  batch: ReceivedBatch,
  typeOf: (sensor: number) => ValueType | undefined,
): void {
  const start = batch.length
  readKeys(block, batch)
  readTimes(block, batch)
  batch.length = start + block.rows
  readValues(block, batch, start, typeOf)
}

function readKeys({ columns, firstSeq, rows }: RawBlock, batch: ReceivedBatch): void {
  const start = batch.length
  const seqDeltas = optional(columns[2], rows, 'seq_deltas')
  const sensors = new WireReader(columns[3]!)
  const statuses = columns[4]
  if (statuses !== undefined && statuses.length !== rows * 4) throw malformed('statuses do not fit the rows')
  const codes = statuses && new DataView(statuses.buffer, statuses.byteOffset, statuses.length)
  let seq = firstSeq
  for (let row = 0; row < rows; row++) {
    if (seqDeltas) seq += seqDeltas.uint32()
    else if (row > 0) seq += 1
    batch.seq[start + row] = seq
    batch.sensor[start + row] = sensors.uint32()
    batch.status[start + row] = codes ? codes.getUint32(row * 4, true) : 0
  }
  if (seq > Number.MAX_SAFE_INTEGER) throw malformed('a position is too large')
}

function readTimes({ columns, receivedAt, rows, sourceOffset }: RawBlock, batch: ReceivedBatch): void {
  const start = batch.length
  const receivedDeltas = optional(columns[6], rows, 'received_deltas')
  const sourceDeltas = optional(columns[8], rows, 'source_deltas')
  let received = receivedAt
  for (let row = 0; row < rows; row++) {
    if (receivedDeltas) received += receivedDeltas.sint32()
    batch.receivedAt[start + row] = received
    const delta = sourceDeltas ? sourceDeltas.sint32() : NO_SOURCE_TIME
    batch.sourceTime[start + row] = delta === NO_SOURCE_TIME ? Number.NaN : received + sourceOffset + delta
  }
}

/** Walks over the rows and gives each the next cell of its type's column. */
function readValues(
  block: RawBlock,
  batch: ReceivedBatch,
  start: number,
  typeOf: (sensor: number) => ValueType | undefined,
): void {
  const numbers = new Float64Array(cells(block.columns[9]).buffer)
  const booleans = block.columns[10] ?? NOTHING
  const integers = cells(block.columns[11])
  const unsigned = cells(block.columns[12])
  let number = 0
  let boolean = 0
  let integer = 0
  let unsignedInteger = 0
  let text = 0
  for (let row = start; row < batch.length; row++) {
    if (isBad(batch.status[row]!)) continue
    const type = typeOf(batch.sensor[row]!)
    if (type === undefined) throw malformed(`sensor ${batch.sensor[row]} is not in the dictionary`)
    switch (type) {
      case 'number':
        batch.value[row] = numbers[number++] ?? missing()
        break
      case 'boolean':
        batch.value[row] = (booleans[boolean++] ?? missing()) === 0 ? 0 : 1
        break
      case 'int64':
        batch.bits[row] = integers[integer++] ?? missing()
        break
      case 'uint64':
        batch.bits[row] = unsigned[unsignedInteger++] ?? missing()
        break
      case 'string':
        batch.texts.set(row, utf8.decode(block.texts[text++] ?? missing()))
    }
  }
  const isRest = number < numbers.length || boolean < booleans.length || integer < integers.length
  if (isRest || unsignedInteger < unsigned.length || text < block.texts.length)
    throw malformed('there are more values than rows')
}

function missing(): never {
  throw malformed('there are fewer values than rows')
}

/** A copy, because the message need not be aligned. */
function cells(column: Uint8Array | undefined): BigInt64Array<ArrayBuffer> {
  if (column === undefined) return new BigInt64Array(0)
  if (column.length % CELL_BYTES !== 0) throw malformed('a column of values is cut off')
  return new BigInt64Array(Uint8Array.from(column).buffer)
}

function optional(column: Uint8Array | undefined, rows: number, name: string): WireReader | null {
  if (column === undefined || column.length === 0) return null
  if (countVarints(column) !== rows) throw malformed(`${name} do not fit the rows`)
  return new WireReader(column)
}

export function countVarints(bytes: Uint8Array): number {
  let count = 0
  for (let at = 0; at < bytes.length; at++) if (bytes[at]! < 0x80) count++
  if (bytes.length > 0 && bytes[bytes.length - 1]! >= 0x80) throw malformed('a column is cut off')
  return count
}
