// Values, stamps and status codes of a real server in another process, subscribed and polled; and writes.

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { EVENTUALLY } from '#test/eventually.ts'
import { Folder, NEVER, openDevice, startServer, type OpcuaServer, type TestDevice, type TestSensor } from './bench.ts'

const STAMP = Date.parse('2026-03-01T12:00:00.123Z')
const folder = new Folder()
const open: TestDevice[] = []
let server: OpcuaServer

beforeAll(async () => {
  server = await startServer({ pki: folder.at('server'), maxNodesPerRead: 7 })
})
afterEach(async () => {
  for (const { device } of open.splice(0)) await device.close()
})
afterAll(async () => {
  await server.kill()
  folder.remove()
})

function deviceWith(sensors: readonly TestSensor[], mode: 'subscribe' | 'poll', more: object = {}): TestDevice {
  const config = { mode, ...(mode === 'subscribe' ? { publishInterval: 50 } : {}), ...more }
  const device = openDevice({ endpoint: server.endpoint, pkiDir: folder.at('client'), sensors, config })
  open.push(device)
  return device
}

/** Connects and reads once, or subscribes and waits until each sensor had a reading. */
async function read(test: TestDevice, mode: 'subscribe' | 'poll', sensors: number): Promise<number> {
  await test.device.connect(NEVER)
  if (mode === 'poll') return (await test.device.poll(0, test.sink, NEVER)).requests
  await test.device.subscribe!(test.sink, NEVER)
  await vi.waitFor(() => expect(test.sink.readings.size).toBe(sensors), EVENTUALLY)
  return 0
}

const TYPES: readonly [TestSensor, unknown][] = [
  [{ name: 'Boolean', type: 'boolean' }, 1], // the pipeline makes it true
  [{ name: 'SByte' }, -100],
  [{ name: 'Byte' }, 200],
  [{ name: 'Int16' }, -30_000],
  [{ name: 'UInt16' }, 60_000],
  [{ name: 'Int32' }, -2_000_000_000],
  [{ name: 'UInt32' }, 4_000_000_000],
  [{ name: 'Int64', type: 'int64' }, -9_223_372_036_854_775_807n],
  [{ name: 'UInt64', type: 'uint64' }, 18_446_744_073_709_551_614n],
  [{ name: 'Float' }, 1.5],
  [{ name: 'Double' }, Math.PI],
  [{ name: 'String', type: 'string' }, 'läuft'],
  [{ name: 'DateTime' }, Date.parse('2026-01-02T03:04:05.678Z')],
  [{ name: 'LocalizedText', type: 'string' }, 'running'],
  [{ name: 'Floats', index: 1 }, 2.5],
]

describe.each(['subscribe', 'poll'] as const)('OPC UA values, mode %s', (mode) => {
  it('keep every bit, with the time of their source and their status', async () => {
    const sensors = TYPES.map(([sensor]) => sensor)
    const test = deviceWith(sensors, mode)
    const requests = await read(test, mode, sensors.length)
    for (const [{ name }, value] of TYPES) {
      expect([name, test.sink.readings.get(name)]).toEqual([name, [{ value, status: 'Good', time: STAMP }]])
    }
    // 15 nodes, of which the server reads 7 at once.
    if (mode === 'poll') expect(requests).toBe(3)
  })

  it('that the server refuses are bad with its reason, and the others are read', async () => {
    const sensors: TestSensor[] = [
      { name: 'Missing' },
      { name: 'Elsewhere', node: 'nsu=http://example.org/nowhere;i=1' },
      { name: 'Boolean' },
      { name: 'Floats' },
      { name: 'Double', index: 4 },
      { name: 'UInt64', type: 'int64' },
      { name: 'Empty' },
      { name: 'Float' },
    ]
    const test = deviceWith(sensors, mode)
    await read(test, mode, sensors.length)
    const statuses = sensors.map(({ name }) => [name, test.sink.last(name)?.status, test.sink.last(name)?.value])
    expect(statuses).toEqual([
      ['Missing', 'BadNodeIdUnknown', null],
      ['Elsewhere', 'BadNodeIdUnknown', null],
      ['Boolean', 'BadTypeMismatch', null], // a sensor without a type is a number
      ['Floats', 'BadTypeMismatch', null],
      ['Double', expect.stringMatching(/^Bad/), null],
      ['UInt64', 'BadOutOfRange', null],
      ['Empty', 'BadNoData', null],
      ['Float', 'Good', 1.5],
    ])
  })

  it('keep the status codes of the server', async () => {
    const test = deviceWith([{ name: 'Int32' }, { name: 'UInt32' }], mode)
    await server.status('Int32', 'UncertainLastUsableValue')
    await server.status('UInt32', 'BadSensorFailure')
    await read(test, mode, 2)
    expect(test.sink.last('Int32')).toEqual({ value: -2e9, status: 'UncertainLastUsableValue', time: STAMP })
    expect(test.sink.last('UInt32')).toEqual({ value: null, status: 'BadSensorFailure', time: STAMP })
    await server.status('Int32', 'Good')
    await server.status('UInt32', 'Good')
  })
})

describe('an OPC UA subscription', () => {
  it('reports every change between two publishes, in order', async () => {
    const test = deviceWith([{ name: 'UInt16' }], 'subscribe', { publishInterval: 400, queueSize: 50 })
    await read(test, 'subscribe', 1)
    for (let value = 1; value <= 20; value++) await server.set('UInt16', value)
    await vi.waitFor(() => expect(test.sink.last('UInt16')?.value).toBe(20), EVENTUALLY)
    const values = test.sink.readings.get('UInt16')!.map(({ value }) => value)
    expect(values.slice(-20)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
  })

  it('leaves out changes within the deadband of the server', async () => {
    await server.set('Double', 100)
    const test = deviceWith([{ name: 'Double', serverDeadband: 5 }], 'subscribe')
    await read(test, 'subscribe', 1)
    for (const value of [101, 104, 106, 107, 120]) await server.set('Double', value)
    await vi.waitFor(() => expect(test.sink.last('Double')?.value).toBe(120), EVENTUALLY)
    expect(test.sink.readings.get('Double')!.map(({ value }) => value)).toEqual([100, 106, 120])
  })

  it('reports every change of a node that knows no deadband', async () => {
    await server.set('DateTime', { date: '2026-01-02T00:00:00.000Z' })
    const test = deviceWith([{ name: 'DateTime', serverDeadband: 5 }], 'subscribe')
    await read(test, 'subscribe', 1)
    expect(test.sink.last('DateTime')).toMatchObject({ status: 'Good', value: Date.parse('2026-01-02T00:00:00.000Z') })
  })
})

describe('an OPC UA write', () => {
  const sensors: TestSensor[] = [
    { name: 'Int16', writable: true },
    { name: 'Byte', writable: true },
    { name: 'Int64', type: 'int64', writable: true },
    { name: 'UInt64', type: 'uint64', writable: true },
    { name: 'Boolean', type: 'boolean', writable: true },
    { name: 'String', type: 'string', writable: true },
    { name: 'LocalizedText', type: 'string', writable: true },
    { name: 'Float', writable: true },
    { name: 'Floats', index: 2, writable: true },
    { name: 'Empty', writable: true },
    { name: 'ReadOnly', writable: true },
    { name: 'SByte' },
    { name: 'Missing', writable: true },
  ]
  let test: TestDevice
  const write = (name: string, value: number | string | bigint | boolean) =>
    test.device.write!(test.number(name), value, NEVER)

  it('becomes the data type of the node, and answers what the server then holds', async () => {
    test = deviceWith(sensors, 'poll')
    await test.device.connect(NEVER)
    expect(await write('Int16', -5)).toBe(-5)
    expect(await write('Byte', 255)).toBe(255)
    expect(await write('Int64', -9_007_199_254_740_993n)).toBe(-9_007_199_254_740_993n)
    expect(await write('UInt64', 9_223_372_036_854_775_809n)).toBe(9_223_372_036_854_775_809n)
    expect(await write('Boolean', false)).toBe(false)
    expect(await write('Boolean', true)).toBe(true)
    expect(await write('String', 'grün')).toBe('grün')
    expect(await write('LocalizedText', 'stopped')).toBe('stopped')
    expect(await write('Float', 0.1)).toBe(Math.fround(0.1))
    expect(await write('Floats', 7)).toBe(7)
    expect(await write('Empty', 42)).toBe(42) // had no value: the node's DataType says Int32
  })

  it('that does not fit or is not allowed is refused with the reason', async () => {
    test = deviceWith(sensors, 'poll')
    await test.device.connect(NEVER)
    await expect(write('Int16', 40_000)).rejects.toMatchObject({ code: 'OUT_OF_RANGE' })
    await expect(write('Int16', 1.5)).rejects.toMatchObject({ code: 'OUT_OF_RANGE' })
    await expect(write('Byte', -1)).rejects.toMatchObject({ code: 'OUT_OF_RANGE' })
    await expect(write('Float', 1e39)).rejects.toMatchObject({ code: 'OUT_OF_RANGE' })
    await expect(write('Boolean', 'yes')).rejects.toMatchObject({ code: 'OUT_OF_RANGE' })
    await expect(write('ReadOnly', 3)).rejects.toMatchObject({ code: 'NOT_WRITABLE' })
    await expect(write('SByte', 3)).rejects.toMatchObject({ code: 'NOT_WRITABLE' })
    await expect(write('Missing', 3)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await test.device.close()
    await expect(write('Int16', 1)).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
  })
})
