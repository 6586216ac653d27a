// Structured logs by pino: one line of JSON each, secrets removed. Nothing is logged per reading.

import { pino, type DestinationStream, type Logger } from 'pino'
import { activeTrace } from './active-trace.ts'

export type { Logger } from 'pino'

/** Keys that are never written, at any depth that pino's redaction reaches. */
const SECRET_KEYS = ['password', 'token', 'secret', 'authorization', 'cookie', 'key', 'passphrase']

export interface LoggerOptions {
  readonly level?: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** Default: standard error, so that standard output stays for results. */
  readonly destination?: DestinationStream
}

/** The root logger; rooms get children with a `room` field. */
export function createLogger(options: LoggerOptions = {}): Logger {
  return pino(
    {
      level: options.level ?? 'info',
      base: null,
      mixin: traceFields,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), censor: '[redacted]' },
    },
    options.destination ?? standardError(),
  )
}

/** By the names that collectors of logs know (OpenTelemetry, Trace Context in non-OTLP Log Formats). */
function traceFields(): object {
  const trace = activeTrace()
  return trace === null ? {} : { trace_id: trace.traceId, span_id: trace.spanId }
}

/** For tests: says nothing. */
export const silentLogger: Logger = pino({ level: 'silent' })

/** Where logs go by default. */
export function standardError(): DestinationStream {
  return pino.destination({ dest: 2, sync: true })
}

/** A destination that appends to a file. */
export function logFile(path: string): DestinationStream {
  return pino.destination({ dest: path, sync: true, append: true, mkdir: true })
}
