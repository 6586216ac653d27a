// What went wrong between central and the brain, as the one who asked central is told it. Told apart by codes, never by text.

import { status, type ServiceError } from '@grpc/grpc-js'
import { RequestError, type FieldError } from '#api/problem.ts'
import { TelemetryError } from '#domain/errors.ts'

const DETAILS_KEY = 'grpc-status-details-bin'
const MAX_WORDS = 500

/** Statuses with which the brain refuses what was asked. */
const REFUSALS: ReadonlySet<number> = new Set([
  status.INVALID_ARGUMENT,
  status.OUT_OF_RANGE,
  status.FAILED_PRECONDITION,
])
/** Statuses with which it refuses who asks. */
const STRANGERS: ReadonlySet<number> = new Set([status.UNAUTHENTICATED, status.PERMISSION_DENIED])
/** Statuses that grpc-js itself gives when nobody is there. */
const AWAY: ReadonlySet<number> = new Set([status.UNAVAILABLE, status.CANCELLED, status.ABORTED])
/** As it calls a connection that broke in the middle; said by the brain, they come with the id of the call. */
const BROKEN: ReadonlySet<number> = new Set([status.INTERNAL, status.UNKNOWN])
const CALL_ID_KEY = 'x-request-id'

/** Nobody answers: what the circuit breaker counts. */
export function away(cause: unknown): TelemetryError {
  return new TelemetryError('UNAVAILABLE', 'The brain is away', { retryable: true, cause })
}

/** It is there, and takes too long for this. */
export function tooSlow(timeoutMs: number, cause: unknown): TelemetryError {
  const message = `The brain takes longer than ${timeoutMs / 1000} s for this; ask for less`
  return new TelemetryError('TIMEOUT', message, { retryable: true, cause })
}

export function isDeadline(error: ServiceError): boolean {
  return error.code === status.DEADLINE_EXCEEDED
}

/** Any but a deadline. */
export function failureOf(error: ServiceError): TelemetryError | RequestError {
  const { code, details, metadata } = error
  if (AWAY.has(code) || (BROKEN.has(code) && metadata.get(CALL_ID_KEY).length === 0)) return away(error)
  if (REFUSALS.has(code)) {
    const errors = fieldsOf(details)
    return new RequestError('INVALID_REQUEST', errors.map(({ message, path }) => `${path} ${message}`).join('; '), {
      errors,
    })
  }
  // With a time to come again it has too much to do; without one this was too much.
  if (code === status.RESOURCE_EXHAUSTED && metadata.get(DETAILS_KEY).length > 0)
    return new TelemetryError('BUFFER_FULL', 'The brain has too much to do', { retryable: true, cause: error })
  if (code === status.RESOURCE_EXHAUSTED) {
    const message = `is too long for the brain: ${details.slice(0, MAX_WORDS)}`
    return new RequestError('INVALID_REQUEST', `query.from ${message}`, { errors: [{ path: 'query.from', message }] })
  }
  const words = STRANGERS.has(code) ? 'refuses the token that central has for this tenant' : 'cannot do this'
  return new TelemetryError('REJECTED', `The brain ${words}`, { context: { status: status[code] }, cause: error })
}

/** `detector.zscore.window: must be 2 to 100000; …` by the names that central's own query has. */
function fieldsOf(details: string): FieldError[] {
  return details
    .slice(0, MAX_WORDS)
    .split('; ')
    .map((words) => {
      const [, field, message] = /^(?:[\w[\]]+\.)*(\w+): (.*)$/.exec(words) ?? []
      if (field === undefined || message === undefined) return { path: 'query.method', message: words }
      return { path: `query.${field.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())}`, message }
    })
}
