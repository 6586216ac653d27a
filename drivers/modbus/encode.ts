// From a value to the bytes of its registers, for a write: the inverse of decode.ts, with every range checked.
// A value that the registers cannot hold exactly is refused (OUT_OF_RANGE), never clipped; floats are rounded to their width.

import { TelemetryError } from '#domain/errors.ts'
import type { Value } from '#domain/value.ts'
import { wirePlaces } from './byte-order.ts'
import type { ModbusPoint } from './point.ts'

const INTEGER_RANGES = {
  int16: [-0x8000n, 0x7fffn],
  uint16: [0n, 0xffffn],
  int32: [-0x8000_0000n, 0x7fff_ffffn],
  uint32: [0n, 0xffff_ffffn],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  bcd16: [0n, 9999n],
  bcd32: [0n, 99_999_999n],
} as const

/** Undoing a scale leaves a rounding error: this much beside a whole number still counts as one. */
const WHOLE_TOLERANCE = 1e-9

/** Registers of a value as they go on the wire. Not for coils and not for single bits. Throws OUT_OF_RANGE. */
export function encodeRegisters(point: ModbusPoint, value: Value): Buffer {
  const wire = Buffer.alloc(point.width * 2)
  switch (point.type) {
    case 'bool':
      wire.writeUInt16BE(encodeBool(value) ? 1 : 0)
      return wire
    case 'string':
      encodeText(point, value, wire)
      return wire
    case 'float32':
    case 'float64':
      return arrange(point, floatBytes(point.type, value))
    case 'int16':
    case 'uint16':
    case 'int32':
    case 'uint32':
    case 'int64':
    case 'uint64':
      return arrange(point, integerBytes(wholeNumber(point.type, value), point.bytes))
    case 'bcd16':
    case 'bcd32':
      return arrange(
        point,
        Buffer.from(
          wholeNumber(point.type, value)
            .toString()
            .padStart(point.bytes * 2, '0'),
          'hex',
        ),
      )
  }
}

/** True or false of a value for a coil or a bit: a boolean, 0 or 1. Throws OUT_OF_RANGE. */
export function encodeBool(value: Value): boolean {
  if (typeof value === 'boolean') return value
  if (value === 0 || value === 0n) return false
  if (value === 1 || value === 1n) return true
  throw refuse('bool', value, 'it must be true or false')
}

function arrange(point: ModbusPoint, bytes: Buffer): Buffer {
  const wire = Buffer.alloc(bytes.length)
  const places = wirePlaces(point.order)
  for (let index = 0; index < bytes.length; index++) wire[places[index]!] = bytes[index]!
  return wire
}

function wholeNumber(type: keyof typeof INTEGER_RANGES, value: Value): bigint {
  const whole = toBigInt(type, value)
  const [least, most] = INTEGER_RANGES[type]
  if (whole < least || whole > most) throw refuse(type, value, `it must lie between ${least} and ${most}`)
  return whole
}

function toBigInt(type: string, value: Value): bigint {
  if (typeof value === 'bigint') return value
  if (typeof value !== 'number' || !Number.isFinite(value)) throw refuse(type, value, 'it must be a whole number')
  const whole = Math.round(value)
  if (Math.abs(value - whole) > WHOLE_TOLERANCE * Math.max(1, Math.abs(value)))
    throw refuse(type, value, 'it must be a whole number')
  return BigInt(whole)
}

function integerBytes(whole: bigint, size: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt.asUintN(64, whole))
  return bytes.subarray(8 - size)
}

function floatBytes(type: 'float32' | 'float64', value: Value): Buffer {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw refuse(type, value, 'it must be a finite number')
  if (type === 'float32' && !Number.isFinite(Math.fround(value))) throw refuse(type, value, 'it is too large')
  const bytes = Buffer.alloc(type === 'float32' ? 4 : 8)
  if (type === 'float32') bytes.writeFloatBE(value)
  else bytes.writeDoubleBE(value)
  return bytes
}

function encodeText(point: ModbusPoint, value: Value, wire: Buffer): void {
  if (typeof value !== 'string') throw refuse('string', value, 'it must be text')
  if (value.length > point.bytes) throw refuse('string', value, `it must not be longer than ${point.bytes} characters`)
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index)
    if (code === 0 || code > 0xff) throw refuse('string', value, 'it must consist of ISO 8859-1 characters')
    wire[point.order === 'BA' ? index ^ 1 : index] = code
  }
}

function refuse(type: string, value: Value, why: string): TelemetryError {
  return new TelemetryError('OUT_OF_RANGE', `The value cannot be written as ${type}: ${why}`, {
    context: { type, value: String(value) },
  })
}
