// Encodes Sparkplug B payloads with the code generated from the Eclipse schema (third-party/sparkplug, `npm run generate`).

import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import type { Value, ValueType } from '#domain/value.ts'
import {
  PayloadSchema,
  type Payload_MetricSchema,
  type Payload_PropertyValueSchema,
} from './generated/sparkplug_b_pb.js'
import { DataType } from './payload.ts'

/** Fields of one metric as the schema names them. */
export type MetricInit = Exclude<MessageInitShape<typeof Payload_MetricSchema>, { $typeName: string }>
export type PayloadInit = Exclude<MessageInitShape<typeof PayloadSchema>, { $typeName: string }>
export type PropertyInit = Exclude<MessageInitShape<typeof Payload_PropertyValueSchema>, { $typeName: string }>
export type MetricValue = NonNullable<MetricInit['value']>

export function encodePayload(payload: PayloadInit): Uint8Array {
  return toBinary(PayloadSchema, create(PayloadSchema, payload))
}

/** Datatype that keeps every value of a sensor type whole. */
export const DATATYPE_OF: Readonly<Record<ValueType, number>> = {
  number: DataType.Double,
  boolean: DataType.Boolean,
  int64: DataType.Int64,
  uint64: DataType.UInt64,
  string: DataType.String,
}

/** A value in the field that its type travels in; 64-bit integers as their two's complement. */
export function metricValueOf(value: Value): MetricValue {
  if (typeof value === 'number') return { case: 'doubleValue', value }
  if (typeof value === 'boolean') return { case: 'booleanValue', value }
  if (typeof value === 'bigint') return { case: 'longValue', value: BigInt.asUintN(64, value) }
  return { case: 'stringValue', value }
}

/** Payload of the command that asks an edge node to send its BIRTH again (Sparkplug 3.0 §6.4.28). */
export function rebirthCommand(now: number): Uint8Array {
  return encodePayload({
    timestamp: BigInt(now),
    metrics: [
      { name: 'Node Control/Rebirth', datatype: DataType.Boolean, value: { case: 'booleanValue', value: true } },
    ],
  })
}
