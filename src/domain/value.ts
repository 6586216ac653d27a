// What a sensor's value can be, and how it is written in JSON without losing a bit.

/**
 * Type of a sensor's values. `number` is a float64; `int64` and `uint64` keep all 64 bits as bigint.
 * A sensor with a scale is always `number`.
 */
export type ValueType = 'number' | 'boolean' | 'int64' | 'uint64' | 'string'

/** A value as programs see it: number for `number`, boolean for `boolean`, bigint for the 64-bit integers. */
export type Value = number | boolean | bigint | string

/** A value in JSON. 64-bit integers beyond ±(2^53 − 1) are decimal strings: a JSON number would be rounded by most readers. */
export type JsonValue = number | boolean | string | null

/** Longest text value in UTF-8 bytes; drivers cut longer ones and mark them `UncertainSensorNotAccurate`. */
export const MAX_TEXT_BYTES = 4096

/** JSON form of a value: exact for each type. A non-finite number becomes null. */
export function jsonValue(value: Value | null): JsonValue {
  if (typeof value === 'bigint') {
    const small = value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
    return small ? Number(value) : value.toString()
  }
  if (typeof value === 'number' && !Number.isFinite(value)) return null
  return value
}

/** Number for checks and charts: booleans are 0 and 1, 64-bit integers are rounded to float64, text is NaN. */
export function numericValue(value: Value): number {
  return typeof value === 'string' ? Number.NaN : Number(value)
}
