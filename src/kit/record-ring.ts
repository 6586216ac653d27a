// The ring between the main thread and the store thread: single producer, single consumer, fixed size, in columns in one
// SharedArrayBuffer. It carries readings and entries in one order; record n of the epoch has seq n, counted from 1.
// Besides being the queue it is the journal's memory tail: the producer can read back what has not been overwritten yet.
//
//   header   i32 × 2      head, tail: records modulo 2^32
//   columns  value f64 · sourceTime f64 · receivedAt f64 · sensor u32 · status u32 · kind u8     (capacity cells each)
//   text     u8 × textCapacity: UTF-8 of text values and entries; the value cell holds its start (u32) and length (u32)

import { ENTRY, type RecordBatch } from '#domain/reading.ts'
import { TelemetryError } from '#domain/errors.ts'
import { MutableRecordBatch } from './record-batch.ts'

const HEAD = 0
const TAIL = 1
const HEADER_BYTES = 64 // one cache line
const BYTES_PER_RECORD = 8 * 3 + 4 * 2 + 1
const MAX_CAPACITY = 2 ** 26

const PLAIN = 0
const TEXT = 1

const encoder = new TextEncoder()
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

class Columns {
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

export interface RingProducerOptions {
  readonly memory: RingMemory
  readonly epoch: number
  readonly whenFull: 'block' | 'dropOldest'
  /** Called when the fill passes a quarter of the ring: the consumer should not wait for its interval. */
  readonly onPressure?: () => void
  /** Called with the range of seqs [from, to] that `dropOldest` gave up. */
  readonly onDrop?: (from: number, to: number) => void
}

/** The main thread's end. Every push answers false when the ring is full and nothing was taken. */
export class RingProducer {
  readonly epoch: number
  readonly capacity: number
  readonly #columns: Columns
  readonly #memory: RingMemory
  readonly #options: RingProducerOptions
  readonly #mask: number
  readonly #pressureAt: number
  #written = 0
  #tail = 0 // consumed records, as a full count
  #textHead = 0
  #textFloor = 0 // a lower bound of where needed text begins
  #pressed = false
  #onNextPush: (() => void) | null = null

  constructor(options: RingProducerOptions) {
    this.#options = options
    this.#memory = options.memory
    this.#columns = new Columns(options.memory)
    this.epoch = options.epoch
    this.capacity = options.memory.capacity
    this.#mask = this.capacity - 1
    this.#pressureAt = this.capacity >> 2
  }

  /** What happens when it is full. */
  get whenFull(): 'block' | 'dropOldest' {
    return this.#options.whenFull
  }

  /** Records ever pushed; also the seq of the newest one. */
  get written(): number {
    return this.#written
  }

  /** Records that the consumer has not taken yet. */
  get fill(): number {
    this.#refreshTail()
    return this.#written - this.#tail
  }

  get fillRatio(): number {
    return this.fill / this.capacity
  }

  pushNumber(sensor: number, status: number, sourceTime: number, receivedAt: number, value: number): boolean {
    if (this.#written - this.#tail >= this.#pressureAt && !this.#makeRoom()) return false
    const cell = this.#written & this.#mask
    this.#columns.value[cell] = value
    this.#commit(cell, PLAIN, sensor, status, sourceTime, receivedAt)
    return true
  }

  pushInteger(sensor: number, status: number, sourceTime: number, receivedAt: number, value: bigint): boolean {
    if (this.#written - this.#tail >= this.#pressureAt && !this.#makeRoom()) return false
    const cell = this.#written & this.#mask
    this.#columns.bits[cell] = value
    this.#commit(cell, PLAIN, sensor, status, sourceTime, receivedAt)
    return true
  }

  pushText(sensor: number, status: number, sourceTime: number, receivedAt: number, value: string): boolean {
    if (this.#written - this.#tail >= this.#pressureAt && !this.#makeRoom()) return false
    const cell = this.#written & this.#mask
    if (!this.#putText(cell, value)) return false
    this.#commit(cell, TEXT, sensor, status, sourceTime, receivedAt)
    return true
  }

  /** An alarm transition or event as JSON; `time` in Unix milliseconds. */
  pushEntry(time: number, json: string): boolean {
    return this.pushText(ENTRY, 0, time, time, json)
  }

  /** Calls `listener` once, within the next push that is taken: it must do no more than schedule. Replaces the one before. */
  onNextPush(listener: () => void): void {
    this.#onNextPush = listener
  }

  /**
   * Records [seq, seq + limit) as far as they exist and are still in memory; null when `seq` is older than the memory
   * tail, or newer than the newest record.
   */
  copy(seq: number, limit: number): RecordBatch | null {
    const count = Math.min(limit, this.#written - seq + 1)
    if (count <= 0 || seq < 1 || seq <= this.#written - this.capacity) return null
    if (!this.#textIsWhole(seq, count)) return null
    return this.#columns.copy(this.#memory, this.epoch, seq, count)
  }

  #commit(cell: number, kind: number, sensor: number, status: number, sourceTime: number, receivedAt: number): void {
    const columns = this.#columns
    columns.sensor[cell] = sensor
    columns.status[cell] = status
    columns.sourceTime[cell] = sourceTime
    columns.receivedAt[cell] = receivedAt
    columns.kind[cell] = kind
    this.#written += 1
    Atomics.store(columns.header, HEAD, this.#written | 0)
    if (this.#onNextPush !== null) this.#firePush()
  }

  #firePush(): void {
    const listener = this.#onNextPush
    this.#onNextPush = null
    listener?.()
  }

  #refreshTail(): void {
    const low = Atomics.load(this.#columns.header, TAIL)
    this.#tail += (low - (this.#tail | 0)) | 0
  }

  /** Off the fast path: the known fill is past the pressure mark. */
  #makeRoom(): boolean {
    this.#refreshTail()
    const fill = this.#written - this.#tail
    if (fill < this.#pressureAt) {
      this.#pressed = false
      return true
    }
    if (!this.#pressed) {
      this.#pressed = true
      this.#options.onPressure?.()
    }
    if (fill < this.capacity) return true
    return this.#options.whenFull === 'dropOldest' && this.#dropOldest()
  }

  /** Moves the tail over the oldest sixteenth. The consumer notices by its own compare-and-exchange. */
  #dropOldest(): boolean {
    const count = this.capacity >> 4
    const from = this.#tail + 1
    const swapped = Atomics.compareExchange(this.#columns.header, TAIL, this.#tail | 0, (this.#tail + count) | 0)
    if (swapped !== (this.#tail | 0)) {
      this.#refreshTail() // the consumer was faster: there is room now
      return true
    }
    this.#tail += count
    this.#options.onDrop?.(from, this.#tail)
    return true
  }

  #putText(cell: number, text: string): boolean {
    const bytes = encoder.encode(text)
    const capacity = this.#columns.text.length
    if (bytes.length > capacity >> 1) return false
    while (this.#textHead + bytes.length - this.#textFloor > capacity) {
      this.#textFloor = this.#findTextFloor()
      if (this.#textHead + bytes.length - this.#textFloor <= capacity) break
      this.#options.onPressure?.()
      if (this.#options.whenFull !== 'dropOldest' || !this.#dropOldest()) return false
    }
    const start = this.#textHead & (capacity - 1)
    const first = Math.min(bytes.length, capacity - start)
    this.#columns.text.set(bytes.subarray(0, first), start)
    if (first < bytes.length) this.#columns.text.set(bytes.subarray(first), 0)
    this.#columns.words[cell * 2] = this.#textHead >>> 0
    this.#columns.words[cell * 2 + 1] = bytes.length
    this.#textHead += bytes.length
    return true
  }

  /** Where the oldest text that the consumer still needs begins. */
  #findTextFloor(): number {
    this.#refreshTail()
    for (let seq = this.#tail + 1; seq <= this.#written; seq++) {
      const cell = (seq - 1) & this.#mask
      if (this.#columns.kind[cell] === PLAIN) continue
      return this.#textHead - ((this.#textHead - this.#columns.words[cell * 2]!) >>> 0)
    }
    return this.#textHead
  }

  /** False when the text of one of these records has been overwritten: text is recycled sooner than records. */
  #textIsWhole(seq: number, count: number): boolean {
    const columns = this.#columns
    for (let offset = 0; offset < count; offset++) {
      const cell = (seq - 1 + offset) & this.#mask
      if (columns.kind[cell] === PLAIN) continue
      return (this.#textHead - columns.words[cell * 2]!) >>> 0 <= columns.text.length // the first is the oldest
    }
    return true
  }
}

/** The store thread's end. */
export class RingConsumer {
  readonly #columns: Columns
  readonly #memory: RingMemory
  readonly #epoch: number
  #taken = 0

  constructor(memory: RingMemory, epoch: number) {
    this.#columns = new Columns(memory)
    this.#memory = memory
    this.#epoch = epoch
  }

  /** Seq of the last record taken, or given up by `dropOldest`. */
  get taken(): number {
    return this.#taken
  }

  /** Records that wait. */
  get waiting(): number {
    return (Atomics.load(this.#columns.header, HEAD) - Atomics.load(this.#columns.header, TAIL)) | 0
  }

  /** Copies out up to `limit` of the oldest records and frees their cells; null when there are none. */
  take(limit: number): RecordBatch | null {
    for (;;) {
      const tail = Atomics.load(this.#columns.header, TAIL)
      const count = Math.min(limit, (Atomics.load(this.#columns.header, HEAD) - tail) | 0)
      this.#taken += (tail - (this.#taken | 0)) | 0
      if (count <= 0) return null
      const batch = this.#columns.copy(this.#memory, this.#epoch, this.#taken + 1, count)
      // Fails when the producer gave up the oldest records in the meantime: what was copied may be overwritten.
      if (Atomics.compareExchange(this.#columns.header, TAIL, tail, (tail + count) | 0) !== tail) continue
      this.#taken += count
      return batch
    }
  }
}

function powerOfTwo(atLeast: number): number {
  return 2 ** Math.ceil(Math.log2(atLeast))
}
