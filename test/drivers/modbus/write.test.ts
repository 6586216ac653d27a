import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Value } from '#domain/value.ts'
import type { ModbusSensorConfig } from '#drivers/modbus/schema.ts'
import { RawModbusSlave } from '#test/sim/raw-modbus-slave.ts'
import { modbusSetup, NEVER, sensorOf, testDevice, type TestDevice } from './modbus-device.ts'

const SENSORS = {
  coil: { register: 'coil', address: 7 },
  word: { register: 'holding', address: 10 },
  float: { register: 'holding', address: 20, type: 'float32', order: 'CDAB' },
  big: { register: 'holding', address: 30, type: 'uint64' },
  text: { register: 'holding', address: 40, type: 'string', length: 5 },
  bit: { register: 'holding', address: 50, bit: 3 },
  input: { register: 'input', address: 60 },
  discrete: { register: 'discrete', address: 70 },
} as const satisfies Record<string, ModbusSensorConfig>

let slave: RawModbusSlave
let unit: TestDevice

beforeEach(async () => {
  slave = await RawModbusSlave.start()
  unit = testDevice({ port: slave.port, sensors: Object.values(SENSORS) })
  await unit.device.connect(NEVER)
})

afterEach(async () => {
  await unit.device.close()
  await slave.stop()
})

const write = (name: keyof typeof SENSORS, value: Value): Promise<Value> =>
  unit.device.write!(Object.keys(SENSORS).indexOf(name), value, NEVER)
const functions = (): number[] => slave.requests.map(({ functionCode }) => functionCode)

describe('writing', () => {
  it('sets a coil by function 5 and answers what was read back', async () => {
    expect(await write('coil', true)).toBe(true)
    expect(slave.words[7]).toBe(1)
    expect(functions()).toEqual([5, 1])
  })

  it('sets one register by function 6', async () => {
    expect(await write('word', 4711)).toBe(4711)
    expect(functions()).toEqual([6, 3])
  })

  it('sets several registers by one function 16', async () => {
    expect(await write('float', 1.5)).toBe(1.5)
    expect([...slave.words.subarray(20, 22)]).toEqual([0x0000, 0x3fc0])
    expect(await write('big', 2n ** 64n - 2n)).toBe(2n ** 64n - 2n)
    expect(await write('text', 'AB')).toBe('AB')
    expect([...slave.words.subarray(40, 43)]).toEqual([0x4142, 0, 0])
    expect(functions()).toEqual([16, 3, 16, 3, 16, 3])
  })

  it('changes one bit and leaves the others, by function 22 where the device has it', async () => {
    slave.words[50] = 0xa5a5
    slave.behaviour = (request) => {
      if (request.functionCode !== 22) return slave.answer(request)
      const or = request.pdu.readUInt16BE(5)
      slave.words[50] = (slave.words[50]! & request.quantity) | (or & ~request.quantity)
      request.reply(request.pdu)
    }
    expect(await write('bit', true)).toBe(true)
    expect(slave.words[50]).toBe(0xa5ad)
    expect(await write('bit', false)).toBe(false)
    expect(slave.words[50]).toBe(0xa5a5)
    expect(functions()).toEqual([22, 3, 22, 3])
  })

  it('changes one bit by reading and writing where the device does not know function 22, and remembers that', async () => {
    slave.words[50] = 0xa5a5
    await write('bit', true)
    expect(slave.words[50]).toBe(0xa5ad)
    await write('bit', false)
    expect(slave.words[50]).toBe(0xa5a5)
    expect(functions()).toEqual([22, 3, 6, 3, 3, 6, 3])
  })

  it('uses the functions for many where a device knows no other', async () => {
    slave.behaviour = (request) =>
      request.functionCode === 5 || request.functionCode === 6
        ? request.reply(Buffer.from([request.functionCode | 0x80, 1]))
        : slave.answer(request)
    expect(await write('coil', true)).toBe(true)
    expect(await write('word', 9)).toBe(9)
    expect(functions()).toEqual([5, 15, 1, 6, 16, 3])
  })

  it('answers what the device holds, not what was asked for', async () => {
    slave.behaviour = (request) => {
      slave.answer(request)
      slave.words[10] = 500 // the device clamps
    }
    expect(await write('word', 900)).toBe(500)
  })

  it('passes on that the device refuses', async () => {
    slave.behaviour = (request) => request.reply(Buffer.from([request.functionCode | 0x80, 3]))
    await expect(write('word', 1)).rejects.toMatchObject({ code: 'DEVICE_EXCEPTION', context: { exception: 3 } })
    expect(unit.context.errors.get('exception-3')).toBe(1)
  })

  it('does not believe a confirmation of another value', async () => {
    slave.behaviour = (request) => request.reply(Buffer.from([6, 0, 10, 0, 99]))
    await expect(write('word', 1)).rejects.toMatchObject({ code: 'PROTOCOL' })
  })

  it('sends nothing for a value that does not fit', async () => {
    await expect(write('word', 70_000)).rejects.toMatchObject({ code: 'OUT_OF_RANGE' })
    await expect(write('coil', 2)).rejects.toMatchObject({ code: 'OUT_OF_RANGE' })
    expect(slave.requests).toHaveLength(0)
  })

  it('refuses what cannot be written or does not exist', async () => {
    await expect(write('input', 1)).rejects.toMatchObject({ code: 'NOT_WRITABLE' })
    await expect(write('discrete', true)).rejects.toMatchObject({ code: 'NOT_WRITABLE' })
    await expect(unit.device.write!(99, 1, NEVER)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(slave.requests).toHaveLength(0)
  })

  it('refuses a sensor that is not configured as writable', async () => {
    const setup = modbusSetup({ port: slave.port, sensors: [] })
    const groups = [{ intervalMs: 1000, points: [{ sensor: sensorOf(0, SENSORS.word, false), config: SENSORS.word }] }]
    const device = unit.driver.open({ ...setup, groups }, unit.context)
    await expect(device.write!(0, 1, NEVER)).rejects.toMatchObject({ code: 'NOT_WRITABLE' })
  })
})

describe('writing to a device with the quirk writeAndRead', () => {
  const values: [keyof typeof SENSORS, Value][] = [
    ['word', 4711],
    ['float', 1.5],
    ['text', 'AB'],
  ]

  beforeEach(async () => {
    await unit.device.close()
    unit = testDevice({ port: slave.port, sensors: Object.values(SENSORS), quirks: { writeAndRead: true } })
    await unit.device.connect(NEVER)
  })

  it('writes and reads registers back in one request', async () => {
    slave.behaviour = (request) => {
      if (request.functionCode !== 23) return slave.answer(request)
      const target = request.pdu.readUInt16BE(5)
      for (let at = 0; at < request.pdu.readUInt16BE(7); at++)
        slave.words[target + at] = request.pdu.readUInt16BE(10 + at * 2)
      request.reply(Buffer.concat([Buffer.of(23), slave.honestPdu({ ...request, functionCode: 3 }).subarray(1)]))
    }
    for (const [name, value] of values) expect(await write(name, value)).toBe(value)
    expect(functions()).toEqual([23, 23, 23])
    expect(await write('coil', true)).toBe(true)
    expect([...slave.words.subarray(20, 22)]).toEqual([0x0000, 0x3fc0])
  })

  it('answers what the device holds, not what was written', async () => {
    slave.behaviour = (request) => request.reply(Buffer.from([23, 2, 0, 100]))
    expect(await write('word', 4711)).toBe(100)
  })

  it('falls back to two requests where the device does not know it, and remembers', async () => {
    for (const [name, value] of values) expect(await write(name, value)).toBe(value)
    expect(functions()).toEqual([23, 6, 3, 16, 3, 16, 3])
  })
})
