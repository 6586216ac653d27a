// The ring between the main thread and the store thread: single producer, single consumer, fixed size, in columns in one
// SharedArrayBuffer. It carries readings and entries in one order; record n of the epoch has seq n, counted from 1.
// Besides being the queue it is the journal's memory tail: the producer can read back what has not been overwritten yet.
// Its memory is laid out in ring-memory.ts.

import { ENTRY, type RecordBatch } from '#domain/reading.ts'
import { PLAIN, RingColumns, type RingMemory, TEXT } from './ring-memory.ts'

const encoder = new TextEncoder()

const HEAD = 0
const TAIL = 1

export interface RingProducerOptions {
  readonly memory: RingMemory
  readonly epoch: number
  readonly whenFull: 'block' | 'dropOldest'
  /** Called when the fill passes a quarter of the ring: the consumer should not wait for its interval. */
  readonly onPressure?: () => void
  /** Called with the range of seqs [from, to] that `dropOldest` gave up. */
  readonly onDrop?: (from: number, to: number) => void
}

/** Which records get other receive times, see `RingProducer.restamp`. */
export interface RingRestamp {
  readonly from: number
  readonly sure: number
  readonly to: number
  readonly offsetMs: number
  readonly now: number
}

/** The main thread's end. Every push answers false when the ring is full and nothing was taken. */
export class RingProducer {
  readonly epoch: number
  readonly capacity: number
  readonly #columns: RingColumns
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
    this.#columns = new RingColumns(options.memory)
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

  /** True when `records` records with `textBytes` bytes of text altogether can be pushed now without dropping anything. */
  hasRoomFor(records: number, textBytes: number): boolean {
    if (this.capacity - this.fill < records) return false
    if (textBytes === 0) return true
    this.#textFloor = this.#findTextFloor()
    return this.#textHead + textBytes - this.#textFloor <= this.#memory.textCapacity
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

  /**
   * Moves the receive times of records that are still in memory and that the consumer has taken: `offsetMs` is added to
   * those of seqs [from, sure], and of (sure, to] to those that are nearer to `now − offsetMs` than to `now`.
   */
  restamp({ from, sure, to, offsetMs, now }: RingRestamp): void {
    const { receivedAt, sourceTime, sensor } = this.#columns
    for (let seq = Math.max(from, this.#written - this.capacity + 1); seq <= Math.min(to, this.#written); seq++) {
      const cell = (seq - 1) & this.#mask
      const time = receivedAt[cell]!
      if (seq > sure && Math.abs(time - (now - offsetMs)) >= Math.abs(time - now)) continue
      receivedAt[cell] = time + offsetMs
      if (sensor[cell] === ENTRY) sourceTime[cell]! += offsetMs
    }
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
  readonly #columns: RingColumns
  readonly #memory: RingMemory
  readonly #epoch: number
  #taken = 0

  constructor(memory: RingMemory, epoch: number) {
    this.#columns = new RingColumns(memory)
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
