// Tells when what was accepted is durable, to whoever must acknowledge it. Flushes of all who wait are made together and not
// closer than MIN_INTERVAL_MS: on an SD card each sync costs wear, and a broker's window of 20 messages needs some a second.

import type { Clock } from '#kit/clock.ts'

const MIN_INTERVAL_MS = 50

export interface DurabilityOptions {
  readonly clock: Clock
  /** Resolves when everything pushed so far is durable. */
  flush(): Promise<void>
}

export class Durability {
  readonly #options: DurabilityOptions
  /** The flush that has not begun yet: it covers everything pushed until it does. */
  #next: Promise<void> | null = null
  #running: Promise<void> = Promise.resolve()
  #lastAt = Number.NEGATIVE_INFINITY

  constructor(options: DurabilityOptions) {
    this.#options = options
  }

  /** Resolves when everything accepted before the call is durable; rejects with what the store rejects with. */
  durable(): Promise<void> {
    this.#next ??= this.#flushLater()
    return this.#next
  }

  /** The same, for whoever can only wait: never rejects, and never resolves when the store has given up. */
  whenDurable(): Promise<void> {
    return this.durable().catch(() => new Promise<void>(() => {}))
  }

  async #flushLater(): Promise<void> {
    const { clock } = this.#options
    await this.#running.catch(() => {})
    const waitMs = this.#lastAt + MIN_INTERVAL_MS - clock.monotonic()
    if (waitMs > 0) await new Promise<void>((resolve) => void clock.after(waitMs, resolve))
    this.#next = null
    this.#lastAt = clock.monotonic()
    this.#running = this.#options.flush()
    await this.#running
  }
}
