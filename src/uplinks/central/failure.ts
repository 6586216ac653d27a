// What went wrong between us and central, in plain words and as a TelemetryError. Told apart by codes, never by text.

import { TelemetryError, type ErrorCode } from '#domain/errors.ts'
import { describeSocketError } from '#kit/socket-reason.ts'
import type { Answer } from './answer.ts'

const MAX_WORDS = 200
/** A server that asks for more is asked again after this. */
const MAX_WAIT_MS = 3_600_000

/** Status codes with which central refuses a request as such (RFC 9110 §15). */
const STATUSES: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  401: ['UNAUTHENTICATED', 'refuses the token'],
  403: ['PERMISSION_DENIED', 'does not allow this gateway to send'],
  404: ['CONNECTION_FAILED', 'does not know this address: is the url right?'],
  405: ['CONNECTION_FAILED', 'does not know this address: is the url right?'],
  408: ['TIMEOUT', 'waited too long for the request'],
  413: ['REJECTED', 'takes no request of this size'],
  415: ['PROTOCOL', 'does not take this format'],
  429: ['RATE_LIMITED', 'asks to send less'],
  503: ['CONNECTION_FAILED', 'is not ready'],
}

/** A status that is no success. */
export function statusError(answer: Answer, name: string): TelemetryError {
  const { status } = answer
  const [code, meaning] = STATUSES[status] ?? [
    'CONNECTION_FAILED',
    status >= 500 ? 'has failed' : 'refuses the request',
  ]
  const words = wordsOf(answer)
  const message = `${name} ${meaning} (${status}${words === '' ? '' : `: ${words}`})`
  return new TelemetryError(code, message, { retryable: true, context: { receiver: name, status } })
}

export function closedError(name: string): TelemetryError {
  return new TelemetryError('CONNECTION_LOST', `The connection to ${name} is closed`, { retryable: true })
}

export function nonsense(name: string, what: string): TelemetryError {
  return new TelemetryError('PROTOCOL', `${name} answers ${what}`, { retryable: true, context: { receiver: name } })
}

export function socketError(cause: unknown, name: string): TelemetryError {
  if (cause instanceof TelemetryError) return cause
  if (cause instanceof AggregateError && cause.errors.length > 0) return socketError(cause.errors[0], name)
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : ''
  const described = describeSocketError(code, name)
  const message = described?.message ?? `${name}: ${cause instanceof Error ? cause.message : String(cause)}`
  return new TelemetryError(described?.code ?? 'CONNECTION_LOST', message, {
    retryable: true,
    context: { receiver: name, code },
    cause,
  })
}

/** `title` and `detail` of a problem document (RFC 9457), else nothing. */
export function wordsOf({ headers, body }: Answer): string {
  if (!/json/.test(headers['content-type'] ?? '')) return ''
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'))
    if (typeof parsed !== 'object' || parsed === null) return ''
    const { title, detail } = parsed as Record<string, unknown>
    return [title, detail]
      .filter((word) => typeof word === 'string')
      .join(': ')
      .slice(0, MAX_WORDS)
  } catch {
    return ''
  }
}

/** Milliseconds that the server wants us to wait (RFC 9110 §10.2.3: seconds, or a date); null when it says nothing sensible. */
export function retryAfterMs({ headers }: Pick<Answer, 'headers'>, now: number): number | null {
  const text = headers['retry-after']
  if (text === undefined) return null
  const wait = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now
  return Number.isFinite(wait) ? Math.min(Math.max(wait, 0), MAX_WAIT_MS) : null
}
