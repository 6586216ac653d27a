// The circuit breaker of one uplink: after some failures in a row it is open until the next try, and that try is a small one,
// so that a receiver that is going down is not pushed by all its gateways at full speed. Pure.

import type { BreakerStatus } from '#domain/uplink.ts'

/** Failures in a row after which it opens. */
const OPENS_AFTER = 5

export class Breaker {
  #state: BreakerStatus['state'] = 'closed'
  #failures = 0
  #retryAt: number | null = null

  get state(): BreakerStatus['state'] {
    return this.#state
  }

  status(): BreakerStatus {
    return { state: this.#state, failures: this.#failures, retryAt: this.#retryAt }
  }

  /** A connection could not be made or ended. `retryAt`: Unix milliseconds of the next try. */
  failed(retryAt: number): void {
    this.#failures += 1
    this.#retryAt = retryAt
    if (this.#failures >= OPENS_AFTER) this.#state = 'open'
  }

  /** The next try begins. */
  trying(): void {
    this.#retryAt = null
    if (this.#state === 'open') this.#state = 'halfOpen'
  }

  /** The receiver took something, or had nothing to take and the connection held. */
  succeeded(): void {
    this.#state = 'closed'
    this.#failures = 0
    this.#retryAt = null
  }
}
