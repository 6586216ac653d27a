import Value from 'typebox/value'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kit/manual-clock.ts'
import { modbusDriver } from '#drivers/modbus/driver.ts'

const driver = modbusDriver({ clock: new ManualClock() })
const device = { connection: { host: '192.0.2.10', timeout: 1000 } }

function problem(sensor: object, config: object = device): string[] {
  return driver.problems(config, [sensor]).map(({ path, message }) => `${path.join('.')}: ${message}`)
}

describe('the problems of a configuration', () => {
  it.each([
    [{ register: 'holding', address: 65_535, type: 'float32' }, 'sensors.0.address: The last address would be 65536'],
    [{ register: 'holding', address: 65_533, type: 'string', length: 7 }, 'sensors.0.address'],
    [{ register: 'coil', address: 0, type: 'int16' }, 'sensors.0.type: A coil is a single bit'],
    [{ register: 'discrete', address: 0, bit: 1 }, 'sensors.0.bit: A discrete is a single bit'],
    [{ register: 'holding', address: 0, type: 'uint16', bit: 1 }, 'sensors.0.bit: A bit of a register is of type bool'],
    [{ register: 'holding', address: 0, type: 'string' }, 'sensors.0.type: A string needs its length'],
    [{ register: 'holding', address: 0, type: 'int32', length: 4 }, 'sensors.0.length: Only a string has a length'],
    [{ register: 'holding', address: 0, bit: 3, order: 'ABCD' }, 'sensors.0.order: A bool has no order'],
    [
      { register: 'holding', address: 0, type: 'int32', order: 'HGFEDCBA' },
      'sensors.0.order: HGFEDCBA is the order of a 64-bit type, int32 has 32 bits',
    ],
    [
      { register: 'holding', address: 0, type: 'string', length: 4, order: 'CDAB' },
      'sensors.0.order: The order of a string',
    ],
  ])('name what is wrong with %o', (sensor, expected) => {
    const problems = problem(sensor)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(expected)
  })

  it.each([
    { register: 'holding', address: 65_534, type: 'float32' },
    { register: 'holding', address: 0, bit: 15 },
    { register: 'input', address: 0, type: 'bool' },
    { register: 'coil', address: 65_535 },
    { register: 'holding', address: 0, type: 'int16', order: 'DCBA' },
    { register: 'holding', address: 0, type: 'float64', order: 'GHEFCDAB' },
    { register: 'holding', address: 0, type: 'string', length: 246, order: 'BADC' },
  ])('are none for %o', (sensor) => {
    expect(problem(sensor)).toEqual([])
  })

  it('are all told at once, each with its sensor', () => {
    const sensors = [
      { register: 'coil', address: 1 },
      { register: 'coil', address: 0, type: 'int16', bit: 2 },
      { register: 'holding', address: 1, type: 'string' },
    ]
    const broken = { connection: { host: 'plc', timeout: 0 } }
    expect(driver.problems(broken, sensors).map(({ path }) => path.join('.'))).toEqual([
      'connection.timeout',
      'sensors.1.type',
      'sensors.1.bit',
      'sensors.2.type',
    ])
  })

  it.each([
    [{ transport: 'rtu' }, 'connection: Transport rtu needs the path'],
    [{ transport: 'rtu', path: '/dev/ttyS0', host: 'plc' }, 'connection.host: Transport rtu has no host'],
    [{ transport: 'rtu', path: '/dev/ttyS0', port: 503 }, 'connection.port: Transport rtu has no port'],
    [{}, 'connection: Transport tcp needs the host'],
    [{ transport: 'rtu-over-tcp' }, 'connection: Transport rtu-over-tcp needs the host'],
    [{ host: 'plc', path: '/dev/ttyS0' }, 'connection.path: Transport tcp has no path'],
    [{ host: 'plc', baudRate: 19_200 }, 'connection.baudRate: Transport tcp has no baudRate'],
    [{ host: 'plc', echo: true }, 'connection.echo: Only a serial line has an echo'],
  ])('name what is wrong with the connection %o', (connection, expected) => {
    const problems = problem({ register: 'holding', address: 0 }, { connection })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(expected)
  })

  it.each([
    { transport: 'rtu', path: '/dev/ttyS0', baudRate: 19_200, parity: 'even', dataBits: 8, stopBits: 1, port: 502 },
    { transport: 'rtu-over-tcp', host: 'plc', echo: true, baudRate: 9600 },
  ])('are none for the connection %o', (connection) => {
    expect(problem({ register: 'holding', address: 0 }, { connection })).toEqual([])
  })

  it('include a value that is wider than one request may be', () => {
    const narrow = { ...device, reads: { maxRegisters: 3 } }
    expect(problem({ register: 'holding', address: 0, type: 'float64' }, narrow)[0]).toContain(
      'reads.maxRegisters allows 3',
    )
  })
})

describe('the schemas', () => {
  it('refuse unknown keys and impossible numbers', () => {
    const connection = { host: 'plc' }
    expect(Value.Check(driver.deviceSchema, { connection })).toBe(true)
    expect(Value.Check(driver.deviceSchema, { connection: { ...connection, transport: 'ascii' } })).toBe(false)
    expect(Value.Check(driver.deviceSchema, { connection: { ...connection, unit: 256 } })).toBe(false)
    expect(Value.Check(driver.deviceSchema, { connection: { ...connection, port: 0 } })).toBe(false)
    expect(Value.Check(driver.deviceSchema, { connection, readd: {} })).toBe(false)
    expect(Value.Check(driver.sensorSchema, { register: 'holding', address: 0 })).toBe(true)
    expect(Value.Check(driver.sensorSchema, { register: 'holding', address: 65_536 })).toBe(false)
    expect(Value.Check(driver.sensorSchema, { register: 'coils', address: 0 })).toBe(false)
    expect(Value.Check(driver.sensorSchema, { register: 'holding', address: 0, bit: 16 })).toBe(false)
  })

  it('give each sensor its kind of value', () => {
    const kinds = [
      [{ register: 'coil', address: 0 }, 'boolean'],
      [{ register: 'input', address: 0 }, 'number'],
      [{ register: 'input', address: 0, bit: 2 }, 'boolean'],
      [{ register: 'input', address: 0, type: 'int64' }, 'int64'],
      [{ register: 'input', address: 0, type: 'uint64' }, 'uint64'],
      [{ register: 'input', address: 0, type: 'bcd32' }, 'number'],
      [{ register: 'input', address: 0, type: 'string', length: 4 }, 'string'],
    ] as const
    for (const [config, kind] of kinds) expect(driver.valueType(config)).toBe(kind)
  })
})
