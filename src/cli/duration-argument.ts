// A duration on the command line: `500ms`, `10s`, `2m`.

import { InvalidArgumentError } from 'commander'
import { DURATION_PATTERN, parseDuration } from '#domain/units.ts'

const DURATION = new RegExp(DURATION_PATTERN)
const LONGEST_MS = 86_400_000

/** Milliseconds, more than 0 and at most a day. */
export function duration(text: string): number {
  const ms = DURATION.test(text) ? parseDuration(text) : 0
  if (ms > 0 && ms <= LONGEST_MS) return ms
  throw new InvalidArgumentError('It must be a duration, for example 500ms, 10s or 2m.')
}
