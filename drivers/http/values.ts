// Values as programs send them in JSON → readings; what does not fit is refused before anything is taken.

import { NO_TIME, type ReadingSink } from '#domain/reading.ts'
import { Status } from '#domain/quality.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import { MAX_TEXT_BYTES, type JsonValue, type ValueType } from '#domain/value.ts'
import type { HttpSensorConfig } from './schema.ts'

export type HttpType = NonNullable<HttpSensorConfig['type']>

export const VALUE_TYPES: Readonly<Record<HttpType, ValueType>> = {
  number: 'number',
  bool: 'boolean',
  string: 'string',
  int64: 'int64',
  uint64: 'uint64',
}

const RANGE = {
  int64: { min: -(2n ** 63n), max: 2n ** 63n - 1n },
  uint64: { min: 0n, max: 2n ** 64n - 1n },
} as const

/** What is wrong with a value, in words that follow "value"; null when nothing is. null as a value says: none, it is bad. */
export function valueFault(type: HttpType, value: JsonValue): string | null {
  if (value === null) return null
  switch (type) {
    case 'number':
      return typeof value === 'number' && Number.isFinite(value) ? null : 'must be a number'
    case 'bool':
      return typeof value === 'boolean' ? null : 'must be true or false'
    case 'string':
      if (typeof value !== 'string') return 'must be a string'
      return Buffer.byteLength(value) <= MAX_TEXT_BYTES ? null : `must have at most ${MAX_TEXT_BYTES} bytes`
    case 'int64':
    case 'uint64':
      return integerFault(type, value)
  }
}

function integerFault(type: 'int64' | 'uint64', value: number | boolean | string): string | null {
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
    return 'is beyond ±(2^53 − 1), where JSON numbers are rounded: write it as a string'
  const isInteger =
    typeof value === 'number' ? Number.isSafeInteger(value) : typeof value === 'string' && /^-?\d{1,20}$/.test(value)
  if (!isInteger) return 'must be an integer, or a decimal string'
  const { min, max } = RANGE[type]
  const integer = BigInt(value)
  return integer >= min && integer <= max ? null : `must be from ${min} to ${max}`
}

/** What a sensor is whose first value this is; null when nobody can tell. */
export function typeOfFirst(value: JsonValue): HttpType | null {
  if (typeof value === 'number') return 'number'
  if (typeof value === 'boolean') return 'bool'
  return typeof value === 'string' ? 'string' : null
}

/** Gives the sink a value without fault. `time`: Unix milliseconds, null: none of its own. */
export function giveValue(
  sink: ReadingSink,
  target: { readonly sensor: SensorNumber; readonly type: HttpType; readonly time: number | null },
  value: JsonValue,
): void {
  const { sensor, type } = target
  const time = target.time ?? NO_TIME
  if (value === null) sink.bad(sensor, Status.BadNoData, time)
  else if (type === 'string') sink.text(sensor, String(value), Status.Good, time)
  else if (type === 'int64' || type === 'uint64') sink.integer(sensor, BigInt(value), Status.Good, time)
  else sink.number(sensor, Number(value), Status.Good, time)
}
