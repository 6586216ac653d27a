// The end of an uplink's connection: it may take a moment, and never holds up the stop.

import type { Log } from '#domain/driver.ts'
import { isTelemetryError } from '#domain/errors.ts'
import type { UplinkConnection } from '#domain/uplink.ts'
import type { Clock } from '#kit/clock.ts'
import { withDeadline } from '#kit/deadline.ts'

/** How long a goodbye may take. */
const CLOSE_TIMEOUT_MS = 3000

export interface GoodbyeOptions {
  readonly clock: Clock
  readonly log: Log
  readonly uplink: string
  readonly connection: Pick<UplinkConnection, 'close'>
}

/** Never rejects. */
export async function sayGoodbye(options: GoodbyeOptions, signal: AbortSignal): Promise<void> {
  const { clock, log, uplink, connection } = options
  const what = `Closing uplink ${uplink}`
  try {
    await withDeadline({ clock, timeoutMs: CLOSE_TIMEOUT_MS, what, signal }, () => connection.close())
  } catch (cause) {
    if (!isTelemetryError(cause, 'ABORTED')) log.warn({ uplink, err: cause }, 'Uplink did not close cleanly')
  }
}

/** Resolves when `work` does or `signal` aborts, whichever comes first. */
export function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return resolve()
    const onAbort = (): void => resolve()
    signal.addEventListener('abort', onAbort, { once: true })
    work.finally(() => signal.removeEventListener('abort', onAbort)).then(resolve, reject)
  })
}
