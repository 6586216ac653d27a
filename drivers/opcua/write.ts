// Writes: a value becomes the node's own data type exactly or is refused, and what the server then holds is the answer.

import type { DataType, Variant } from 'node-opcua-client'
import { TelemetryError, type ErrorCode } from '#domain/errors.ts'
import type { Value } from '#domain/value.ts'
import { HeldValue } from '#kit/held-value.ts'
import { VALUE_ATTRIBUTE, type Connection } from './connection.ts'
import type { OpcuaPoint } from './point.ts'
import { indexRange } from './read-id.ts'
import { readValues } from './read-group.ts'
import { giveValue, Type } from './values.ts'

/** Ranges of the integers, OPC UA Part 6 §5.2.2.2. */
const INTEGERS: Readonly<Record<number, readonly [bigint, bigint]>> = {
  [Type.SByte]: [-0x80n, 0x7fn],
  [Type.Byte]: [0n, 0xffn],
  [Type.Int16]: [-0x8000n, 0x7fffn],
  [Type.UInt16]: [0n, 0xffffn],
  [Type.Int32]: [-0x8000_0000n, 0x7fff_ffffn],
  [Type.UInt32]: [0n, 0xffff_ffffn],
  [Type.Int64]: [-(1n << 63n), (1n << 63n) - 1n],
  [Type.UInt64]: [0n, (1n << 64n) - 1n],
}
const MAX_FLOAT = 3.4028234663852886e38

/** Status names of OPC UA Part 4 §7.38 that say why a write was refused. */
const REFUSALS: Readonly<Record<string, ErrorCode>> = {
  BadNotWritable: 'NOT_WRITABLE',
  BadWriteNotSupported: 'NOT_WRITABLE',
  BadNodeIdUnknown: 'NOT_FOUND',
  BadIndexRangeNoData: 'NOT_FOUND',
  BadOutOfRange: 'OUT_OF_RANGE',
  BadTypeMismatch: 'OUT_OF_RANGE',
  BadUserAccessDenied: 'PERMISSION_DENIED',
  BadSecurityModeInsufficient: 'PERMISSION_DENIED',
}

/** Throws NOT_WRITABLE, OUT_OF_RANGE, PERMISSION_DENIED, NOT_FOUND, DEVICE_EXCEPTION and the errors of requests. */
export async function writeValue(
  connection: Connection,
  point: OpcuaPoint,
  value: Value,
  signal: AbortSignal,
): Promise<Value> {
  const nodeId = connection.nodeId(point.address)
  if (nodeId === null) throw new TelemetryError('NOT_FOUND', `The server has no namespace ${point.address.namespace}`)
  const type = await dataTypeOf(connection, point, signal)
  const raw = encode(type, value, point.id)
  const { DataValue, VariantArrayType } = connection.library
  const array = point.isElement
    ? { arrayType: VariantArrayType.Array, value: [raw] }
    : { arrayType: VariantArrayType.Scalar, value: raw }
  // Without time stamps: most servers refuse to have theirs set (BadWriteNotSupported).
  const data = new DataValue({ value: { dataType: type as DataType, ...array } })
  const status = await connection.request(
    `Writing ${point.id}`,
    (session) => session.write({ nodeId, attributeId: VALUE_ATTRIBUTE, indexRange: indexRange(point), value: data }),
    signal,
  )
  if (status.isNotGood()) throw refusal(status.name, point.id)
  return readBack(connection, point, signal)
}

/** Of the value that is there; a node that has none says it by its DataType. */
async function dataTypeOf(connection: Connection, point: OpcuaPoint, signal: AbortSignal): Promise<number> {
  const [held] = await readValues(connection, [point], signal)
  if (held?.statusCode.name === 'BadNodeIdUnknown') throw refusal('BadNodeIdUnknown', point.id)
  const variant: Variant | undefined = held?.value
  if (variant !== undefined && (variant.dataType as number) !== Type.Null) return variant.dataType as number
  const nodeId = connection.nodeId(point.address)!
  return connection.request('Reading the data type', (session) => session.getBuiltInDataType(nodeId), signal)
}

function refusal(status: string, id: string): TelemetryError {
  return new TelemetryError(
    REFUSALS[status] ?? 'DEVICE_EXCEPTION',
    `The server refused the write to ${id}: ${status}`,
    {
      context: { sensor: id, status },
    },
  )
}

function encode(type: number, value: Value, id: string): unknown {
  const range = INTEGERS[type]
  if (range !== undefined) return encodeInteger(type, range, value, id)
  switch (type) {
    case Type.Boolean:
      if (value === true || value === 1) return true
      if (value === false || value === 0) return false
      throw outOfRange(value, 'Boolean', id)
    case Type.Float:
    case Type.Double: {
      const number = typeof value === 'string' || typeof value === 'boolean' ? Number.NaN : Number(value)
      if (!Number.isFinite(number)) throw outOfRange(value, 'number', id)
      if (type === Type.Float && Math.abs(number) > MAX_FLOAT) throw outOfRange(value, 'Float', id)
      return number
    }
    case Type.String:
      if (typeof value === 'string') return value
      throw outOfRange(value, 'String', id)
    case Type.LocalizedText:
      if (typeof value === 'string') return { text: value }
      throw outOfRange(value, 'LocalizedText', id)
    case Type.DateTime: {
      const time = new Date(typeof value === 'bigint' ? Number(value) : (value as number | string))
      if (typeof value !== 'boolean' && !Number.isNaN(time.getTime())) return time
      throw outOfRange(value, 'DateTime', id)
    }
    default:
      throw new TelemetryError('NOT_WRITABLE', `${id}: values of this data type cannot be written`, {
        context: { dataType: type },
      })
  }
}

function encodeInteger(type: number, [least, most]: readonly [bigint, bigint], value: Value, id: string): unknown {
  const isWhole = typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
  const integer = isWhole ? BigInt(value) : null
  if (integer === null || integer < least || integer > most) throw outOfRange(value, `from ${least} to ${most}`, id)
  if (type !== Type.Int64 && type !== Type.UInt64) return Number(integer)
  const bits = BigInt.asUintN(64, integer)
  return [Number(bits >> 32n), Number(bits & 0xffff_ffffn)] // as the library takes them: [high, low]
}

function outOfRange(value: Value, wanted: string, id: string): TelemetryError {
  return new TelemetryError('OUT_OF_RANGE', `${id}: ${String(value)} is no value of the node (${wanted})`)
}

async function readBack(connection: Connection, point: OpcuaPoint, signal: AbortSignal): Promise<Value> {
  const [data] = await readValues(connection, [point], signal)
  const held = new HeldValue()
  giveValue(point, data!, held)
  if (held.value === null) {
    throw new TelemetryError('PROTOCOL', `${point.id} was written, but reading it back gave ${held.problem}`, {
      retryable: true,
    })
  }
  return point.type === 'boolean' ? held.value === 1 : held.value
}
