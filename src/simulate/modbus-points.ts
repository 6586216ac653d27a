// The points of a simulated Modbus unit in its registers: written by its signals before each request, read back after it.

import { LineFaults } from './line-faults.ts'
import type { SimulatedUnit } from './modbus-server.ts'
import type { Points, PointValue } from './points.ts'
import { RegisterBank, type BankTable } from './register-bank.ts'

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
] as const

export type ModbusPointType = (typeof POINT_TYPES)[number]

export interface ModbusPointSpec {
  readonly id: string
  readonly register: BankTable
  readonly address: number
  readonly type: ModbusPointType
  readonly order: 'ABCD' | 'CDAB' | 'BADC' | 'DCBA'
  /** Raw value = value / factor. */
  readonly factor: number
  /** It keeps what is written to it. */
  readonly isHeld: boolean
}

export interface ModbusUnitSpec {
  readonly points: readonly ModbusPointSpec[]
  /** Addresses without a point are refused, not 0. */
  readonly refusesHoles: boolean
  readonly identity: readonly [string, string, string] | null
}

const BYTES: Readonly<Record<ModbusPointType, number>> = {
  bool: 2,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  float32: 4,
  int64: 8,
  uint64: 8,
  float64: 8,
}

export function modbusUnit(spec: ModbusUnitSpec, points: Points): SimulatedUnit {
  const bank = new RegisterBank()
  bank.identity = spec.identity
  if (spec.refusesHoles) bank.existing = existing(spec.points)
  const held = spec.points.filter(({ isHeld }) => isHeld)
  for (const point of held) put(bank, point, points.read(point.id))
  const moving = spec.points.filter(({ isHeld }) => !isHeld)
  return {
    bank,
    faults: new LineFaults(),
    beforeRequest: () => {
      for (const point of moving) put(bank, point, points.read(point.id))
    },
    afterRequest: () => {
      for (const point of held) points.write(point.id, get(bank, point))
    },
  }
}

/** First address behind a point. */
export function endOf({ register, address, type }: Pick<ModbusPointSpec, 'register' | 'address' | 'type'>): number {
  return address + (register === 'coil' || register === 'discrete' ? 1 : BYTES[type] / 2)
}

function existing(points: readonly ModbusPointSpec[]): Record<BankTable, Uint8Array> {
  const tables = { coil: cells(), discrete: cells(), holding: cells(), input: cells() }
  for (const point of points) tables[point.register].fill(1, point.address, endOf(point))
  return tables
}

function cells(): Uint8Array {
  return new Uint8Array(65_536)
}

function put(bank: RegisterBank, point: ModbusPointSpec, value: PointValue): void {
  const { register, address, type, order, factor } = point
  if (register === 'coil' || register === 'discrete') {
    bank[register === 'coil' ? 'coils' : 'discrete'][address] = Number(value) >= 0.5 ? 1 : 0
    return
  }
  const bytes = encode(type, Number(value) / factor)
  arrange(bytes, order)
  for (let at = 0; at < bytes.length; at++) bank[register].setUint8(address * 2 + at, bytes[at]!)
}

function get(bank: RegisterBank, { register, address, type, order, factor }: ModbusPointSpec): PointValue {
  if (register === 'coil' || register === 'discrete')
    return (register === 'coil' ? bank.coils : bank.discrete)[address] === 1
  const bytes = new Uint8Array(BYTES[type])
  for (let at = 0; at < bytes.length; at++) bytes[at] = bank[register].getUint8(address * 2 + at)
  arrange(bytes, order)
  const view = new DataView(bytes.buffer)
  const raw = {
    bool: () => view.getUint16(0) & 1,
    int16: () => view.getInt16(0),
    uint16: () => view.getUint16(0),
    int32: () => view.getInt32(0),
    uint32: () => view.getUint32(0),
    float32: () => view.getFloat32(0),
    int64: () => Number(view.getBigInt64(0)),
    uint64: () => Number(view.getBigUint64(0)),
    float64: () => view.getFloat64(0),
  }[type]()
  return raw * factor
}

/** Most significant byte first; integers are rounded and kept within their range. */
function encode(type: ModbusPointType, value: number): Uint8Array {
  const bytes = new Uint8Array(BYTES[type])
  const view = new DataView(bytes.buffer)
  const whole = (low: number, high: number): number => Math.min(high, Math.max(low, Math.round(value)))
  switch (type) {
    case 'bool':
      view.setUint16(0, value >= 0.5 ? 1 : 0)
      break
    case 'int16':
      view.setInt16(0, whole(-32_768, 32_767))
      break
    case 'uint16':
      view.setUint16(0, whole(0, 65_535))
      break
    case 'int32':
      view.setInt32(0, whole(-(2 ** 31), 2 ** 31 - 1))
      break
    case 'uint32':
      view.setUint32(0, whole(0, 2 ** 32 - 1))
      break
    case 'float32':
      view.setFloat32(0, value)
      break
    case 'int64':
      view.setBigInt64(0, BigInt(whole(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)))
      break
    case 'uint64':
      view.setBigUint64(0, BigInt(whole(0, Number.MAX_SAFE_INTEGER)))
      break
    case 'float64':
      view.setFloat64(0, value)
      break
  }
  return bytes
}

/** Between the order of sense and that of the wire; its own inverse. CDAB turns the words around, BADC the bytes within each. */
function arrange(bytes: Uint8Array, order: ModbusPointSpec['order']): void {
  const turnsWords = order === 'CDAB' || order === 'DCBA'
  const turnsBytes = order === 'BADC' || order === 'DCBA'
  if (turnsWords) bytes.reverse() // words and the bytes within them
  if (turnsWords !== turnsBytes) {
    for (let at = 0; at + 1 < bytes.length; at += 2) [bytes[at], bytes[at + 1]] = [bytes[at + 1]!, bytes[at]!]
  }
}
