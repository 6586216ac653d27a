// The memory of a ring (record-ring.ts): its columns in one SharedArrayBuffer, seen alike by both threads.
//
//   header   i32 × 2      head, tail: records modulo 2^32
//   columns  value f64 · sourceTime f64 · receivedAt f64 · sensor u32 · status u32 · kind u8     (capacity cells each)
//   text     u8 × textCapacity: UTF-8 of text values and entries; the value cell holds its start (u32) and length (u32)

import { TelemetryError } from '#domain/errors.ts'
import { MutableRecordBatch } from './record-batch.ts'

const HEADER_BYTES = 64 // one cache line
const BYTES_PER_RECORD = 8 * 3 + 4 * 2 + 1
const MAX_CAPACITY = 2 ** 26

/** Kinds of cells: the value stands in its column, or lies in the ring of text. */
export const PLAIN = 0
export const TEXT = 1

const decoder = new TextDecoder()

/** Everything the other thread needs; passes through postMessage. */
export interface RingMemory {
  readonly buffer: SharedArrayBuffer
  readonly capacity: number
  readonly textCapacity: number
}

/** Allocates a ring. `capacity` records, rounded up to a power of two; `textCapacity` bytes likewise. Throws OUT_OF_RANGE above 2^26 records. */
export function allocateRing(capacity: number, textCapacity = 4 * 1024 * 1024): RingMemory {
  const records = powerOfTwo(Math.max(1024, capacity))
  const text = powerOfTwo(Math.max(64 * 1024, textCapacity))
  if (!(records <= MAX_CAPACITY)) {
    throw new TelemetryError('OUT_OF_RANGE', `A ring holds at most ${MAX_CAPACITY} records`, { context: { capacity } })
  }
  return {
    buffer: new SharedArrayBuffer(HEADER_BYTES + records * BYTES_PER_RECORD + text),
    capacity: records,
    textCapacity: text,
  }
}

/** Views of a ring's columns. */
export class RingColumns {
  readonly header: Int32Array
  readonly value: Float64Array
  readonly words: Uint32Array
  readonly bits: BigInt64Array
  readonly sourceTime: Float64Array
  readonly receivedAt: Float64Array
  readonly sensor: Uint32Array
  readonly status: Uint32Array
  readonly kind: Uint8Array
  readonly text: Uint8Array

  constructor({ buffer, capacity, textCapacity }: RingMemory) {
    let offset = 0
    this.header = new Int32Array(buffer, 0, 2)
    offset += HEADER_BYTES
    this.value = new Float64Array(buffer, offset, capacity)
    this.words = new Uint32Array(buffer, offset, capacity * 2)
    this.bits = new BigInt64Array(buffer, offset, capacity)
    offset += capacity * 8
    this.sourceTime = new Float64Array(buffer, offset, capacity)
    offset += capacity * 8
    this.receivedAt = new Float64Array(buffer, offset, capacity)
    offset += capacity * 8
    this.sensor = new Uint32Array(buffer, offset, capacity)
    offset += capacity * 4
    this.status = new Uint32Array(buffer, offset, capacity)
    offset += capacity * 4
    this.kind = new Uint8Array(buffer, offset, capacity)
    offset += capacity
    this.text = new Uint8Array(buffer, offset, textCapacity)
  }

  /** Copies records [seq, seq + count) into a new batch. The caller knows that they are there. */
  copy(memory: RingMemory, epoch: number, seq: number, count: number): MutableRecordBatch {
    const batch = new MutableRecordBatch(epoch, seq, count)
    const start = (seq - 1) & (memory.capacity - 1)
    const first = Math.min(count, memory.capacity - start)
    this.#copyRun(batch, start, 0, first)
    if (first < count) this.#copyRun(batch, 0, first, count - first)
    for (let row = 0; row < count; row++) {
      const cell = (start + row) & (memory.capacity - 1)
      if (this.kind[cell] !== PLAIN)
        batch.texts.set(row, this.#readText(this.words[cell * 2]!, this.words[cell * 2 + 1]!))
    }
    batch.length = count
    return batch
  }

  #copyRun(batch: MutableRecordBatch, from: number, to: number, count: number): void {
    const end = from + count
    // Same element types: a copy of bytes, so that 64-bit integers survive in the value column.
    batch.bits.set(this.bits.subarray(from, end), to)
    batch.sourceTime.set(this.sourceTime.subarray(from, end), to)
    batch.receivedAt.set(this.receivedAt.subarray(from, end), to)
    batch.sensor.set(this.sensor.subarray(from, end), to)
    batch.status.set(this.status.subarray(from, end), to)
  }

  #readText(position: number, length: number): string {
    const bytes = new Uint8Array(length)
    const start = position & (this.text.length - 1)
    const first = Math.min(length, this.text.length - start)
    bytes.set(this.text.subarray(start, start + first))
    if (first < length) bytes.set(this.text.subarray(0, length - first), first)
    return decoder.decode(bytes)
  }
}

function powerOfTwo(atLeast: number): number {
  return 2 ** Math.ceil(Math.log2(atLeast))
}
