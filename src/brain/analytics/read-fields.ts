// Reading requests: everything that is wrong with one is told at once, by field.

import type { Duration, Timestamp } from '@bufbuild/protobuf/wkt'
import { invalidArgument, type FieldViolation } from '../rpc/answers.ts'
import { sensorMatcher, type SensorMatcher } from '../rules/sensor-glob.ts'

const MAX_PATTERNS = 1000
const MAX_ID = 256

/** Collects what is wrong. */
export class FieldReader {
  readonly #violations: FieldViolation[] = []

  refuse(field: string, description: string): void {
    this.#violations.push({ field, description })
  }

  /** Throws INVALID_ARGUMENT with all that was refused. */
  done(): void {
    if (this.#violations.length > 0) throw invalidArgument(...this.#violations)
  }

  /** 0 is `byDefault`, as proto3 does not know absent. */
  whole(field: string, value: number, range: { least: number; most: number; byDefault: number }): number {
    const given = value === 0 ? range.byDefault : value
    if (given < range.least || given > range.most) this.refuse(field, `must be ${range.least} to ${range.most}`)
    return given
  }

  /** Greater than 0; 0 is `byDefault`. */
  positive(field: string, value: number, { byDefault, most = Infinity }: { byDefault: number; most?: number }): number {
    const given = value === 0 ? byDefault : value
    const isSound = given > 0 && given <= most && Number.isFinite(given)
    if (!isSound) this.refuse(field, most === Infinity ? 'must be a positive number' : `must be in (0, ${most}]`)
    return given
  }

  /** Unix milliseconds; null when it is absent. */
  time(field: string, given: Timestamp | undefined): number | null {
    if (given === undefined) return null
    const ms = Number(given.seconds) * 1000 + given.nanos / 1e6
    // What a Date can hold.
    if (!Number.isFinite(ms) || Math.abs(ms) > 8.64e15) this.refuse(field, 'is no time that can be')
    return ms
  }

  /** Both given, the second after the first. */
  range(from: Timestamp | undefined, to: Timestamp | undefined): { from: number; to: number } {
    const range = { from: this.time('from', from) ?? Number.NaN, to: this.time('to', to) ?? Number.NaN }
    if (Number.isNaN(range.from)) this.refuse('from', 'is missing')
    if (Number.isNaN(range.to)) this.refuse('to', 'is missing')
    if (range.from >= range.to) this.refuse('to', 'must be after from')
    return range
  }

  /** Milliseconds; null when it is absent. */
  duration(field: string, given: Duration | undefined): number | null {
    if (given === undefined) return null
    const ms = Number(given.seconds) * 1000 + given.nanos / 1e6
    if (!(ms >= 1) || !Number.isSafeInteger(Math.round(ms))) this.refuse(field, 'must be at least 1 ms')
    return ms
  }

  patterns(field: string, given: readonly string[], least = 1): SensorMatcher[] {
    if (given.length < least) this.refuse(field, 'names no sensor')
    if (given.length > MAX_PATTERNS) this.refuse(field, `names more than ${MAX_PATTERNS} patterns`)
    return given.slice(0, MAX_PATTERNS).map((pattern, at) => {
      const isSound = pattern !== '' && pattern.length <= MAX_ID
      if (!isSound) this.refuse(`${field}[${at}]`, `must have 1 to ${MAX_ID} characters`)
      return sensorMatcher(pattern)
    })
  }
}
