// Values of writes: engineering units to raw and back. Pure. Undoes exactly what the pipeline does to readings.

import { TelemetryError } from '#domain/errors.ts'
import type { Scale, Sensor } from '#domain/sensor.ts'
import { compileScale, scaleInteger, scaleNumber } from '#kit/scale.ts'
import { MAX_TEXT_BYTES, numericValue, type Value, type ValueType } from '#domain/value.ts'

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n
const UINT64_MAX = 2n ** 64n - 1n
/** Digits that a float64 always keeps. */
const KEPT_DIGITS = 15

/**
 * Raw value for `value` in engineering units; `rawType` is the driver's type, before scaling. 64-bit integers stay exact.
 * Throws OUT_OF_RANGE for what the sensor cannot hold; nothing is clipped or rounded.
 */
export function toRaw(value: Value, sensor: Sensor, rawType: ValueType): Value {
  if (sensor.scale === null) return checked(value, sensor, rawType)
  if (typeof value !== 'number' && typeof value !== 'bigint') throw refused(value, sensor, 'must be a number')
  const raw = unscaled(Number(value), sensor.scale)
  if (!Number.isFinite(raw)) throw refused(value, sensor, 'must be a finite number')
  if (!isInteger64(rawType)) return checked(raw, sensor, rawType)
  if (!Number.isInteger(raw)) throw refused(value, sensor, 'must be a whole number of steps of its scale')
  return checked(BigInt(raw), sensor, rawType)
}

/**
 * (21.4 − 0) / 0.1 is 213.99999999999997; what was meant is 214, whose engineering value is 21.4. For what lies between two
 * integers the noise of the division is cut off.
 */
function unscaled(value: number, scale: Scale): number {
  const quotient = (value - scale.offset) / scale.factor
  const integer = Math.round(quotient)
  return scaleNumber(compileScale(scale), integer) === value ? integer : Number(quotient.toPrecision(KEPT_DIGITS))
}

/** Engineering value of a raw one. */
export function toEngineering(raw: Value, sensor: Sensor): Value {
  if (sensor.scale === null) return raw
  const scale = compileScale(sensor.scale)
  return typeof raw === 'bigint' ? scaleInteger(scale, raw) : scaleNumber(scale, numericValue(raw))
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
