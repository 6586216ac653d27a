// Values between the domain and the wire: exact for each type.

import { create } from '@bufbuild/protobuf'
import { TelemetryError } from '#domain/errors.ts'
import type { JsonValue, Value, ValueType } from '#domain/value.ts'
import { ValueSchema, ValueType as WireType, type Value as WireValue } from './generated/telemetryx/v1/events_pb.js'

const WIRE_TYPES: Readonly<Record<ValueType, WireType>> = {
  number: WireType.NUMBER,
  boolean: WireType.BOOLEAN,
  int64: WireType.INT64,
  uint64: WireType.UINT64,
  string: WireType.TEXT,
}
const TYPES: ReadonlyMap<WireType, ValueType> = new Map(
  Object.entries(WIRE_TYPES).map(([type, wire]) => [wire, type as ValueType]),
)

export function wireTypeOf(type: ValueType): WireType {
  return WIRE_TYPES[type]
}

/** undefined for a type that this version does not know. */
export function valueTypeOf(type: WireType): ValueType | undefined {
  return TYPES.get(type)
}

/** Of a sensor with `type`; an empty one for null. */
export function wireValue(value: Value | null, type: ValueType): WireValue {
  if (value === null) return create(ValueSchema)
  switch (type) {
    case 'number':
      return create(ValueSchema, { kind: { case: 'number', value: Number(value) } })
    case 'boolean':
      return create(ValueSchema, { kind: { case: 'boolean', value: Boolean(value) } })
    case 'int64':
      return create(ValueSchema, { kind: { case: 'integer', value: BigInt(value) } })
    case 'uint64':
      return create(ValueSchema, { kind: { case: 'unsignedInteger', value: BigInt(value) } })
    case 'string':
      return create(ValueSchema, { kind: { case: 'text', value: String(value) } })
  }
}

/** Of a value as JSON has it, for a sensor with `type`. Throws OUT_OF_RANGE when the digits of an integer are none. */
export function wireValueOfJson(value: JsonValue, type: ValueType): WireValue {
  const isInteger = type === 'int64' || type === 'uint64'
  if (value === null || !isInteger) return wireValue(value, type)
  if (typeof value === 'number' ? Number.isInteger(value) : /^-?\d+$/.test(String(value)))
    return wireValue(BigInt(value), type)
  throw new TelemetryError('OUT_OF_RANGE', 'The value of a 64-bit integer is a whole number')
}

/** null for an empty one. */
export function valueOf(wire: WireValue | undefined): Value | null {
  return wire?.kind.value ?? null
}
