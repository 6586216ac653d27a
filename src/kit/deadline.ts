// A time limit on an operation, by the Clock (AbortSignal.timeout ignores test clocks).

import { TelemetryError } from '#domain/errors.ts'
import type { Clock } from './clock.ts'

export interface DeadlineOptions {
  readonly clock: Clock
  readonly timeoutMs: number
  /** What is timed, for the message: `Connect to 192.0.2.10:502`. */
  readonly what: string
  readonly signal?: AbortSignal
}

/**
 * Runs `operation` with a signal that aborts on timeout or with the caller's. Rejects with TIMEOUT (retryable) or
 * ABORTED at that moment, even when the operation does not react.
 */
export async function withDeadline<T>(
  options: DeadlineOptions,
  operation: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock, timeoutMs, what, signal } = options
  if (signal?.aborted) throw new TelemetryError('ABORTED', `${what} was stopped`, { cause: signal.reason })
  const controller = new AbortController()
  let rejectEarly: (error: TelemetryError) => void = () => {}
  const early = new Promise<never>((_resolve, reject) => {
    rejectEarly = reject
  })
  const stop = (error: TelemetryError): void => {
    rejectEarly(error)
    controller.abort(error)
  }
  const timer = clock.after(timeoutMs, () =>
    stop(
      new TelemetryError('TIMEOUT', `${what} took longer than ${timeoutMs} ms`, {
        retryable: true,
        context: { timeoutMs },
      }),
    ),
  )
  const onAbort = (): void => stop(new TelemetryError('ABORTED', `${what} was stopped`, { cause: signal?.reason }))
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([operation(controller.signal), early])
  } finally {
    timer.cancel()
    signal?.removeEventListener('abort', onAbort)
  }
}
