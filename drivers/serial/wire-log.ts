// The last bytes on the wire of one device. What comes in pieces of a few bytes is put together, so that slow lines do not
// fill it with single characters.

import type { WireFrame } from '#domain/driver.ts'

const KEPT_FRAMES = 64
const MAX_FRAME_BYTES = 260
/** Pieces that come within this time of the one before belong together. */
const JOIN_MS = 50

interface LoggedFrame {
  readonly direction: 'sent' | 'received'
  readonly time: number
  readonly bytes: Uint8Array
  length: number
  lastAt: number
}

export class WireLog {
  readonly #now: () => number
  readonly #frames: LoggedFrame[] = []

  /** @param now wall clock, Unix milliseconds. */
  constructor(now: () => number) {
    this.#now = now
  }

  sent(bytes: Uint8Array): void {
    this.#add('sent', bytes)
  }

  received(bytes: Uint8Array): void {
    const last = this.#frames.at(-1)
    const now = this.#now()
    const joins = last?.direction === 'received' && now - last.lastAt <= JOIN_MS
    if (last === undefined || !joins || last.length + bytes.length > MAX_FRAME_BYTES) {
      this.#add('received', bytes)
      return
    }
    last.bytes.set(bytes, last.length)
    last.length += bytes.length
    last.lastAt = now
  }

  /** Oldest first; copies. */
  frames(): readonly WireFrame[] {
    return this.#frames.map(({ time, direction, bytes, length }) => ({
      time,
      direction,
      bytes: bytes.slice(0, length),
    }))
  }

  #add(direction: LoggedFrame['direction'], bytes: Uint8Array): void {
    const oldest = this.#frames.length === KEPT_FRAMES ? this.#frames.shift() : undefined
    const room = oldest?.bytes ?? new Uint8Array(MAX_FRAME_BYTES)
    const kept = bytes.subarray(0, MAX_FRAME_BYTES)
    room.set(kept)
    const now = this.#now()
    this.#frames.push({ direction, time: now, bytes: room, length: kept.length, lastAt: now })
  }
}
