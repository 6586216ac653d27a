// Exponential backoff with full jitter: delay = random(0, min(max, first × 2^attempt)).
// Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

export interface BackoffOptions {
  readonly firstMs: number
  readonly maxMs: number
  /** Uniform in [0, 1). */
  readonly random: () => number
}

export class Backoff {
  readonly #options: BackoffOptions
  #attempt = 0

  constructor(options: BackoffOptions) {
    this.#options = options
  }

  /** Failures since the last reset. */
  get attempt(): number {
    return this.#attempt
  }

  /** Delay before the next try in milliseconds; at least a tenth of its ceiling, so that a jitter of 0 never spins. */
  next(): number {
    const { firstMs, maxMs, random } = this.#options
    const ceiling = Math.min(maxMs, firstMs * 2 ** Math.min(this.#attempt, 30))
    this.#attempt += 1
    return ceiling * (0.1 + 0.9 * random())
  }

  reset(): void {
    this.#attempt = 0
  }
}
