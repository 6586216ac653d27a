// A value of a command, as its sensor's type wants it.

import { TelemetryError } from '#domain/errors.ts'
import type { Sensor } from '#domain/sensor.ts'
import { MAX_TEXT_BYTES, type JsonValue, type Value } from '#domain/value.ts'

const INTEGERS = {
  int64: { min: -(2n ** 63n), max: 2n ** 63n - 1n },
  uint64: { min: 0n, max: 2n ** 64n - 1n },
} as const

/** Throws OUT_OF_RANGE. Integers beyond ±(2^53 − 1) are decimal strings: a JSON number would have been rounded. */
export function commandValue({ id, valueType }: Sensor, input: JsonValue): Value {
  switch (valueType) {
    case 'number':
      if (typeof input === 'number' && Number.isFinite(input)) return input
      throw new TelemetryError('OUT_OF_RANGE', `${id} takes numbers`)
    case 'boolean':
      if (typeof input === 'boolean') return input
      throw new TelemetryError('OUT_OF_RANGE', `${id} takes true and false`)
    case 'string':
      if (typeof input === 'string' && Buffer.byteLength(input, 'utf8') <= MAX_TEXT_BYTES) return input
      throw new TelemetryError('OUT_OF_RANGE', `${id} takes texts of at most ${MAX_TEXT_BYTES} bytes`)
    case 'int64':
    case 'uint64':
      return integer(id, input, INTEGERS[valueType])
  }
}

function integer(id: string, input: JsonValue, { min, max }: { min: bigint; max: bigint }): bigint {
  const isExact = typeof input === 'number' ? Number.isSafeInteger(input) : /^-?\d{1,20}$/.test(String(input))
  const value = isExact && (typeof input === 'number' || typeof input === 'string') ? BigInt(input) : null
  if (value === null || value < min || value > max)
    throw new TelemetryError('OUT_OF_RANGE', `${id} takes integers from ${min} to ${max}, beyond 2^53 as text`)
  return value
}
