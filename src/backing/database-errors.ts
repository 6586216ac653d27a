// What PostgreSQL says went wrong as a TelemetryError. Told apart by SQLSTATE (PostgreSQL Appendix A), never by text.

import { TelemetryError, toTelemetryError, type ErrorCode } from '#domain/errors.ts'
import { describeSocketError } from '#kit/socket-reason.ts'

interface Meaning {
  readonly code: ErrorCode
  readonly retryable: boolean
  readonly message: string
}

const STATES: Readonly<Record<string, Meaning>> = {
  '23505': { code: 'CONFLICT', retryable: false, message: 'There is one with this key already' },
  '23503': {
    code: 'CONFLICT',
    retryable: false,
    message: 'It refers to something that is not there, or is still referred to',
  },
  '23514': { code: 'OUT_OF_RANGE', retryable: false, message: 'A value is not allowed there' },
  '23502': { code: 'OUT_OF_RANGE', retryable: false, message: 'A value is missing' },
  '22003': { code: 'OUT_OF_RANGE', retryable: false, message: 'A number is too large' },
  '42501': { code: 'PERMISSION_DENIED', retryable: false, message: 'The database does not allow it' },
  '28P01': { code: 'UNAUTHENTICATED', retryable: true, message: 'The database refuses the password' },
  '28000': { code: 'UNAUTHENTICATED', retryable: true, message: 'The database refuses the user' },
  '3D000': { code: 'NOT_FOUND', retryable: true, message: 'There is no such database on the server' },
  '25P03': { code: 'CONNECTION_LOST', retryable: true, message: 'The transaction was silent for too long' },
  '40001': { code: 'CONFLICT', retryable: true, message: 'Another transaction was in the way' },
  '40P01': { code: 'CONFLICT', retryable: true, message: 'Another transaction was in the way' },
  '55P03': { code: 'TIMEOUT', retryable: true, message: 'Another transaction held it for too long' },
  '57014': { code: 'TIMEOUT', retryable: true, message: 'The database took too long' },
  '53100': { code: 'STORE_FULL', retryable: true, message: "The database's disk is full" },
  '53300': { code: 'CONNECTION_FAILED', retryable: true, message: 'The database has no connection left' },
  '58030': { code: 'STORE_IO', retryable: true, message: 'The database cannot read or write its files' },
  XX001: { code: 'STORE_CORRUPT', retryable: false, message: 'The database is damaged' },
  XX002: { code: 'STORE_CORRUPT', retryable: false, message: 'The database is damaged' },
}

/** Classes of SQLSTATE after which the connection is of no use: connection exceptions, and a server that goes away. */
const GONE = /^(08|57P)/

/** @param name of the database, without password. */
export function databaseError(cause: unknown, name: string): TelemetryError {
  if (cause instanceof TelemetryError) return cause
  if (cause instanceof AggregateError && cause.errors.length > 0) return databaseError(cause.errors[0], name)
  const code = wordOf(cause, 'code')
  const words = cause instanceof Error ? cause.message : String(cause)
  const context = { database: name, sqlState: code, constraint: wordOf(cause, 'constraint') || undefined }
  const meaning = STATES[code]
  if (meaning) {
    const { retryable, message } = meaning
    return new TelemetryError(meaning.code, `${message}: ${words}`, { retryable, context, cause })
  }
  if (GONE.test(code))
    return new TelemetryError('CONNECTION_LOST', `${name}: ${words}`, { retryable: true, context, cause })
  if (/^[0-9A-Z]{5}$/.test(code) && /\d/.test(code)) return toTelemetryError(cause, 'INTERNAL', { context })
  const socket = describeSocketError(code, name)
  return new TelemetryError(socket?.code ?? 'CONNECTION_LOST', socket?.message ?? `${name}: ${words}`, {
    retryable: true,
    context,
    cause,
  })
}

/** Whether the database itself is away, and not one statement wrong. */
export function isOutage(error: TelemetryError): boolean {
  return ['CONNECTION_FAILED', 'CONNECTION_LOST', 'UNAUTHENTICATED'].includes(error.code)
}

function wordOf(cause: unknown, name: 'code' | 'constraint'): string {
  const word: unknown =
    typeof cause === 'object' && cause !== null ? (cause as Record<string, unknown>)[name] : undefined
  return typeof word === 'string' ? word : ''
}
