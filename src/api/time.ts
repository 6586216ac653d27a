// Times and durations of requests and answers. In: ISO 8601 with a zone, Unix milliseconds, relative to now. Out: ISO 8601 UTC.

import { Type } from 'typebox'
import { DURATION_PATTERN, parseDuration } from '#domain/units.ts'
import { invalid } from './problem.ts'

/** Year 9999: the last that ISO 8601 writes with four digits. */
const MAX_TIME = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?$/
const RELATIVE = /^(?:now)?(?:([+-])([0-9.]+(?:ms|s|m|h|d|w|y)))?$/
const DURATION = new RegExp(DURATION_PATTERN)

const timeText = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 64, description }))

/** Query parameters of a time range. */
export const rangeParameters = {
  from: timeText(
    'Begin of the range: ISO 8601 with a zone, Unix milliseconds, or relative to now (`-1h`). Default `-1h`.',
  ),
  to: timeText('End of the range, itself outside: as `from`. Default `now`.'),
}

/** A time in answers. */
export const TimeSchema = Type.String({
  description: 'ISO 8601, UTC, milliseconds.',
  examples: ['2026-11-20T12:00:00.000Z'],
})
export const NullableTimeSchema = Type.Union([TimeSchema, Type.Null()])

export interface TimeRange {
  readonly from: number
  readonly to: number
}

/** Unix milliseconds as ISO 8601 in UTC. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}

export function isoTimeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms)
}

/** The range of a query; refuses an empty or reversed one. `now` in Unix milliseconds. */
export function readRange(query: { from?: string; to?: string }, now: number): TimeRange {
  const from = readTime('query.from', query.from ?? '-1h', now)
  const to = readTime('query.to', query.to ?? 'now', now)
  if (from >= to) throw invalid('query.from', 'must be before to')
  return { from, to }
}

/** Unix milliseconds of a time in a query. `path` names the parameter in the message. */
export function readTime(path: string, text: string, now: number): number {
  const time = Math.floor(parseTime(path, text, now))
  if (!(time >= 0 && time <= MAX_TIME)) throw invalid(path, 'must lie between the years 1970 and 9999')
  return time
}

function parseTime(path: string, text: string, now: number): number {
  if (/^\d{1,16}$/.test(text)) return Number(text)
  const relative = text === '' ? null : RELATIVE.exec(text)
  if (relative)
    return relative[2] === undefined ? now : now + (relative[1] === '-' ? -1 : 1) * duration(path, relative[2])
  // A + that was not percent-encoded arrives as a space.
  const iso = text.replace(/ (?=\d{2}:?\d{2}$)/, '+')
  const match = ISO.exec(iso)
  if (match && match[1] === undefined) throw invalid(path, `has no time zone; write ${text}Z for UTC`)
  const time = match ? Date.parse(iso) : Number.NaN
  if (Number.isNaN(time)) throw invalid(path, 'must be a time: 2026-11-20T12:00:00Z, Unix milliseconds, now, or -1h')
  return time
}

/** Milliseconds of a duration in a request. */
export function readDuration(
  path: string,
  text: string,
  limits: { minMs: number; maxMs: number; words: string },
): number {
  const ms = duration(path, text)
  if (!(ms >= limits.minMs && ms <= limits.maxMs)) throw invalid(path, `must be ${limits.words}`)
  return ms
}

function duration(path: string, text: string): number {
  if (!DURATION.test(text)) throw invalid(path, 'must be a duration such as 500ms, 1s, 5m, 2h or 30d')
  return parseDuration(text)
}
