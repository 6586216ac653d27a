// Slaves of two other implementations in processes of their own. What the registers hold is worked out by Python's struct
// module and by C, so that a mistake that the driver's encoder and decoder share cannot hide.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Value } from '#domain/value.ts'
import type { ModbusSensorConfig } from '#drivers/modbus/schema.ts'
import {
  hasLibmodbus,
  hasPymodbus,
  startLibmodbusSlave,
  startPymodbusSlave,
  type LibmodbusSlave,
  type PymodbusSlave,
} from '#test/sim/modbus-peers.ts'
import type { Result } from '#test/sim/recording-sink.ts'
import { holdings, NEVER, testDevice, type TestDevice } from './modbus-device.ts'

let unit: TestDevice | undefined

afterEach(async () => {
  await unit?.device.close()
})

async function connected(port: number, sensors: readonly ModbusSensorConfig[], unitId = 1): Promise<TestDevice> {
  unit = testDevice({ port, sensors, unit: unitId })
  await unit.device.connect(NEVER)
  return unit
}

async function read(port: number, sensors: readonly ModbusSensorConfig[]): Promise<Result[]> {
  const { poll } = await connected(port, sensors)
  const sink = await poll()
  return sensors.map((_sensor, number) => sink.only(number))
}

const NUMBERS: readonly [
  type: NonNullable<ModbusSensorConfig['type']>,
  letters: 2 | 4 | 8,
  text: string,
  value: Value,
][] = [
  ['int16', 2, '-12345', -12_345],
  ['uint16', 2, '54321', 54_321],
  ['bcd16', 2, '0987', 987],
  ['int32', 4, '-123456789', -123_456_789],
  ['uint32', 4, '4023456789', 4_023_456_789],
  ['float32', 4, '-1234.5625', -1234.5625],
  ['float32', 4, 'nan', Number.NaN],
  ['bcd32', 4, '12345678', 12_345_678],
  ['int64', 8, '-9007199254740993', -9_007_199_254_740_993n],
  ['uint64', 8, '18446744073709551613', 18_446_744_073_709_551_613n],
  ['float64', 8, '3.141592653589793', Math.PI],
]
const ORDERS = {
  ABCD: ['AB', 'ABCD', 'ABCDEFGH'],
  DCBA: ['BA', 'DCBA', 'HGFEDCBA'],
  BADC: ['BA', 'BADC', 'BADCFEHG'],
  CDAB: ['AB', 'CDAB', 'GHEFCDAB'],
} as const

describe.skipIf(!hasPymodbus)('a pymodbus slave (needs python3-pymodbus)', () => {
  let slave: PymodbusSlave
  beforeAll(async () => {
    slave = await startPymodbusSlave([1, 2])
  })
  afterAll(async () => {
    await slave.stop()
  })

  for (const register of ['holding', 'input'] as const) {
    it(`gives every type in every order from ${register} registers`, async () => {
      const sensors: ModbusSensorConfig[] = []
      const expected: Result[] = []
      for (const [type, bytes, text, value] of NUMBERS) {
        for (const order of ['ABCD', 'DCBA', 'BADC', 'CDAB'] as const) {
          const address = 3 + sensors.length * 4
          await slave.store({
            table: register,
            address,
            type,
            order: ORDERS[order][Math.log2(bytes) - 1]!,
            value: text,
          })
          sensors.push({ register, address, type, order })
          expected.push({ value })
        }
      }
      expect(await read(slave.port, sensors)).toEqual(expected)
    })
  }

  it('gives text', async () => {
    await slave.store({ table: 'holding', address: 500, type: 'string', order: '', value: 'Oil 75 °C ' })
    expect(await read(slave.port, [{ register: 'holding', address: 500, type: 'string', length: 20 }])).toEqual([
      { value: 'Oil 75 °C' },
    ])
  })

  it('gives the bits of all four tables', async () => {
    const pattern = [1, 0, 0, 1, 1, 0, 1, 0, 1, 1, 1]
    await slave.set('coil', 100, pattern)
    await slave.set('discrete', 300, pattern)
    const word = pattern.reduce((sum, bit, position) => sum | (bit << position), 0)
    await slave.set('holding', 900, [word])
    await slave.set('input', 901, [word])
    for (const [register, start] of [
      ['coil', 100],
      ['discrete', 300],
    ] as const) {
      const sensors = pattern.map((_bit, offset) => ({ register, address: start + offset }))
      expect(await read(slave.port, sensors)).toEqual(pattern.map((value) => ({ value })))
      await unit!.device.close()
    }
    for (const [register, address] of [
      ['holding', 900],
      ['input', 901],
    ] as const) {
      const sensors = pattern.map((_bit, bit) => ({ register, address, bit }))
      expect(await read(slave.port, sensors)).toEqual(pattern.map((value) => ({ value })))
      await unit!.device.close()
    }
  })

  it('refuses an address that it does not have, while the others are read', async () => {
    await slave.set('holding', 0, [77])
    expect(await read(slave.port, holdings(0, 60_000))).toEqual([{ value: 77 }, { bad: 'BadNodeIdUnknown' }])
    expect(unit!.context.errors.get('exception-2')).toBe(1)
  })

  it('keeps its units apart on one connection', async () => {
    await slave.set('holding', 5, [11], 1)
    await slave.set('holding', 5, [22], 2)
    const one = await connected(slave.port, holdings(5), 1)
    const two = testDevice({ port: slave.port, sensors: holdings(5), unit: 2, driver: one.driver, clock: one.clock })
    await two.device.connect(NEVER)
    const sinks = await Promise.all([one.poll(), two.poll()])
    expect(sinks.map((sink) => sink.only(0))).toEqual([{ value: 11 }, { value: 22 }])
    await two.device.close()
  })

  it('takes writes of every kind', async () => {
    const sensors: ModbusSensorConfig[] = [
      { register: 'coil', address: 1 },
      { register: 'holding', address: 601 },
      { register: 'holding', address: 602, type: 'float64', order: 'CDAB' },
      { register: 'holding', address: 606, type: 'string', length: 6 },
      { register: 'holding', address: 609, bit: 4 },
    ]
    await slave.set('holding', 609, [0x0f0f])
    const { device } = await connected(slave.port, sensors)
    const values: Value[] = [true, 1234, -0.1, 'Press', true]
    for (const [sensor, value] of values.entries()) expect(await device.write!(sensor, value, NEVER)).toEqual(value)
    expect(await slave.get('coil', 1, 1)).toEqual([1])
    // -0.1 is BF B9 99 99 99 99 99 9A; its words swapped
    expect(await slave.get('holding', 601, 9)).toEqual([
      1234, 0x999a, 0x9999, 0x9999, 0xbfb9, 0x5072, 0x6573, 0x7300, 0x0f1f,
    ])
  })
})

describe.skipIf(!hasLibmodbus)('a libmodbus slave (needs libmodbus-dev and cc)', () => {
  let slave: LibmodbusSlave
  beforeAll(async () => {
    slave = await startLibmodbusSlave()
  })
  afterAll(async () => {
    await slave.stop()
  })

  it('gives all four tables', async () => {
    await slave.set('coil', 3, [1, 0, 1])
    await slave.set('discrete', 3, [0, 1, 1])
    await slave.set('input', 1, [40_000])
    await slave.set('holding', 1, [65_535])
    await slave.store('int32', 'holding', 2, '-2')
    await slave.store('int64', 'holding', 4, '-9007199254740993')
    await slave.store('float', 'input', 8, '0.15625')
    const sensors: ModbusSensorConfig[] = [
      { register: 'coil', address: 3 },
      { register: 'coil', address: 4 },
      { register: 'discrete', address: 3 },
      { register: 'discrete', address: 5 },
      { register: 'input', address: 1 },
      { register: 'input', address: 8, type: 'float32' },
      { register: 'holding', address: 1, type: 'int16' },
      { register: 'holding', address: 2, type: 'int32' },
      { register: 'holding', address: 4, type: 'int64' },
    ]
    const values = [1, 0, 0, 1, 40_000, 0.15625, -1, -2, -9_007_199_254_740_993n]
    expect(await read(slave.port, sensors)).toEqual(values.map((value) => ({ value })))
  })

  it('gives the longest reads that the protocol allows', async () => {
    const numbers = Array.from({ length: 300 }, (_, index) => (index * 211) & 0xffff)
    await slave.set('holding', 1000, numbers)
    const sensors = holdings(...numbers.keys()).map((sensor) => ({ ...sensor, address: sensor.address + 1000 }))
    expect(await read(slave.port, sensors)).toEqual(numbers.map((value) => ({ value })))
    await unit!.device.close()
    const coils = Array.from({ length: 2000 }, (_, address) => ({ register: 'coil' as const, address }))
    expect(await read(slave.port, coils)).toHaveLength(2000)
  })

  it('takes writes of every kind', async () => {
    await slave.set('holding', 71, [0x00ff])
    const sensors: ModbusSensorConfig[] = [
      { register: 'coil', address: 70 },
      { register: 'holding', address: 70, type: 'int16' },
      { register: 'holding', address: 71, bit: 0 },
      { register: 'holding', address: 72, type: 'uint32', order: 'BADC' },
    ]
    const { device } = await connected(slave.port, sensors)
    const values: Value[] = [true, -2, false, 0x0a0b0c0d]
    for (const [sensor, value] of values.entries()) expect(await device.write!(sensor, value, NEVER)).toEqual(value)
    expect(await slave.get('coil', 70, 1)).toEqual([1])
    expect(await slave.get('holding', 70, 4)).toEqual([0xfffe, 0x00fe, 0x0b0a, 0x0d0c])
  })

  it('refuses an address that it does not have', async () => {
    expect(await read(slave.port, holdings(5000))).toEqual([{ bad: 'BadNodeIdUnknown' }])
  })

  it('can be left and joined again', async () => {
    await slave.set('holding', 0, [5])
    const { device, poll } = await connected(slave.port, holdings(0))
    for (let turn = 0; turn < 5; turn++) {
      expect((await poll()).only(0)).toEqual({ value: 5 })
      await device.close()
      await device.connect(NEVER)
    }
  })
})
