// What went wrong between us and a broker, in plain words and as a TelemetryError. Told apart by codes, never by text.

import { TelemetryError, type ErrorCode } from '#domain/errors.ts'
import { describeSocketError } from './socket-reason.ts'

/** Refusals of CONNECT: 1–5 by MQTT 3.1.1 §3.2.2.3, 128 and up by MQTT 5 §3.2.2.2. */
const REFUSALS: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  1: ['CONNECTION_FAILED', 'The broker does not speak this version of MQTT'],
  2: ['CONNECTION_FAILED', 'The broker refuses the client id'],
  3: ['CONNECTION_FAILED', 'The broker says that it is not available'],
  4: ['UNAUTHENTICATED', 'The broker refuses the user name or password'],
  5: ['UNAUTHENTICATED', 'The broker refuses this client: not authorised'],
  132: ['CONNECTION_FAILED', 'The broker does not speak this version of MQTT'],
  133: ['CONNECTION_FAILED', 'The broker refuses the client id'],
  134: ['UNAUTHENTICATED', 'The broker refuses the user name or password'],
  135: ['UNAUTHENTICATED', 'The broker refuses this client: not authorised'],
  136: ['CONNECTION_FAILED', 'The broker says that it is not available'],
  137: ['CONNECTION_FAILED', 'The broker says that it is busy'],
  138: ['UNAUTHENTICATED', 'The broker has banned this client'],
  139: ['CONNECTION_LOST', 'The broker is shutting down'],
  141: ['CONNECTION_LOST', 'The broker heard nothing from us for too long'],
  142: ['CONNECTION_LOST', 'Another client has connected with the same client id'],
  151: ['CONNECTION_LOST', 'The broker says that a quota is used up'],
}

/** `broker` is host and port, without credentials. */
export function connectionError(cause: unknown, broker: string): TelemetryError {
  const code = codeOf(cause)
  const [word, message] = describe(code, broker) ?? ['CONNECTION_LOST', fallback(cause, broker)]
  return new TelemetryError(word, message, { retryable: true, context: { broker, code }, cause })
}

/** The broker ended the connection without a word. */
export function closedError(broker: string, beforeAccepting: boolean): TelemetryError {
  const message = `${broker} closed the connection${beforeAccepting ? ' before accepting it' : ''}`
  return new TelemetryError(beforeAccepting ? 'CONNECTION_FAILED' : 'CONNECTION_LOST', message, {
    retryable: true,
    context: { broker },
  })
}

function describe(code: string | number | null, broker: string): readonly [ErrorCode, string] | null {
  if (typeof code === 'number')
    return REFUSALS[code] ?? ['CONNECTION_FAILED', `The broker refuses with reason code ${code}`]
  if (code === null) return null
  const described = describeSocketError(code, broker)
  return described && [described.code, described.message]
}

/** The library's own words, for example about a malformed packet or a missing answer. */
function fallback(cause: unknown, broker: string): string {
  if (cause instanceof AggregateError && cause.errors.length > 0)
    return connectionError(cause.errors[0], broker).message
  return `${broker}: ${cause instanceof Error ? cause.message : String(cause)}`
}

function codeOf(cause: unknown): string | number | null {
  if (typeof cause !== 'object' || cause === null || !('code' in cause)) return null
  return typeof cause.code === 'string' || typeof cause.code === 'number' ? cause.code : null
}
