// Slows down guessing: after some failures each further one doubles the wait before the next try is looked at.

import type { Clock } from '#kit/clock.ts'

export interface ThrottleOptions {
  readonly clock: Clock
  /** Failures that cost nothing yet. */
  readonly free: number
  readonly maxDelayMs: number
}

interface Failures {
  count: number
  /** Monotonic milliseconds before which no try is looked at. */
  blockedUntil: number
}

const FIRST_DELAY_MS = 1000
/** Most keys remembered; the oldest goes first. */
const MAX_KEYS = 10_000

export class Throttle {
  readonly #options: ThrottleOptions
  readonly #failures = new Map<string, Failures>()

  constructor(options: ThrottleOptions) {
    this.#options = options
  }

  /** Milliseconds until a try for `key` is looked at again; 0: now. */
  waitMs(key: string): number {
    const failures = this.#failures.get(key)
    return failures ? Math.max(0, failures.blockedUntil - this.#options.clock.monotonic()) : 0
  }

  failed(key: string): void {
    const count = (this.#failures.get(key)?.count ?? 0) + 1
    const { clock, free, maxDelayMs } = this.#options
    const delay = count <= free ? 0 : Math.min(maxDelayMs, FIRST_DELAY_MS * 2 ** Math.min(30, count - free - 1))
    this.#failures.delete(key)
    if (this.#failures.size >= MAX_KEYS) this.#failures.delete(this.#failures.keys().next().value!)
    this.#failures.set(key, { count, blockedUntil: clock.monotonic() + delay })
  }

  succeeded(key: string): void {
    this.#failures.delete(key)
  }
}
