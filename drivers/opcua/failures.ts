// What went wrong, in the words of this product. The library passes on a server's status code in the response that it
// attaches to its error, and where it does not, only as a name within the message: the one place that looks there is here.

import { TelemetryError, type ErrorCode, isTelemetryError } from '#domain/errors.ts'

interface Meaning {
  readonly code: ErrorCode
  readonly text: string
  readonly retryable?: boolean
}

/** Status names of OPC UA Part 4 §7.38 that have a meaning of their own here. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  BadUserAccessDenied: { code: 'UNAUTHENTICATED', text: 'the server does not accept this user or password' },
  BadIdentityTokenRejected: { code: 'UNAUTHENTICATED', text: 'the server does not accept this user or password' },
  BadIdentityTokenInvalid: { code: 'UNAUTHENTICATED', text: 'the server does not accept this kind of login' },
  BadCertificateUntrusted: {
    code: 'UNAUTHENTICATED',
    text: 'the server does not trust the certificate of this gateway: accept it on the server',
  },
  BadSecurityChecksFailed: {
    code: 'UNAUTHENTICATED',
    text: 'the server refuses the security: most often it has to be told to trust the certificate of this gateway',
  },
  BadCertificateTimeInvalid: { code: 'UNAUTHENTICATED', text: 'a certificate is not valid at this time' },
  BadCertificateUriInvalid: { code: 'UNAUTHENTICATED', text: 'a certificate was made for another application' },
  BadTooManySessions: { code: 'CONNECTION_FAILED', text: 'the server has no session left', retryable: true },
  BadTooManyPublishRequests: { code: 'CONFLICT', text: 'too many publish requests', retryable: true },
  BadSessionClosed: { code: 'CONNECTION_LOST', text: 'the server closed the session', retryable: true },
  BadSessionIdInvalid: { code: 'CONNECTION_LOST', text: 'the server forgot the session', retryable: true },
  BadNoSubscription: { code: 'CONNECTION_LOST', text: 'the server forgot the subscription', retryable: true },
  BadSubscriptionIdInvalid: { code: 'CONNECTION_LOST', text: 'the server forgot the subscription', retryable: true },
  BadSecureChannelClosed: { code: 'CONNECTION_LOST', text: 'the server closed the channel', retryable: true },
  BadSecureChannelIdInvalid: { code: 'CONNECTION_LOST', text: 'the server forgot the channel', retryable: true },
  BadConnectionClosed: { code: 'CONNECTION_LOST', text: 'the connection was closed', retryable: true },
  BadTimeout: { code: 'TIMEOUT', text: 'the server ran out of time', retryable: true },
}

/** Name of the server's status in an error of the library; null when there is none. */
export function statusNameOf(error: unknown): string | null {
  const result = (error as { response?: { responseHeader?: { serviceResult?: { name?: unknown } } } } | null)?.response
    ?.responseHeader?.serviceResult?.name
  if (typeof result === 'string' && result !== 'Good') return result
  const message = error instanceof Error ? error.message : ''
  return /\bBad[A-Z][A-Za-z]+/.exec(message)?.[0] ?? null
}

/** An error of the library as ours: by the server's status, else `fallback`. */
export function opcuaError(error: unknown, fallback: ErrorCode, what: string): TelemetryError {
  if (isTelemetryError(error)) return error
  const status = statusNameOf(error)
  const meaning = status === null ? undefined : MEANINGS[status]
  if (meaning !== undefined) {
    const { code, text, retryable = false } = meaning
    return new TelemetryError(code, `${what}: ${text} (${status})`, { retryable, context: { status }, cause: error })
  }
  const retryable = true
  if (status !== null)
    return new TelemetryError(fallback, `${what}: ${status}`, { retryable, context: { status }, cause: error })
  return new TelemetryError(fallback, `${what}: ${plainReason(error)}`, { retryable, cause: error })
}

/** The library's own words without its line breaks and advice. */
function plainReason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const system = /\bE[A-Z]{4,}\b/.exec(message)?.[0]
  if (system === 'ECONNREFUSED') return 'nobody listens there (ECONNREFUSED)'
  if (system === 'ENOTFOUND' || system === 'EAI_AGAIN') return `the name cannot be resolved (${system})`
  if (system === 'EHOSTUNREACH' || system === 'ENETUNREACH') return `there is no way to it (${system})`
  if (system !== undefined) return system
  return message.split('\n')[0]!.slice(0, 200)
}
