// Decodes a Sparkplug B payload (third-party/sparkplug/sparkplug_b.proto) as far as sensors and commands need it, from bytes that
// anybody may have written: bounded, and without building what is skipped. encode.ts writes payloads.
//
//   Payload       1 timestamp uint64   2 metrics Metric*   3 seq uint64
//   Metric        1 name string   2 alias uint64   3 timestamp uint64   4 datatype uint32   5 is_historical bool
//                 7 is_null bool   9 properties PropertySet
//                 10 int_value uint32   11 long_value uint64   12 float_value float   13 double_value double
//                 14 boolean_value bool   15 string_value string
//   PropertySet   1 keys string*   2 values PropertyValue*
//   PropertyValue 1 type uint32   2 is_null bool   3 int_value uint32   4 long_value uint64
//
// Signed integers travel as their two's complement in int_value and long_value; the datatype says which they are. A DATA
// message may leave the datatype out: it is that of the BIRTH.

import { Status, type StatusCode } from '#domain/quality.ts'
import { WireReader } from './wire.ts'

/** Sparkplug 3.0 §6.4.16 */
export const DataType = {
  Int8: 1,
  Int16: 2,
  Int32: 3,
  Int64: 4,
  UInt8: 5,
  UInt16: 6,
  UInt32: 7,
  UInt64: 8,
  Float: 9,
  Double: 10,
  Boolean: 11,
  String: 12,
  DateTime: 13,
  Text: 14,
} as const

/** More metrics in one message than any edge node has. */
const MAX_METRICS = 100_000

type Raw = number | bigint | boolean | string | null

export interface Metric {
  readonly name: string | null
  readonly alias: bigint | null
  /** Unix milliseconds; null when it has none. */
  readonly timestamp: number | null
  readonly datatype: number | null
  readonly status: StatusCode
  /** As on the wire; see `metricValue`. null: is_null, or of a kind that is no reading (a data set, bytes). */
  readonly raw: Raw
}

/** Throws PROTOCOL. */
export function decodePayload(bytes: Uint8Array): { timestamp: number | null; metrics: Metric[] } {
  const reader = new WireReader(bytes)
  const metrics: Metric[] = []
  let timestamp: number | null = null
  while (reader.next()) {
    if (reader.field === 1) timestamp = Number(reader.varint())
    else if (reader.field === 2 && metrics.length < MAX_METRICS) metrics.push(decodeMetric(reader.bytes()))
    else reader.skip()
  }
  return { timestamp, metrics }
}

function decodeMetric(bytes: Uint8Array): Metric {
  const reader = new WireReader(bytes)
  const metric: { -readonly [K in keyof Metric]: Metric[K] } = {
    name: null,
    alias: null,
    timestamp: null,
    datatype: null,
    status: Status.Good,
    raw: null,
  }
  let isNull = false
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        metric.name = reader.text()
        break
      case 2:
        metric.alias = reader.varint()
        break
      case 3:
        metric.timestamp = Number(reader.varint())
        break
      case 4:
        metric.datatype = reader.uint32()
        break
      case 7:
        isNull = reader.bool()
        break
      case 9:
        metric.status = qualityIn(reader.bytes())
        break
      default:
        metric.raw = readValue(reader) ?? metric.raw
    }
  }
  if (isNull) metric.raw = null
  return metric
}

/** undefined for a field that is no value. */
function readValue(reader: WireReader): Raw | undefined {
  switch (reader.field) {
    case 10:
      return reader.uint32()
    case 11:
      return reader.varint()
    case 12:
      return reader.float()
    case 13:
      return reader.double()
    case 14:
      return reader.bool()
    case 15:
      return reader.text()
    default:
      reader.skip()
      return undefined
  }
}

/** Of the property `Quality`: 0 bad, 192 good, 500 stale (Sparkplug 3.0 §6.4.11); good without it. */
function qualityIn(bytes: Uint8Array): StatusCode {
  const reader = new WireReader(bytes)
  const keys: string[] = []
  const values: (number | null)[] = []
  while (reader.next()) {
    if (reader.field === 1) keys.push(reader.text())
    else if (reader.field === 2) values.push(propertyNumber(reader.bytes()))
    else reader.skip()
  }
  const at = keys.indexOf('Quality')
  const quality = at === -1 ? 192 : values[at]
  if (quality === 192) return Status.Good
  return quality === 500 ? Status.UncertainLastUsableValue : Status.Bad
}

function propertyNumber(bytes: Uint8Array): number | null {
  const reader = new WireReader(bytes)
  let value: number | null = null
  while (reader.next()) {
    if (reader.field === 3) value = reader.uint32()
    else if (reader.field === 4) value = Number(reader.varint())
    else reader.skip()
  }
  return value
}

/** The value of a metric whose datatype is known; undefined when value and datatype do not fit. */
export function metricValue(raw: Raw, datatype: number): Raw | undefined {
  if (raw === null) return null
  switch (datatype) {
    case DataType.Int8:
      return integer(raw, 8, true)
    case DataType.Int16:
      return integer(raw, 16, true)
    case DataType.Int32:
      return integer(raw, 32, true)
    case DataType.UInt8:
      return integer(raw, 8, false)
    case DataType.UInt16:
      return integer(raw, 16, false)
    case DataType.UInt32:
      return integer(raw, 32, false)
    case DataType.Int64:
      return isInteger(raw) ? BigInt.asIntN(64, BigInt(raw)) : undefined
    case DataType.UInt64:
    case DataType.DateTime:
      return isInteger(raw) ? BigInt(raw) : undefined
    case DataType.Float:
    case DataType.Double:
      return typeof raw === 'number' ? raw : undefined
    case DataType.Boolean:
      return typeof raw === 'boolean' ? raw : undefined
    case DataType.String:
    case DataType.Text:
      return typeof raw === 'string' ? raw : undefined
    default:
      return undefined
  }
}

function isInteger(raw: Raw): raw is number | bigint {
  return typeof raw === 'bigint' || (typeof raw === 'number' && Number.isInteger(raw))
}

/** A value that does not fit its width is no value of that type. Some publishers put 8 and 16 bits into all 32, sign and all. */
function integer(raw: Raw, bits: number, isSigned: boolean): number | undefined {
  if (!isInteger(raw)) return undefined
  const value = Number(BigInt.asIntN(32, BigInt(raw)))
  if (!isSigned) {
    const unsigned = value >>> 0
    return unsigned < 2 ** bits ? unsigned : undefined
  }
  const wrapped = value >= 2 ** (bits - 1) && value < 2 ** bits ? value - 2 ** bits : value
  return wrapped >= -(2 ** (bits - 1)) && wrapped < 2 ** (bits - 1) ? wrapped : undefined
}
