// From errors to gRPC statuses with details, and handlers that never let one escape.

import {
  Metadata,
  status,
  type handleUnaryCall,
  type ServerInterceptingCallInterface,
  type StatusObject,
} from '@grpc/grpc-js'
import { isTelemetryError, type ErrorCode } from '#domain/errors.ts'
import type { Log } from '#domain/driver.ts'
import { DETAILS_KEY, encodeDetails, type FieldViolation } from './error-details.ts'

export type { FieldViolation } from './error-details.ts'

export type StatusName = keyof typeof status

const RETRY_MS = 1000
/** Of a status message: all metadata together must fit into the 8 KiB that clients take. */
const MAX_TEXT = 1000

/** An answer that refuses a call. Within the brain only: it crosses no room's border. */
export class CallError extends Error {
  readonly code: StatusName
  readonly violations: readonly FieldViolation[]
  readonly retryAfterMs: number | null
  /** Why, in a word for programs. */
  readonly reason: string

  constructor(
    code: StatusName,
    message: string,
    more: { violations?: readonly FieldViolation[]; retryAfterMs?: number; reason?: string } = {},
  ) {
    super(message)
    this.code = code
    this.violations = more.violations ?? []
    this.retryAfterMs = more.retryAfterMs ?? null
    this.reason = more.reason ?? code
  }
}

/** INVALID_ARGUMENT with a BadRequest that names the fields. At least one violation. */
export function invalidArgument(...violations: readonly FieldViolation[]): CallError {
  const words = violations.map(({ description, field }) => `${field}: ${description}`).join('; ')
  return new CallError('INVALID_ARGUMENT', words, { violations })
}

/** What each code of TelemetryError is on the wire; the others are INTERNAL, whose words stay in the log. */
const STATUSES: Partial<Readonly<Record<ErrorCode, StatusName>>> = {
  PROTOCOL: 'INVALID_ARGUMENT',
  OUT_OF_RANGE: 'INVALID_ARGUMENT',
  REJECTED: 'INVALID_ARGUMENT',
  UNAUTHENTICATED: 'UNAUTHENTICATED',
  PERMISSION_DENIED: 'PERMISSION_DENIED',
  NOT_FOUND: 'NOT_FOUND',
  STALE: 'ABORTED',
  CONFLICT: 'ABORTED',
  ABORTED: 'CANCELLED',
  EXPIRED: 'DEADLINE_EXCEEDED',
  RATE_LIMITED: 'RESOURCE_EXHAUSTED',
  BUFFER_FULL: 'RESOURCE_EXHAUSTED',
  STORE_FULL: 'UNAVAILABLE',
  STORE_IO: 'UNAVAILABLE',
  CONNECTION_FAILED: 'UNAVAILABLE',
  CONNECTION_LOST: 'UNAVAILABLE',
  TIMEOUT: 'UNAVAILABLE',
  UNAVAILABLE: 'UNAVAILABLE',
}

/** What the database says of the brain itself: a password that was changed, a right that is gone. It is no word about the caller. */
const OF_THE_BRAIN: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['UNAUTHENTICATED', 'PERMISSION_DENIED', 'NOT_FOUND'])

export type Answer = Pick<StatusObject, 'code' | 'details' | 'metadata'>

/** The status of a call that ends with `error`. What nobody foresaw is logged, and told as INTERNAL without its words. */
export function statusOf(error: unknown, log: Log): Answer {
  const known = lockedOut(error, log) ?? callErrorOf(error)
  if (known === null) log.error({ err: error }, 'A call failed by a fault of the brain')
  const refused = known ?? new CallError('INTERNAL', 'A fault in TelemetryX itself')
  const { code, message, reason, retryAfterMs, violations } = refused
  const text = message.slice(0, MAX_TEXT)
  const metadata = new Metadata()
  metadata.set(DETAILS_KEY, encodeDetails({ code: status[code], message: text, reason, violations, retryAfterMs }))
  return { code: status[code], details: text, metadata }
}

/** What ends a call, as interceptors hand it on. */
type Ending = Parameters<ServerInterceptingCallInterface['sendStatus']>[0]

/** The same end of a call with details, if it has none: what grpc-js ends by itself, and what is no fault of the call, brings none. */
export function explained(answer: Ending): Ending {
  const code = answer.code ?? status.UNKNOWN
  if (code === status.OK) return answer
  const metadata = answer.metadata ?? new Metadata()
  if (metadata.get(DETAILS_KEY).length === 0) {
    const retryAfterMs = code === status.UNAVAILABLE ? RETRY_MS : null
    const reason = status[code] ?? 'UNKNOWN'
    metadata.set(
      DETAILS_KEY,
      encodeDetails({ code, message: answer.details ?? '', reason, violations: [], retryAfterMs }),
    )
  }
  return { ...answer, metadata }
}

function lockedOut(error: unknown, log: Log): CallError | null {
  if (!isTelemetryError(error) || !OF_THE_BRAIN.has(error.code) || !('sqlState' in error.context)) return null
  log.error({ code: error.code, reason: error.message }, 'The database refuses the brain')
  return new CallError('UNAVAILABLE', 'The database is away', { retryAfterMs: RETRY_MS })
}

function callErrorOf(error: unknown): CallError | null {
  if (error instanceof CallError) return error
  if (!isTelemetryError(error)) return null
  const code = STATUSES[error.code]
  if (code === undefined) return null
  const isLater = code === 'UNAVAILABLE' || code === 'RESOURCE_EXHAUSTED'
  const { retryAfterMs } = error.context
  // A breaker knows when it lets the next call through.
  const wait = typeof retryAfterMs === 'number' && retryAfterMs > 0 ? retryAfterMs : RETRY_MS
  return new CallError(code, error.message, { reason: error.code, ...(isLater ? { retryAfterMs: wait } : {}) })
}

/** A unary handler from a function that answers or throws. */
export function unary<Q, S>(
  log: Log,
  answer: (request: Q, call: Parameters<handleUnaryCall<Q, S>>[0]) => Promise<S> | S,
): handleUnaryCall<Q, S> {
  return (call, callback) => {
    void (async () => {
      try {
        callback(null, await answer(call.request, call))
      } catch (error) {
        callback(statusOf(error, log))
      }
    })()
  }
}
