// Values of writes: engineering units to raw and back. Pure. Undoes exactly what the pipeline does to readings.

import { TelemetryError } from '#domain/errors.ts'
import type { Sensor } from '#domain/sensor.ts'
import { MAX_TEXT_BYTES, numericValue, type Value, type ValueType } from '#domain/value.ts'

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n
const UINT64_MAX = 2n ** 64n - 1n
/** Digits that a float64 always keeps: beyond them stands the noise of the division. */
const KEPT_DIGITS = 15

/**
 * Raw value for `value` in engineering units; `rawType` is the driver's type, before scaling. 64-bit integers stay exact;
 * with a scale they are rounded to the next step of the device. Throws OUT_OF_RANGE.
 */
export function toRaw(value: Value, sensor: Sensor, rawType: ValueType): Value {
  if (sensor.scale === null) return checked(value, sensor, rawType)
  const { factor, offset } = sensor.scale
  if (typeof value !== 'number' && typeof value !== 'bigint') throw refused(value, sensor, 'must be a number')
  // (21.4 − 0) / 0.1 is 213.99999999999997: what was meant is 214.
  const raw = Number(((Number(value) - offset) / factor).toPrecision(KEPT_DIGITS))
  if (!Number.isFinite(raw)) throw refused(value, sensor, 'must be a finite number')
  return checked(isInteger64(rawType) ? BigInt(Math.round(raw)) : raw, sensor, rawType)
}

/** Engineering value of a raw one. */
export function toEngineering(raw: Value, sensor: Sensor): Value {
  if (sensor.scale === null) return raw
  return numericValue(raw) * sensor.scale.factor + sensor.scale.offset
}

/** True when a raw value is of the type that the driver announced. */
export function isOfType(raw: unknown, rawType: ValueType): raw is Value {
  switch (rawType) {
    case 'number':
      return typeof raw === 'number' && Number.isFinite(raw)
    case 'boolean':
      return typeof raw === 'boolean'
    case 'int64':
    case 'uint64':
      return typeof raw === 'bigint'
    case 'string':
      return typeof raw === 'string'
  }
}

function checked(value: Value, sensor: Sensor, rawType: ValueType): Value {
  switch (rawType) {
    case 'number':
      return checkedNumber(value, sensor)
    case 'boolean':
      if (typeof value === 'boolean') return value
      if (value === 0 || value === 1) return value === 1
      throw refused(value, sensor, 'must be true or false')
    case 'int64':
      return checkedInteger(value, sensor, INT64_MIN, INT64_MAX)
    case 'uint64':
      return checkedInteger(value, sensor, 0n, UINT64_MAX)
    case 'string':
      if (typeof value === 'string' && Buffer.byteLength(value) <= MAX_TEXT_BYTES) return value
      throw refused(value, sensor, `must be a text of at most ${MAX_TEXT_BYTES} bytes`)
  }
}

function checkedNumber(value: Value, sensor: Sensor): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) return Number(value)
  throw refused(value, sensor, 'must be a finite number')
}

function checkedInteger(value: Value, sensor: Sensor, lowest: bigint, highest: bigint): bigint {
  // An integer beyond ±(2^53 − 1) that comes as a number has been rounded on its way: refused, not guessed.
  const integer = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value
  if (typeof integer === 'bigint' && integer >= lowest && integer <= highest) return integer
  throw refused(value, sensor, `must be an integer from ${lowest} to ${highest}`)
}

function isInteger64(rawType: ValueType): boolean {
  return rawType === 'int64' || rawType === 'uint64'
}

function refused(value: Value, sensor: Sensor, rule: string): TelemetryError {
  const shown = typeof value === 'string' ? `a text of ${value.length} characters` : String(value)
  return new TelemetryError('OUT_OF_RANGE', `${sensor.id} ${rule}, not ${shown}`, { context: { sensor: sensor.id } })
}
