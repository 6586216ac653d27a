// Time as a dependency: wall clock for stamps, monotonic clock for intervals, timers that tests can drive.

import { TelemetryError } from '#domain/errors.ts'

export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Wall clock, Unix milliseconds, integer. May step. */
  now(): number
  /** Monotonic milliseconds, fractional; only differences mean anything. */
  monotonic(): number
  /** Calls `fire` once after `delayMs` (≥ 0). Does not keep the process alive by itself. */
  after(delayMs: number, fire: () => void): Timer
}

/**
 * Fires by way of setImmediate. After a while in which the process was busy, Node.js runs what is due before it looks at what has
 * arrived: an answer that was there in time would be told as a time-out.
 */
class SystemTimer implements Timer {
  readonly #timeout: NodeJS.Timeout
  #turn: NodeJS.Immediate | null = null

  constructor(delayMs: number, fire: () => void) {
    this.#timeout = setTimeout(() => {
      this.#turn = setImmediate(fire)
    }, delayMs)
    this.#timeout.unref()
  }

  cancel(): void {
    clearTimeout(this.#timeout)
    if (this.#turn !== null) clearImmediate(this.#turn)
  }
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, fire) => new SystemTimer(delayMs, fire),
}

/** Resolves after `delayMs`; rejects with ABORTED when `signal` aborts first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new TelemetryError('ABORTED', 'The wait was stopped', { cause: signal.reason }))
      return
    }
    const onAbort = (): void => {
      timer.cancel()
      reject(new TelemetryError('ABORTED', 'The wait was stopped', { cause: signal?.reason }))
    }
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
