// Hears a device that sends by itself: finds the first whole frame, and gives up a frame whose rest does not come.

import type { Clock, Timer } from '#kit/clock.ts'
import type { Frame } from './frame.ts'
import type { Framer } from './framer.ts'

/** A timer that fires this much late tells nothing: what came meanwhile may not have been read yet. */
const MAX_LAG_MS = 20

export interface ListenerOptions {
  readonly clock: Clock
  readonly framer: Framer
  readonly maxPauseMs: number
  readonly frame: (frame: Frame) => void
  readonly countError: (kind: string) => void
}

export class Listener {
  readonly #options: ListenerOptions
  #timer: Timer | null = null
  #lastByteAt = 0
  #isOn = false

  constructor(options: ListenerOptions) {
    this.#options = options
  }

  /** From now on bytes count. The first may lie within a frame, unless the line has been silent before. */
  start(): void {
    this.#isOn = true
    this.#options.framer.reset(false)
    this.#lastByteAt = this.#options.clock.monotonic()
    this.#watch(this.#options.maxPauseMs)
  }

  stop(): void {
    this.#isOn = false
    this.#timer?.cancel()
    this.#timer = null
  }

  receive(chunk: Uint8Array): void {
    if (!this.#isOn) return
    const { clock, framer, maxPauseMs } = this.#options
    this.#lastByteAt = clock.monotonic()
    framer.push(chunk, this)
    if (this.#timer === null && this.#isOn) this.#watch(maxPauseMs)
  }

  /** Called by the framer. */
  frame(frame: Frame): void {
    this.#options.frame(frame)
  }

  tooLong(): void {
    this.#options.countError('frame-too-long')
  }

  cutShort(): void {
    this.#options.countError('frame-cut')
  }

  #watch(delayMs: number): void {
    const { clock } = this.#options
    const dueAt = clock.monotonic() + delayMs
    this.#timer = clock.after(delayMs, () => this.#onTimer(clock.monotonic() - dueAt))
  }

  #onTimer(lagMs: number): void {
    const { clock, framer, maxPauseMs } = this.#options
    this.#timer = null
    const silentMs = clock.monotonic() - this.#lastByteAt
    if (lagMs > MAX_LAG_MS) this.#watch(maxPauseMs)
    else if (silentMs < maxPauseMs) this.#watch(maxPauseMs - silentMs)
    else {
      if (framer.held > 0) this.#options.countError('frame-cut')
      framer.reset(true)
    }
  }
}
