// One write to a device, or a read that a person asked for: waits for its turn on the bus, no longer than it is valid, has a deadline once it was sent, and can
// be called off at any time. Its promise settles at once when it is called off; the bus stays taken until the driver lets go.

import { TelemetryError } from '#domain/errors.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import type { BusWrite } from './bus.ts'
import type { BusyTime } from './busy-time.ts'
import { DriverCall } from './driver-call.ts'
import { driverError } from './failure.ts'
import { WRITE_DEADLINE_MS } from './limits.ts'

export interface DeviceWriteOptions<T> {
  readonly timers: Clock
  /** For messages: `Write to press-1.speed`. */
  readonly what: string
  readonly signal: AbortSignal
  /** Longest wait for its turn, in milliseconds. */
  readonly validMs: number
  /** Of its device. */
  readonly busy: BusyTime
  readonly operation: (signal: AbortSignal) => Promise<T>
}

export class DeviceWrite<T> implements BusWrite {
  readonly #options: DeviceWriteOptions<T>
  readonly #settlers = Promise.withResolvers<T>()
  readonly #ended = Promise.withResolvers<void>()
  #timer: Timer
  readonly #onAbort: () => void
  #call: DriverCall<T> | null = null
  #isSettled = false

  constructor(options: DeviceWriteOptions<T>) {
    const { timers, what, signal, validMs } = options
    this.#options = options
    const late = `${what} was not sent: it waited for its turn longer than it is valid, ${validMs} ms`
    this.#timer = timers.after(validMs, () => this.abort(new TelemetryError('EXPIRED', late, { retryable: true })))
    this.#onAbort = () => this.abort(new TelemetryError('ABORTED', `${what} was stopped`, { cause: signal.reason }))
    signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  get busy(): BusyTime {
    return this.#options.busy
  }

  /** What was read back, raw. Rejects with TelemetryError. */
  get result(): Promise<T> {
    return this.#settlers.promise
  }

  /** Resolves when the driver has let go, or at once when it was never called. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  /** True when the driver did not let go after an abort. */
  get isAbandoned(): boolean {
    return this.#call?.isAbandoned ?? false
  }

  async run(): Promise<void> {
    if (this.#isSettled) return
    const { timers, what, operation } = this.#options
    this.#timer.cancel()
    const late = `${what} took longer than ${WRITE_DEADLINE_MS} ms`
    this.#timer = timers.after(WRITE_DEADLINE_MS, () =>
      this.abort(new TelemetryError('TIMEOUT', late, { retryable: true })),
    )
    this.#call = new DriverCall({ timers, what, timeoutMs: null, operation })
    try {
      const value = await this.#call.run()
      this.#settle(() => this.#settlers.resolve(value))
    } catch (error) {
      this.#settle(() => this.#settlers.reject(driverError(error)))
    }
    this.#ended.resolve()
  }

  /** Calls it off: `result` rejects with `cause` now. */
  abort(cause: TelemetryError): void {
    this.#settle(() => this.#settlers.reject(cause))
    if (this.#call === null) this.#ended.resolve()
    else this.#call.abort(cause)
  }

  #settle(report: () => void): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#timer.cancel()
    this.#options.signal.removeEventListener('abort', this.#onAbort)
    report()
  }
}
