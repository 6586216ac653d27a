// Times and widths on the command line, as the HTTP API takes them: ISO 8601 with a zone, Unix milliseconds, relative to now.

import { TelemetryError } from '#domain/errors.ts'
import { DURATION_PATTERN, parseDuration } from '#domain/units.ts'

export const TIME_HELP = 'ISO 8601 with a zone, Unix milliseconds, or relative to now (-1h)'

const ISO = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?(Z|[+-]\d{2}:?\d{2})?$/i
const RELATIVE = /^(?:now)?(?:([+-])([0-9.]+(?:ms|s|m|h|d|w|y)))?$/
const DURATION = new RegExp(DURATION_PATTERN)
const MAX_TIME = Date.UTC(9999, 11, 31, 23, 59, 59, 999)
const MIN_BUCKET_MS = 1000
const MAX_BUCKET_MS = 366 * 86_400_000

/** Unix milliseconds of `text`; `option` names it in the message. Throws USAGE. */
export function parseTime(option: string, text: string, now: number): number {
  const time = timeOf(option, text, now)
  if (time >= 0 && time <= MAX_TIME) return time
  throw new TelemetryError('USAGE', `${option} ${text} must lie between the years 1970 and 9999`)
}

function timeOf(option: string, text: string, now: number): number {
  if (/^\d{5,16}$/.test(text)) return Number(text)
  const relative = text === '' ? null : RELATIVE.exec(text)
  if (relative && (relative[2] === undefined || DURATION.test(relative[2]))) {
    const ms = relative[2] === undefined ? 0 : parseDuration(relative[2])
    return Math.floor(now + (relative[1] === '-' ? -ms : ms))
  }
  const iso = ISO.exec(text)
  if (iso && iso[2] === undefined) {
    const full = iso[1] === undefined ? `${text}T00:00:00Z` : `${text}Z`
    throw new TelemetryError('USAGE', `${option} ${text} has no time zone; write ${full} for UTC`)
  }
  const time = iso?.[1] === undefined ? Number.NaN : Date.parse(text)
  if (!Number.isNaN(time)) return time
  throw new TelemetryError(
    'USAGE',
    `${option} "${text}" is no time; write for example 2026-11-20T12:00:00Z, -1h, or Unix milliseconds`,
  )
}

/** Milliseconds of a bucket's width, 1 s to 366 days. Throws USAGE. */
export function parseBucketWidth(option: string, text: string): number {
  const ms = DURATION.test(text) ? parseDuration(text) : Number.NaN
  if (ms >= MIN_BUCKET_MS && ms <= MAX_BUCKET_MS) return ms
  throw new TelemetryError(
    'USAGE',
    `${option} "${text}" must be a duration between 1s and 1y, for example 10s, 1m, 1h, 1d`,
  )
}
