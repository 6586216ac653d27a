// Readings of one sensor in columns, as they wait in memory and as they stand in the database.
//
//   block   version u8 = 1 · zstd( times f64 LE × n · values f64 LE × n )

import { randomUUID } from 'node:crypto'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { TelemetryError } from '#domain/errors.ts'

const VERSION = 1
const FIRST_CAPACITY = 16
/** Of one block: 16 bytes for each reading. */
export const MAX_BLOCK_READINGS = 2048

export interface Columns {
  /** Unix milliseconds. */
  readonly times: Float64Array
  readonly values: Float64Array
}

/** Grows up to one block. */
export class PendingBlock {
  /** By which it is known whether it is in the database already. */
  readonly token = randomUUID()
  length = 0
  /** Monotonic: when its first reading came. */
  since = 0
  #times = new Float64Array(FIRST_CAPACITY)
  #values = new Float64Array(FIRST_CAPACITY)

  get isFull(): boolean {
    return this.length >= MAX_BLOCK_READINGS
  }

  push(time: number, value: number): void {
    if (this.length === this.#times.length) {
      this.#times = grown(this.#times)
      this.#values = grown(this.#values)
    }
    this.#times[this.length] = time
    this.#values[this.length] = value
    this.length += 1
  }

  /** What it has, not copied. */
  columns(): Columns {
    return { times: this.#times.subarray(0, this.length), values: this.#values.subarray(0, this.length) }
  }
}

function grown(cells: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const more = new Float64Array(cells.length * 2)
  more.set(cells)
  return more
}

export function encodeBlock({ times, values }: Columns): Uint8Array {
  const cells = new Float64Array(times.length + values.length)
  cells.set(times)
  cells.set(values, times.length)
  const packed = zstdCompressSync(new Uint8Array(cells.buffer))
  const block = new Uint8Array(1 + packed.length)
  block[0] = VERSION
  block.set(packed, 1)
  return block
}

/** Throws STORE_CORRUPT. */
export function decodeBlock(block: Uint8Array): Columns {
  let bytes: Buffer
  try {
    if (block[0] !== VERSION) throw new Error(`version ${block[0]}`)
    bytes = zstdDecompressSync(block.subarray(1), { maxOutputLength: 16 * MAX_BLOCK_READINGS })
    if (bytes.length % 16 !== 0) throw new Error('cut off')
  } catch (cause) {
    throw new TelemetryError('STORE_CORRUPT', 'A block of the history cannot be read', { cause })
  }
  const cells = new Float64Array(bytes.length / 8)
  new Uint8Array(cells.buffer).set(bytes)
  return { times: cells.subarray(0, cells.length / 2), values: cells.subarray(cells.length / 2) }
}

/** Pieces of one sensor as one, by time; those of the same time stay in the order of the pieces. Within [from, to). */
export function joinColumns(pieces: readonly Columns[], from: number, to: number): Columns {
  const length = pieces.reduce((sum, { times }) => sum + times.length, 0)
  const times = new Float64Array(length)
  const values = new Float64Array(length)
  let [end, last, isSorted] = [0, -Infinity, true]
  for (const piece of pieces) {
    for (let at = 0; at < piece.times.length; at++) {
      const time = piece.times[at]!
      if (time < from || time >= to) continue
      if (time < last) isSorted = false
      last = time
      times[end] = time
      values[end] = piece.values[at]!
      end += 1
    }
  }
  if (isSorted) return { times: times.slice(0, end), values: values.slice(0, end) }
  const order = Uint32Array.from({ length: end }, (_, at) => at).sort((a, b) => times[a]! - times[b]! || a - b)
  return {
    times: Float64Array.from(order, (at) => times[at]!),
    values: Float64Array.from(order, (at) => values[at]!),
  }
}
