// The last frames of one device, in a ring of fixed size: a copy of some 20 bytes for each frame, and no garbage.

import type { WireFrame } from '#domain/driver.ts'
import type { FrameTrace } from './transport.ts'

/** Frames that are kept. */
export const RECORDED_FRAMES = 64
/** Longest frame of any transport: the header of Modbus TCP and 254 bytes. */
const MAX_FRAME_BYTES = 260

export class FrameRecorder implements FrameTrace {
  readonly #now: () => number
  /** Made by the first frame: 16 KiB that a device without a connection never needs. */
  #bytes: Uint8Array | null = null
  readonly #lengths = new Uint16Array(RECORDED_FRAMES)
  readonly #times = new Float64Array(RECORDED_FRAMES)
  readonly #isSent = new Uint8Array(RECORDED_FRAMES)
  #count = 0

  /** @param now wall clock, Unix milliseconds. */
  constructor(now: () => number) {
    this.#now = now
  }

  sent(bytes: Uint8Array): void {
    this.#record(bytes, 1)
  }

  received(bytes: Uint8Array): void {
    this.#record(bytes, 0)
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

  #record(bytes: Uint8Array, isSent: 0 | 1): void {
    this.#bytes ??= new Uint8Array(RECORDED_FRAMES * MAX_FRAME_BYTES)
    const slot = this.#count % RECORDED_FRAMES
    const kept = bytes.length > MAX_FRAME_BYTES ? bytes.subarray(0, MAX_FRAME_BYTES) : bytes
    this.#bytes.set(kept, slot * MAX_FRAME_BYTES)
    this.#lengths[slot] = kept.length
    this.#times[slot] = this.#now()
    this.#isSent[slot] = isSent
    this.#count += 1
  }
}
