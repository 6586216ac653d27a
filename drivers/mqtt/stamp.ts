// Time and quality that a JSON payload tells of itself.

import { qualityOf, Status, statusFromName, type StatusCode } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'

const ISO = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})$/
const DIGITS = /^[0-9]{1,19}(?:\.[0-9]+)?$/

/** Unix milliseconds; NO_TIME when `raw` is no time. A text without a zone is none: nobody can tell what it means. */
export function timeOf(raw: unknown, factor: number): number {
  if (typeof raw === 'number') return Number.isFinite(raw) && raw > 0 ? Math.round(raw * factor) : NO_TIME
  if (typeof raw !== 'string') return NO_TIME
  const text = raw.trim()
  if (DIGITS.test(text)) return Math.round(Number(text) * factor)
  return ISO.test(text) ? Date.parse(text.replace(' ', 'T')) : NO_TIME
}

const WORDS: Readonly<Record<string, StatusCode>> = {
  good: Status.Good,
  uncertain: Status.UncertainSensorNotAccurate,
  bad: Status.Bad,
  true: Status.Good,
  false: Status.Bad,
}

/** Status code of a quality as a payload writes it; null when it is none that we know. */
export function statusOf(raw: unknown): StatusCode | null {
  if (typeof raw === 'boolean') return raw ? Status.Good : Status.Bad
  if (typeof raw === 'number') return Number.isInteger(raw) && raw >= 0 && raw <= 0xffff_ffff ? raw : null
  if (typeof raw !== 'string') return null
  const word = raw.trim().toLowerCase()
  return Object.hasOwn(WORDS, word) ? WORDS[word]! : statusFromName(raw.trim())
}

/** The worse of two, so that a retained message is never better than it says. */
export function worse(one: StatusCode, other: StatusCode): StatusCode {
  const grade = { good: 0, uncertain: 1, bad: 2 }
  return grade[qualityOf(other)] > grade[qualityOf(one)] ? other : one
}
