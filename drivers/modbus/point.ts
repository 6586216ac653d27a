// The vocabulary of a Modbus point, and a sensor's configuration made complete: every default applied, the order spelled
// out for the width of the type. Pure.

import type { ValueType } from '#domain/value.ts'
import type { ModbusSensorConfig } from './schema.ts'

export const REGISTERS = ['coil', 'discrete', 'input', 'holding'] as const
/** The four tables of a Modbus device. */
export type Register = (typeof REGISTERS)[number]

export const POINT_TYPES = [
  'bool',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'float32',
  'float64',
  'string',
  'bcd16',
  'bcd32',
] as const
export type PointType = (typeof POINT_TYPES)[number]

/** Addresses run from 0 to 65535. Modbus Application Protocol V1.1b3 §4.4 */
export const MAX_ADDRESS = 65_535

/** One point with nothing left open. */
export interface ModbusPoint {
  readonly register: Register
  readonly address: number
  readonly type: PointType
  /** Bit within the register, 0 is the least significant; null: the whole register or coil. */
  readonly bit: number | null
  /** Order of the bytes on the wire, A most significant, one letter for each byte; for text `AB` or `BA` by register. */
  readonly order: string
  /** Consecutive addresses that the point takes. */
  readonly width: number
  /** Bytes of the value on the wire: 2 for each register; for text its characters, which may be one less. */
  readonly bytes: number
}

const WIDTHS = {
  bool: 1,
  int16: 1,
  uint16: 1,
  bcd16: 1,
  int32: 2,
  uint32: 2,
  float32: 2,
  bcd32: 2,
  int64: 4,
  uint64: 4,
  float64: 4,
} as const satisfies Record<Exclude<PointType, 'string'>, number>

/** True for coil and discrete: tables of single bits. */
export function isBitTable(register: Register): boolean {
  return register === 'coil' || register === 'discrete'
}

/** Type of a sensor: as configured, else bool for single bits, else uint16. */
export function pointType(config: ModbusSensorConfig): PointType {
  return config.type ?? (isBitTable(config.register) || config.bit !== undefined ? 'bool' : 'uint16')
}

/** Registers that a type takes; for text two characters stand in one. */
export function registersOf(type: PointType, length: number): number {
  return type === 'string' ? Math.ceil(length / 2) : WIDTHS[type]
}

const FOUR_BYTES = ['ABCD', 'DCBA', 'BADC', 'CDAB']
const EIGHT_BYTES = ['ABCDEFGH', 'HGFEDCBA', 'BADCFEHG', 'GHEFCDAB']

/**
 * The order for a type in letters, one for each byte (text: two, for each register); null when the type has no such order.
 * The four-letter names hold for every width: they say whether words and the bytes within a word are swapped.
 */
export function orderOf(type: PointType, configured: string | undefined): string | null {
  if (type === 'bool') return configured === undefined ? 'AB' : null
  const order = configured ?? 'ABCD'
  const family = order.length === 8 ? EIGHT_BYTES.indexOf(order) : FOUR_BYTES.indexOf(order)
  if (family < 0) return null
  // Swapping words means nothing within text: only the two characters of a register can change places.
  if (type === 'string') return order === 'ABCD' ? 'AB' : order === 'BADC' ? 'BA' : null
  switch (WIDTHS[type]) {
    case 1:
      // A single word cannot be swapped with another: CDAB is AB, DCBA is BA.
      return order.length === 8 ? null : family === 0 || family === 3 ? 'AB' : 'BA'
    case 2:
      return order.length === 8 ? null : order
    case 4:
      return EIGHT_BYTES[family]!
  }
}

/** The complete point of a configuration that `problems` finds no fault with. */
export function pointOf(config: ModbusSensorConfig): ModbusPoint {
  const type = pointType(config)
  const length = config.length ?? 2
  const width = registersOf(type, length)
  return {
    register: config.register,
    address: config.address,
    type,
    bit: config.bit ?? null,
    order: orderOf(type, config.order) ?? 'AB',
    width,
    bytes: type === 'string' ? length : width * 2,
  }
}

/** Kind of value that a type gives before scaling. */
export function valueTypeOf(type: PointType): ValueType {
  switch (type) {
    case 'bool':
      return 'boolean'
    case 'int64':
    case 'uint64':
    case 'string':
      return type
    case 'int16':
    case 'uint16':
    case 'int32':
    case 'uint32':
    case 'float32':
    case 'float64':
    case 'bcd16':
    case 'bcd32':
      return 'number'
  }
}
