// From what a payload holds to a reading of the sensor's type. What does not fit is bad, never guessed at.

import { Status, type StatusCode } from '#domain/quality.ts'
import type { ReadingSink } from '#domain/reading.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import { MAX_TEXT_BYTES } from '#domain/value.ts'
import type { PointType } from './point.ts'

const NUMBER = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?$/
const INTEGER = /^[+-]?[0-9]{1,20}$/
const WORDS: Readonly<Record<string, 0 | 1>> = { true: 1, false: 0, on: 1, off: 0, '1': 1, '0': 0 }

/** A stamped place for one reading. `status` is not bad. */
export interface Target {
  readonly sensor: SensorNumber
  readonly type: PointType
  readonly status: StatusCode
  /** Unix milliseconds, or NO_TIME. */
  readonly time: number
}

/** Gives the sink exactly one result. Returns the kind of error to count, or null. */
export function give(sink: ReadingSink, target: Target, raw: unknown): string | null {
  const { sensor, time } = target
  if (raw === undefined || raw === null) {
    sink.bad(sensor, Status.BadNoData, time)
    return raw === undefined ? 'value-missing' : null
  }
  switch (target.type) {
    case 'number':
      return giveNumber(sink, target, raw)
    case 'bool':
      return giveBoolean(sink, target, raw)
    case 'string':
      return giveText(sink, target, raw)
    case 'int64':
    case 'uint64':
      return giveInteger(sink, target, raw)
  }
}

function giveNumber(sink: ReadingSink, { sensor, status, time }: Target, raw: unknown): string | null {
  const text = typeof raw === 'string' ? raw.trim() : null
  const value =
    typeof raw === 'number'
      ? raw
      : typeof raw === 'bigint' || (text !== null && NUMBER.test(text))
        ? Number(text ?? raw)
        : null
  if (value === null) return mismatch(sink, sensor, time)
  sink.number(sensor, value, status, time) // an infinity becomes BadOutOfRange in the pipeline
  return null
}

function giveBoolean(sink: ReadingSink, { sensor, status, time }: Target, raw: unknown): string | null {
  const isText = typeof raw === 'string'
  if (!isText && typeof raw !== 'number' && typeof raw !== 'boolean' && typeof raw !== 'bigint')
    return mismatch(sink, sensor, time)
  const word = isText ? raw.trim().toLowerCase() : String(raw)
  const value = Object.hasOwn(WORDS, word) ? WORDS[word] : undefined
  if (value === undefined) return mismatch(sink, sensor, time)
  sink.number(sensor, value, status, time)
  return null
}

function giveText(sink: ReadingSink, { sensor, status, time }: Target, raw: unknown): string | null {
  const isText = typeof raw === 'string'
  if (!isText && typeof raw !== 'number' && typeof raw !== 'boolean' && typeof raw !== 'bigint')
    return mismatch(sink, sensor, time)
  const text = isText ? raw : String(raw)
  // Cut before it is passed on, so that no long payload lives longer than its message; the pipeline cuts to the byte.
  const kept = text.length > MAX_TEXT_BYTES ? text.slice(0, MAX_TEXT_BYTES) : text
  sink.text(sensor, kept, kept === text ? status : Status.UncertainSensorNotAccurate, time)
  return null
}

function giveInteger(sink: ReadingSink, { sensor, status, time }: Target, raw: unknown): string | null {
  const value = integerOf(raw)
  // A JSON number beyond ±(2^53 − 1) has lost its last digits on the way into this program.
  if (value === null) return mismatch(sink, sensor, time)
  sink.integer(sensor, value, status, time)
  return null
}

function integerOf(raw: unknown): bigint | null {
  if (typeof raw === 'bigint') return raw
  if (typeof raw === 'number') return Number.isSafeInteger(raw) ? BigInt(raw) : null
  if (typeof raw !== 'string' || !INTEGER.test(raw.trim())) return null
  return BigInt(raw.trim().replace(/^\+/, ''))
}

function mismatch(sink: ReadingSink, sensor: SensorNumber, time: number): string {
  sink.bad(sensor, Status.BadTypeMismatch, time)
  return 'type-mismatch'
}
