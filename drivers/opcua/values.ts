// A DataValue of the wire as a reading: the value exactly or not at all, the server's status, the source's time.
// Built-in types: OPC UA Part 6 §5.1.2.

import type { DataValue } from 'node-opcua-client'
import { isBad, Status } from '#domain/quality.ts'
import { NO_TIME, type ReadingSink } from '#domain/reading.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import { MAX_TEXT_BYTES, type ValueType } from '#domain/value.ts'

export const Type = {
  Null: 0,
  Boolean: 1,
  SByte: 2,
  Byte: 3,
  Int16: 4,
  UInt16: 5,
  Int32: 6,
  UInt32: 7,
  Int64: 8,
  UInt64: 9,
  Float: 10,
  Double: 11,
  String: 12,
  DateTime: 13,
  Guid: 14,
  XmlElement: 16,
  StatusCode: 19,
  QualifiedName: 20,
  LocalizedText: 21,
} as const

const SCALAR = 0 // VariantArrayType
const FIRST_REAL_TIME = 0 // 1601-01-01 stands for "no time" (Part 6 §5.2.2.5), and nothing was measured before 1970

export interface ValueTarget {
  readonly sensor: SensorNumber
  readonly type: ValueType
  /** The sensor is one element: the server answers with an array of one. */
  readonly isElement: boolean
}

/** Gives exactly one result to the sink. */
export function giveValue(target: ValueTarget, data: DataValue, sink: ReadingSink): void {
  const status = data.statusCode.value >>> 0
  const time = timeOf(data.sourceTimestamp) ?? timeOf(data.serverTimestamp) ?? NO_TIME
  if (isBad(status)) {
    sink.bad(target.sensor, status, time)
    return
  }
  const { dataType, arrayType } = data.value
  const isArray = (arrayType as number) !== SCALAR
  const raw: unknown = isArray ? (data.value.value as ArrayLike<unknown> | null)?.[0] : data.value.value
  const type = dataType as number
  if (type === Type.Null || raw === null || raw === undefined) sink.bad(target.sensor, Status.BadNoData, time)
  else if (isArray !== target.isElement) sink.bad(target.sensor, Status.BadTypeMismatch, time)
  else giveScalar(target, type, raw, sink, status, time)
}

function giveScalar(
  { sensor, type: wanted }: ValueTarget,
  type: number,
  raw: unknown,
  sink: ReadingSink,
  status: number,
  time: number,
): void {
  switch (wanted) {
    case 'number': {
      const number = numberOf(type, raw)
      if (number === null) sink.bad(sensor, Status.BadTypeMismatch, time)
      else sink.number(sensor, number, status, time)
      return
    }
    case 'boolean':
      if (type === Type.Boolean && typeof raw === 'boolean') sink.number(sensor, raw ? 1 : 0, status, time)
      else sink.bad(sensor, Status.BadTypeMismatch, time)
      return
    case 'int64':
    case 'uint64': {
      const integer = integerOf(type, raw)
      if (integer === null) sink.bad(sensor, Status.BadTypeMismatch, time)
      else if (!fits(integer, wanted)) sink.bad(sensor, Status.BadOutOfRange, time)
      else sink.integer(sensor, integer, status, time)
      return
    }
    case 'string': {
      const text = textOf(type, raw)
      if (text === null) sink.bad(sensor, Status.BadTypeMismatch, time)
      else if (Buffer.byteLength(text) <= MAX_TEXT_BYTES) sink.text(sensor, text, status, time)
      else sink.text(sensor, cut(text), Status.UncertainSensorNotAccurate, time)
    }
  }
}

/** 64-bit integers become the nearest float64; a time becomes Unix milliseconds. */
function numberOf(type: number, raw: unknown): number | null {
  if (type >= Type.SByte && type <= Type.Double) {
    if (typeof raw === 'number') return raw
    const integer = integerOf(type, raw)
    return integer === null ? null : Number(integer)
  }
  if (type === Type.DateTime && raw instanceof Date) return raw.getTime()
  if (type === Type.StatusCode) return (raw as { value: number }).value >>> 0
  return null
}

/** The library gives 64-bit integers as [high, low], both unsigned. */
function integerOf(type: number, raw: unknown): bigint | null {
  if (type === Type.Int64 || type === Type.UInt64) {
    if (!Array.isArray(raw) || raw.length !== 2) return null
    const bits = (BigInt((raw[0] as number) >>> 0) << 32n) | BigInt((raw[1] as number) >>> 0)
    return type === Type.Int64 ? BigInt.asIntN(64, bits) : bits
  }
  return type >= Type.SByte && type <= Type.UInt32 && typeof raw === 'number' ? BigInt(raw) : null
}

function fits(integer: bigint, type: 'int64' | 'uint64'): boolean {
  return (type === 'int64' ? BigInt.asIntN(64, integer) : BigInt.asUintN(64, integer)) === integer
}

function textOf(type: number, raw: unknown): string | null {
  switch (type) {
    case Type.String:
    case Type.XmlElement:
    case Type.Guid:
      return typeof raw === 'string' ? raw : null
    case Type.DateTime:
      return raw instanceof Date && !Number.isNaN(raw.getTime()) ? raw.toISOString() : null
    case Type.LocalizedText:
      return (raw as { text: string | null }).text ?? ''
    case Type.QualifiedName:
      return (raw as { name: string | null }).name ?? ''
    default:
      return null
  }
}

/** As many whole characters as fit. */
function cut(text: string): string {
  const bytes = Buffer.from(text).subarray(0, MAX_TEXT_BYTES)
  return new TextDecoder('utf-8', { fatal: false }).decode(bytes, { stream: true })
}

function timeOf(stamp: Date | null | undefined): number | null {
  const ms = stamp?.getTime() ?? Number.NaN
  return ms > FIRST_REAL_TIME ? Math.round(ms) : null
}
