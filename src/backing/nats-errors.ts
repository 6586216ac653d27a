// What NATS says when it does not do what it was asked, by its numbers (nats-server, server/errors.json).

import type { JetStreamManager } from '@nats-io/jetstream'
import { TelemetryError, type ErrorCode } from '#domain/errors.ts'

/** The store of the stream did not take the message: a limit is reached, or its disk is full. */
const STREAM_STORE_FAILED = 10_077
/** The server, the account or the cluster has no room, or not enough servers. */
const NO_ROOM: ReadonlySet<number> = new Set([10_005, 10_023, 10_028, 10_047, 10_052])
const FULL_RETRY_MS = 5000
/** Codes that say something of the request: NATS itself is there. */
const ANSWERS: ReadonlySet<ErrorCode> = new Set(['BUFFER_FULL', 'RATE_LIMITED', 'OUT_OF_RANGE'])

/** True for an error with which NATS answered, as opposed to not answering. */
export function isAnswer(cause: unknown): boolean {
  if (cause instanceof TelemetryError) return ANSWERS.has(cause.code)
  return apiCode(cause) !== null
}

/** @param subject of a message that was not taken; null: it was something else. */
export async function natsError(
  cause: unknown,
  manager: JetStreamManager,
  subject: string | null,
): Promise<TelemetryError> {
  const code = apiCode(cause)
  const message = cause instanceof Error ? cause.message : String(cause)
  if (code === STREAM_STORE_FAILED && subject !== null && (await isSubjectFull(manager, subject)))
    return new TelemetryError('RATE_LIMITED', 'Too much of this tenant waits to be taken in', {
      retryable: true,
      context: { retryAfterMs: FULL_RETRY_MS },
      cause,
    })
  if (code !== null && (code === STREAM_STORE_FAILED || NO_ROOM.has(code)))
    return new TelemetryError('BUFFER_FULL', `NATS has no room: ${message}`, {
      retryable: true,
      context: { retryAfterMs: FULL_RETRY_MS },
      cause,
    })
  return new TelemetryError('UNAVAILABLE', `NATS is away: ${message}`, {
    retryable: true,
    context: { service: 'NATS' },
    cause,
  })
}

/** Its own limit is reached, not that of the stream. */
async function isSubjectFull(manager: JetStreamManager, subject: string): Promise<boolean> {
  try {
    const stream = await manager.streams.find(subject)
    const { config, state } = await manager.streams.info(stream, { subjects_filter: subject })
    const has = state.subjects?.[subject] ?? 0
    return config.max_msgs_per_subject > 0 && has >= config.max_msgs_per_subject
  } catch {
    return false
  }
}

function apiCode(cause: unknown): number | null {
  if (!(cause instanceof Error) || cause.name !== 'JetStreamApiError' || !('code' in cause)) return null
  return typeof cause.code === 'number' ? cause.code : null
}
