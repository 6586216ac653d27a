// One ReadingBlock in the making: rows go in one by one, its bytes come out. Columns that say nothing are left out.

import { isBad } from '#domain/quality.ts'
import type { RecordBatch } from '#domain/reading.ts'
import type { ValueType } from '#domain/value.ts'
import { WireWriter } from './wire-writer.ts'

/** In `source_deltas`: the source gave no time. */
export const NO_SOURCE_TIME = -0x8000_0000
const MAX_DELTA = 0x7fff_ffff
/** Beyond it (about the year 37,000) a time is no time. Twice the distance of two such is still exact. */
export const MAX_TIME_MS = 2 ** 50

/** Value types in an array by sensor number. */
export const KINDS = { number: 1, boolean: 2, int64: 3, uint64: 4, string: 5 } as const satisfies Record<
  ValueType,
  number
>

/** Bytes that a row takes at most beside its value: five varints or fixed cells of five bytes. */
const ROW_BYTES = 5
const CELL_BYTES = 8

export class BlockWriter {
  rows = 0
  /** About the bytes so far. */
  bytes = 0
  #firstSeq = 0
  #lastSeq = 0
  #firstReceivedAt = 0
  #lastReceivedAt = 0
  #offset = 0
  #isConsecutive = true
  #isGood = true
  #isSimultaneous = true
  #hasSource = false
  readonly #seqDeltas = new WireWriter()
  readonly #sensors = new WireWriter()
  readonly #statuses = new WireWriter()
  readonly #receivedDeltas = new WireWriter()
  readonly #sourceDeltas = new WireWriter()
  readonly #booleans = new WireWriter()
  readonly #texts = new WireWriter()
  #numbers = 0
  #integers: number[] = []
  #unsigned: number[] = []
  #numberCells = new Float64Array(0)
  readonly #utf8 = new TextEncoder()

  /** Begins anew, with room for `rows` rows. */
  begin(rows: number): void {
    this.rows = 0
    this.bytes = 0
    this.#numbers = 0
    this.#integers.length = 0
    this.#unsigned.length = 0
    this.#isConsecutive = true
    this.#isGood = true
    this.#isSimultaneous = true
    this.#hasSource = false
    for (const column of [this.#seqDeltas, this.#sensors, this.#statuses, this.#receivedDeltas, this.#sourceDeltas]) {
      column.clear()
      column.reserve(rows * ROW_BYTES)
    }
    this.#booleans.clear()
    this.#booleans.reserve(rows)
    this.#texts.clear()
    if (this.#numberCells.length < rows) this.#numberCells = new Float64Array(rows)
  }

  /** Puts a row behind the others; false when it does not fit: then a new block begins with it. */
  add(batch: RecordBatch, row: number, kind: number): boolean {
    const seq = batch.firstSeq + row
    const receivedAt = wholeTime(batch.receivedAt[row]!)
    const source = sourceOffset(batch.sourceTime[row]!, receivedAt)
    if (this.rows === 0) this.#start(seq, receivedAt, source)
    const seqDelta = seq - this.#lastSeq
    const receivedDelta = receivedAt - this.#lastReceivedAt
    const sourceDelta = Number.isNaN(source) ? NO_SOURCE_TIME : source - this.#baseOffset(source)
    if (seqDelta < 0 || seqDelta > MAX_DELTA || Math.abs(receivedDelta) > MAX_DELTA) return false
    if (sourceDelta !== NO_SOURCE_TIME && Math.abs(sourceDelta) > MAX_DELTA) return false
    this.#seqDeltas.uint32(seqDelta)
    this.#receivedDeltas.sint32(receivedDelta)
    this.#sourceDeltas.sint32(sourceDelta)
    this.#sensors.uint32(batch.sensor[row]!)
    this.#statuses.fixed32(batch.status[row]!)
    if (this.rows > 0 && seqDelta !== 1) this.#isConsecutive = false
    if (receivedDelta !== 0) this.#isSimultaneous = false
    if (sourceDelta !== NO_SOURCE_TIME) this.#hasSource = true
    if (batch.status[row] !== 0) this.#isGood = false
    this.#lastSeq = seq
    this.#lastReceivedAt = receivedAt
    this.rows += 1
    this.bytes += 2 * CELL_BYTES
    if (!isBad(batch.status[row]!)) this.#addValue(batch, row, kind)
    return true
  }

  /** Writes the block as field `field` of a message. */
  finish(out: WireWriter, field: number, scratch: WireWriter): void {
    scratch.clear()
    scratch.uintField(1, this.#firstSeq)
    if (!this.#isConsecutive) scratch.bytesField(2, this.#seqDeltas.view)
    scratch.bytesField(3, this.#sensors.view)
    if (!this.#isGood) scratch.bytesField(4, this.#statuses.view)
    scratch.sintField(5, this.#firstReceivedAt)
    if (!this.#isSimultaneous) scratch.bytesField(6, this.#receivedDeltas.view)
    if (this.#hasSource) {
      scratch.sintField(7, this.#offset)
      scratch.bytesField(8, this.#sourceDeltas.view)
    }
    if (this.#numbers > 0)
      scratch.bytesField(9, new Uint8Array(this.#numberCells.buffer, 0, this.#numbers * CELL_BYTES))
    if (this.#booleans.length > 0) scratch.bytesField(10, this.#booleans.view)
    if (this.#integers.length > 0) scratch.bytesField(11, halves(this.#integers))
    if (this.#unsigned.length > 0) scratch.bytesField(12, halves(this.#unsigned))
    scratch.raw(this.#texts.view) // fields that are complete already, tags and all
    out.bytesField(field, scratch.view)
  }

  #start(seq: number, receivedAt: number, source: number): void {
    this.#firstSeq = seq
    this.#lastSeq = seq
    this.#firstReceivedAt = receivedAt
    this.#lastReceivedAt = receivedAt
    this.#offset = Number.isNaN(source) ? 0 : source
  }

  /** The first source time of a block is its base. */
  #baseOffset(source: number): number {
    if (!this.#hasSource) this.#offset = source
    return this.#offset
  }

  #addValue(batch: RecordBatch, row: number, kind: number): void {
    switch (kind) {
      case KINDS.number:
        this.#numberCells[this.#numbers++] = batch.value[row]!
        return
      case KINDS.boolean:
        this.#booleans.uint32(batch.value[row] === 0 ? 0 : 1)
        return
      case KINDS.int64:
        return pushHalves(this.#integers, batch, row)
      case KINDS.uint64:
        return pushHalves(this.#unsigned, batch, row)
      default: {
        const utf8 = this.#utf8.encode(batch.texts.get(row) ?? '')
        this.#texts.bytesField(13, utf8)
        this.bytes += utf8.length
      }
    }
  }
}

/** Whole milliseconds; what is no time becomes 0. */
function wholeTime(time: number): number {
  return Math.abs(time) <= MAX_TIME_MS ? Math.floor(time) : 0
}

/** Milliseconds from the receive time to the source's; NaN when there is none. */
function sourceOffset(sourceTime: number, receivedAt: number): number {
  return Math.abs(sourceTime) <= MAX_TIME_MS ? Math.floor(sourceTime) - receivedAt : Number.NaN
}

/** The 64 bits of a cell as two halves, low first: no BigInt is made. */
function pushHalves(halvesOf: number[], batch: RecordBatch, row: number): void {
  const cells = new Uint32Array(batch.value.buffer, batch.value.byteOffset + row * CELL_BYTES, 2)
  halvesOf.push(cells[0]!, cells[1]!)
}

function halves(values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer)
}
