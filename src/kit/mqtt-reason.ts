// What went wrong between us and a broker, in plain words and as a TelemetryError. Told apart by codes, never by text.

import { TelemetryError, type ErrorCode } from '#domain/errors.ts'

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

/** System errors of the socket and of name resolution (errno). */
const SYSTEM: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses the connection: no broker listens there',
  ECONNRESET: 'reset the connection',
  EPIPE: 'closed the connection',
  ETIMEDOUT: 'does not answer',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached: no network',
  ENOTFOUND: 'has no address: the host name is unknown',
  EAI_AGAIN: 'has no address: name resolution does not answer',
}

/** Verification failures (X.509, as Node names them) and of the TLS handshake. */
const CERTIFICATE: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its authority is not among the trusted ones',
  UNABLE_TO_GET_ISSUER_CERT: 'its authority is unknown',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its authority is not among the trusted ones',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its authority is not among the trusted ones',
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet; is the clock right?',
  ERR_TLS_CERT_ALTNAME_INVALID: 'it is for another host',
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
  const system = SYSTEM[code]
  if (system !== undefined) return ['CONNECTION_FAILED', `${broker} ${system}`]
  const certificate = CERTIFICATE[code]
  if (certificate !== undefined)
    return ['UNAUTHENTICATED', `The certificate of ${broker} is not trusted: ${certificate}`]
  if (code.startsWith('ERR_SSL') || code === 'EPROTO')
    return ['CONNECTION_FAILED', `${broker} does not agree on TLS (${code})`]
  return null
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
