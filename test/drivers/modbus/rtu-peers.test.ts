// RTU on a serial port, a pty made by socat: slaves of two other implementations, several units on one line, and a port
// that is unplugged. The clock of timeouts stands still, that of the line is the real one: whatever a loaded machine does, no
// request times out unless the test says so.

import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Value } from '#domain/value.ts'
import { systemClock } from '#kit/clock.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { hasLibmodbus, hasPymodbus, startLibmodbusSlave, startPymodbusSlave } from '#test/sim/modbus-peers.ts'
import { RawRtuSlave } from '#test/sim/raw-rtu-slave.ts'
import { hasSocat, SerialLine } from '#test/sim/serial-line.ts'
import { holdings, NEVER, testDevice, TIMEOUT_MS, type TestDevice, type TestDeviceOptions } from './modbus-device.ts'

const cleanUps: (() => Promise<unknown>)[] = []
function later<T>(thing: T, cleanUp: (thing: T) => Promise<unknown>): T {
  cleanUps.unshift(() => cleanUp(thing))
  return thing
}

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

async function connected(path: string, options: Omit<TestDeviceOptions, 'connection'>): Promise<TestDevice> {
  const connection = {
    transport: 'rtu',
    path,
    baudRate: 115_200,
    unit: options.unit ?? 1,
    timeout: TIMEOUT_MS,
  } as const
  const unit = later(testDevice({ lineClock: systemClock, ...options, connection }), ({ device }) => device.close())
  await unit.device.connect(NEVER)
  return unit
}

describe.skipIf(!hasSocat || !hasPymodbus)('pymodbus on a serial line (needs socat and python3-pymodbus)', () => {
  it('gives values of several units, takes writes and refuses what it does not have', async () => {
    const line = later(await SerialLine.pair(), (it) => it.remove())
    const slave = later(await startPymodbusSlave([1, 2, 255], line.farPath), (it) => it.stop())
    await slave.store({ table: 'holding', address: 10, type: 'float32', order: 'CDAB', value: '-1.5' })
    await slave.set('holding', 0, [11], 1)
    await slave.set('holding', 0, [22], 2)
    await slave.set('holding', 0, [33], 255)
    await slave.set('coil', 3, [1, 0, 1], 2)
    const one = await connected(line.path, {
      sensors: [
        { register: 'holding', address: 0 },
        { register: 'holding', address: 10, type: 'float32', order: 'CDAB' },
        { register: 'holding', address: 5000 },
      ],
    })
    const shared = { driver: one.driver, clock: one.clock }
    const two = await connected(line.path, {
      ...shared,
      unit: 2,
      sensors: [
        { register: 'holding', address: 0 },
        ...[3, 4, 5].map((address) => ({ register: 'coil' as const, address })),
      ],
    })
    const last = await connected(line.path, { ...shared, unit: 255, sensors: holdings(0) })
    expect(new Set([one, two, last].map(({ device }) => device.bus))).toEqual(new Set([`serial:${line.path}`]))
    const sinks = await Promise.all([one.poll(), two.poll(), last.poll()])
    expect([0, 1, 2].map((sensor) => sinks[0].only(sensor))).toEqual([
      { value: 11 },
      { value: -1.5 },
      { bad: 'BadNodeIdUnknown' },
    ])
    expect([0, 1, 2, 3].map((sensor) => sinks[1].only(sensor))).toEqual([22, 1, 0, 1].map((value) => ({ value })))
    expect(sinks[2].only(0)).toEqual({ value: 33 })
    expect(await two.device.write!(0, 4321, NEVER)).toBe(4321)
    expect(await two.device.write!(2, true, NEVER)).toBe(true)
    expect(await slave.get('holding', 0, 1, 2)).toEqual([4321])
    expect(await slave.get('coil', 4, 1, 2)).toEqual([1])
  })

  it('carries out a broadcast', async () => {
    const line = later(await SerialLine.pair(), (it) => it.remove())
    const slave = later(await startPymodbusSlave([1, 2], line.farPath), (it) => it.stop())
    const all = await connected(line.path, { unit: 0, sensors: holdings(7) })
    expect(await all.device.write!(0, 99, NEVER)).toBe(99)
    for (const unit of [1, 2])
      await vi.waitFor(async () => expect(await slave.get('holding', 7, 1, unit)).toEqual([99]), EVENTUALLY)
  })
})

describe.skipIf(!hasSocat || !hasLibmodbus)('libmodbus on a serial line (needs socat, libmodbus-dev and cc)', () => {
  it('gives long reads and takes writes of every kind', async () => {
    const line = later(await SerialLine.pair(), (it) => it.remove())
    const slave = later(await startLibmodbusSlave({ path: line.farPath, unit: 9 }), (it) => it.stop())
    const numbers = Array.from({ length: 130 }, (_, index) => (index * 499) & 0xffff)
    await slave.set('holding', 0, numbers)
    await slave.store('int64', 'input', 4, '-9007199254740993')
    const unit = await connected(line.path, {
      unit: 9,
      sensors: [
        ...holdings(...numbers.keys()),
        { register: 'input', address: 4, type: 'int64' },
        { register: 'coil', address: 8 },
        { register: 'holding', address: 200, bit: 3 },
        { register: 'holding', address: 201, type: 'float64' },
      ],
      quirks: { writeAndRead: true },
    })
    const sink = await unit.poll()
    expect(numbers.map((_, sensor) => sink.only(sensor))).toEqual(numbers.map((value) => ({ value })))
    expect(sink.only(130)).toEqual({ value: -9_007_199_254_740_993n })
    const writes: [number, Value][] = [
      [131, true],
      [132, true],
      [133, -0.1],
      [0, 7],
    ]
    for (const [sensor, value] of writes) expect(await unit.device.write!(sensor, value, NEVER)).toEqual(value)
    expect(await slave.get('coil', 8, 1)).toEqual([1])
    expect(await slave.get('holding', 200, 5)).toEqual([8, 0xbfb9, 0x9999, 0x9999, 0x999a])
    // Both writes of whole registers were read back by the same request.
    const sent = unit.device.frames!().filter(({ direction }) => direction === 'sent')
    expect(sent.slice(-2).map(({ bytes }) => bytes[1])).toEqual([23, 23])
  })
})

describe.skipIf(!hasSocat)('a serial port (needs socat)', () => {
  it('that is unplugged is noticed without a request, and read again when it is back', async () => {
    const slave = later(await RawRtuSlave.start(), (it) => it.stop())
    const line = later(await SerialLine.toTcp(slave.port), (it) => it.remove())
    slave.words[0] = 5
    const unit = await connected(line.path, { sensors: holdings(0) })
    for (let turn = 1; turn <= 3; turn++) {
      expect((await unit.poll()).only(0)).toEqual({ value: 5 })
      await line.unplug()
      await vi.waitFor(() => expect(unit.context.lostCauses).toHaveLength(turn), EVENTUALLY)
      await expect(unit.device.connect(NEVER)).rejects.toMatchObject({ code: 'CONNECTION_FAILED', retryable: true })
      await line.replug()
      await unit.device.connect(NEVER)
    }
    expect((await unit.poll()).only(0)).toEqual({ value: 5 })
  })

  it('can be closed and opened again at once, by the same driver', async () => {
    const slave = later(await RawRtuSlave.start(), (it) => it.stop())
    const line = later(await SerialLine.toTcp(slave.port), (it) => it.remove())
    const unit = await connected(line.path, { sensors: holdings(0) })
    for (let turn = 0; turn < 5; turn++) {
      slave.words[0] = turn
      expect((await unit.poll()).only(0)).toEqual({ value: turn })
      await unit.device.close()
      await unit.device.connect(NEVER)
    }
  })

  it('that is not there cannot be opened', async () => {
    await expect(connected('/nonexistent/tty', { sensors: holdings(0) })).rejects.toMatchObject({
      code: 'CONNECTION_FAILED',
      message: 'No connection to /nonexistent/tty (there is no such port)',
    })
  })

  it('keeps its place when a unit does not answer, and the others are read', async () => {
    const slave = later(await RawRtuSlave.start(), (it) => it.stop())
    const line = later(await SerialLine.toTcp(slave.port), (it) => it.remove())
    slave.behaviour = (request) => request.unit === 1 && slave.answer(request)
    slave.words[0] = 5
    const healthy = await connected(line.path, { sensors: holdings(0) })
    const dead = await connected(line.path, {
      unit: 2,
      sensors: holdings(0),
      driver: healthy.driver,
      clock: healthy.clock,
    })
    for (let turn = 0; turn < 2; turn++) {
      const asked = slave.nextRequest()
      const failed = expect(dead.poll()).rejects.toMatchObject({ code: 'TIMEOUT' })
      const waiting = healthy.poll()
      await asked
      await healthy.clock.advance(TIMEOUT_MS + 10)
      await failed
      expect((await waiting).only(0)).toEqual({ value: 5 })
    }
    expect(healthy.context.lostCauses).toEqual([])
    expect(slave.accepted).toBe(1)
  })
})
