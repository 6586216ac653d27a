// The last chunks on the wire of one device, in a ring of fixed size. Nothing is recorded before the login is over: a chunk
// of it may hold a password.

import type { WireFrame } from '#domain/driver.ts'

/** Chunks that are kept. */
export const RECORDED_FRAMES = 64
const MAX_FRAME_BYTES = 260

interface Slot {
  time: number
  direction: WireFrame['direction']
  length: number
}

export class FrameRing {
  /** Made by the first chunk. */
  #bytes: Uint8Array | null = null
  readonly #slots: readonly Slot[] = Array.from({ length: RECORDED_FRAMES }, () => ({
    time: 0,
    direction: 'sent',
    length: 0,
  }))
  #count = 0

  /** @param time wall clock, Unix milliseconds. */
  record(direction: WireFrame['direction'], chunk: Uint8Array, time: number): void {
    this.#bytes ??= new Uint8Array(RECORDED_FRAMES * MAX_FRAME_BYTES)
    const at = this.#count % RECORDED_FRAMES
    const slot = this.#slots[at]!
    slot.time = time
    slot.direction = direction
    slot.length = Math.min(chunk.length, MAX_FRAME_BYTES)
    this.#bytes.set(chunk.subarray(0, slot.length), at * MAX_FRAME_BYTES)
    this.#count += 1
  }

  /** Oldest first; copies. */
  frames(): readonly WireFrame[] {
    const kept = Math.min(this.#count, RECORDED_FRAMES)
    return Array.from({ length: kept }, (_, index) => {
      const at = (this.#count - kept + index) % RECORDED_FRAMES
      const { time, direction, length } = this.#slots[at]!
      const start = at * MAX_FRAME_BYTES
      return { time, direction, bytes: this.#bytes!.slice(start, start + length) }
    })
  }
}
