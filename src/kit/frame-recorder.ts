// The last frames on the wire of one device, in a ring of fixed size: a copy of some bytes for each frame, and no garbage.

import type { WireFrame } from '#domain/driver.ts'

/** Frames that are kept. */
export const RECORDED_FRAMES = 64
/** Bytes kept of a frame: the longest of any Modbus transport. */
export const MAX_FRAME_BYTES = 260

export interface FrameRecorderOptions {
  /** Wall clock, Unix milliseconds. */
  readonly now: () => number
  /**
   * For wires without frames: what is received within this time of the piece before belongs to the same frame, so that a
   * slow line does not fill the ring with single characters. Milliseconds; default: each piece is a frame.
   */
  readonly joinMs?: number
}

export class FrameRecorder {
  readonly #now: () => number
  readonly #joinMs: number
  /** Made by the first frame: 16 KiB that a device without a connection never needs. */
  #bytes: Uint8Array | null = null
  readonly #lengths = new Uint16Array(RECORDED_FRAMES)
  readonly #times = new Float64Array(RECORDED_FRAMES)
  readonly #isSent = new Uint8Array(RECORDED_FRAMES)
  #count = 0
  /** When the last piece came that a further one may join. */
  #lastAt = Number.NEGATIVE_INFINITY

  constructor({ now, joinMs = -1 }: FrameRecorderOptions) {
    this.#now = now
    this.#joinMs = joinMs
  }

  sent(bytes: Uint8Array): void {
    this.#add(bytes, 1, this.#now())
  }

  received(bytes: Uint8Array): void {
    const now = this.#now()
    if (!this.#joins(bytes, now)) this.#add(bytes, 0, now)
    this.#lastAt = now
  }

  /** Oldest first; copies. */
  frames(): readonly WireFrame[] {
    const kept = Math.min(this.#count, RECORDED_FRAMES)
    return Array.from({ length: kept }, (_, index) => {
      const slot = (this.#count - kept + index) % RECORDED_FRAMES
      const start = slot * MAX_FRAME_BYTES
      return {
        time: this.#times[slot]!,
        direction: this.#isSent[slot] === 1 ? 'sent' : 'received',
        bytes: this.#bytes!.slice(start, start + this.#lengths[slot]!),
      }
    })
  }

  /** Appends to the last frame where that is right and there is room for all of it. */
  #joins(bytes: Uint8Array, now: number): boolean {
    if (this.#count === 0 || now - this.#lastAt > this.#joinMs) return false
    const slot = (this.#count - 1) % RECORDED_FRAMES
    const length = this.#lengths[slot]!
    if (this.#isSent[slot] === 1 || length + bytes.length > MAX_FRAME_BYTES) return false
    this.#bytes!.set(bytes, slot * MAX_FRAME_BYTES + length)
    this.#lengths[slot] = length + bytes.length
    return true
  }

  #add(bytes: Uint8Array, isSent: 0 | 1, now: number): void {
    this.#bytes ??= new Uint8Array(RECORDED_FRAMES * MAX_FRAME_BYTES)
    const slot = this.#count % RECORDED_FRAMES
    const kept = bytes.length > MAX_FRAME_BYTES ? bytes.subarray(0, MAX_FRAME_BYTES) : bytes
    this.#bytes.set(kept, slot * MAX_FRAME_BYTES)
    this.#lengths[slot] = kept.length
    this.#times[slot] = now
    this.#isSent[slot] = isSent
    this.#count += 1
  }
}
