// Whether polls may start: closed while the buffer behind the pipeline is full. It opens by itself.

import type { Clock } from '#kit/clock.ts'
import { ROOM_CHECK_MS } from './limits.ts'

export const PAUSE_REASON = 'the buffer is full: the store does not keep up'

export class RoomGate {
  readonly #timers: Clock
  readonly #hasRoom: () => boolean
  readonly #onChange: (isOpen: boolean) => void
  #isOpen = true
  #isWatching = false
  #changedAt: number

  constructor(timers: Clock, hasRoom: () => boolean, onChange: (isOpen: boolean) => void) {
    this.#timers = timers
    this.#hasRoom = hasRoom
    this.#onChange = onChange
    this.#changedAt = timers.now()
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Wall clock, Unix milliseconds. */
  get changedAt(): number {
    return this.#changedAt
  }

  /** Looks for room now: true when a poll may start. */
  check(): boolean {
    const hasRoom = this.#hasRoom()
    if (hasRoom === this.#isOpen) return hasRoom
    this.#isOpen = hasRoom
    this.#changedAt = this.#timers.now()
    // A device with a long interval must not show "paused" until its next deadline.
    if (!hasRoom && !this.#isWatching) this.#watch()
    this.#onChange(hasRoom)
    return hasRoom
  }

  #watch(): void {
    this.#isWatching = true
    this.#timers.after(ROOM_CHECK_MS, () => {
      this.#isWatching = false
      if (!this.check() && !this.#isWatching) this.#watch()
    })
  }
}
