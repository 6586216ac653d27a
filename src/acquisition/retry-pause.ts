// The wait between two tries to connect, which may be cut short.

import type { Clock } from '#kit/clock.ts'

export class RetryPause {
  readonly #timers: Clock
  #end: (() => void) | null = null

  constructor(timers: Clock) {
    this.#timers = timers
  }

  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        this.#end = null
        timer.cancel()
        resolve()
      }
      const timer = this.#timers.after(delayMs, end)
      this.#end = end
    })
  }

  /** Ends a wait that is under way; false when there is none. */
  end(): boolean {
    const isWaiting = this.#end !== null
    this.#end?.()
    return isWaiting
  }
}
