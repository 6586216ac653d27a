// One call into a driver, made safe: a synchronous throw is a rejection, there is a time limit, an abort works even when
// the driver does not react, and nothing that the driver does later can become an unhandled rejection.

import { TelemetryError } from '#domain/errors.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import { driverError } from './failure.ts'
import { ABORT_GRACE_MS } from './limits.ts'

export interface DriverCallOptions<T> {
  readonly timers: Clock
  /** For the message of a time-out: `Poll of press-1`. */
  readonly what: string
  /** null: the caller sees to it. */
  readonly timeoutMs: number | null
  readonly operation: (signal: AbortSignal) => Promise<T>
}

export class DriverCall<T> {
  readonly #options: DriverCallOptions<T>
  readonly #controller = new AbortController()
  readonly #result = Promise.withResolvers<T>()
  #timer: Timer | null = null
  #cause: TelemetryError | null = null
  #isSettled = false
  #isAbandoned = false

  constructor(options: DriverCallOptions<T>) {
    this.#options = options
  }

  /** True when the driver was told to stop and did not: its device object must not be used again. */
  get isAbandoned(): boolean {
    return this.#isAbandoned
  }

  /**
   * Makes the call; once only. Rejects with a TelemetryError: the driver's, or the cause of the abort. Settles when the
   * driver has let go, at the latest ABORT_GRACE_MS after an abort.
   */
  run(): Promise<T> {
    const { timers, timeoutMs, what } = this.#options
    if (timeoutMs !== null) {
      this.#timer = timers.after(timeoutMs, () =>
        this.abort(new TelemetryError('TIMEOUT', `${what} took longer than ${timeoutMs} ms`, { retryable: true })),
      )
    }
    void this.#drive()
    return this.#result.promise
  }

  /** Stops the call: its result will be a rejection with `cause`, whatever the driver still answers. */
  abort(cause: TelemetryError): void {
    if (this.#isSettled || this.#cause !== null) return
    this.#cause = cause
    this.#timer?.cancel()
    this.#timer = this.#options.timers.after(ABORT_GRACE_MS, () => {
      this.#isAbandoned = true
      this.#settle(() => this.#result.reject(cause))
    })
    this.#controller.abort(cause)
  }

  async #drive(): Promise<void> {
    try {
      const value = await this.#options.operation(this.#controller.signal)
      this.#settle(() => (this.#cause === null ? this.#result.resolve(value) : this.#result.reject(this.#cause)))
    } catch (thrown) {
      this.#settle(() => this.#result.reject(this.#cause ?? driverError(thrown)))
    }
  }

  #settle(report: () => void): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#timer?.cancel()
    this.#timer = null
    report()
  }
}
