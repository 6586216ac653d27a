// What is wrong with a Modbus device's configuration beyond what its schema can say; everything at once.

import type { ConfigProblem } from '#domain/driver.ts'
import { isBitTable, MAX_ADDRESS, orderOf, pointType, registersOf, type PointType } from './point.ts'
import {
  DEFAULT_BAUD_RATE,
  DEFAULT_PORT,
  MAX_READ_BITS,
  MAX_READ_REGISTERS,
  type ModbusDeviceConfig,
  type ModbusSensorConfig,
} from './schema.ts'

/** Problems with paths from the device's YAML: `['sensors', 3, 'order']`. */
export function modbusProblems(
  device: ModbusDeviceConfig,
  sensors: readonly ModbusSensorConfig[],
): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = []
  for (const { key, message } of connectionProblems(device.connection)) {
    problems.push({ path: key === null ? ['connection'] : ['connection', key], message })
  }
  for (const [index, sensor] of sensors.entries()) {
    for (const { key, message } of sensorProblems(sensor, device))
      problems.push({ path: ['sensors', index, key], message })
  }
  return problems
}

interface ConnectionProblem {
  /** null: the connection as a whole. */
  readonly key: keyof ModbusDeviceConfig['connection'] | null
  readonly message: string
}

// What a configuration says without need is not told apart from a default by now, so only what differs is a mistake.
const SERIAL_DEFAULTS = { path: undefined, baudRate: DEFAULT_BAUD_RATE, parity: 'none', stopBits: 1 } as const
const TCP_DEFAULTS = { host: undefined, port: DEFAULT_PORT } as const

function* connectionProblems(connection: ModbusDeviceConfig['connection']): Generator<ConnectionProblem> {
  const { transport = 'tcp', timeout, echo = false } = connection
  if (timeout === 0) yield { key: 'timeout', message: 'A timeout of 0 leaves no time for an answer' }
  if (transport === 'rtu') {
    if (connection.path === undefined)
      yield { key: null, message: 'Transport rtu needs the path of its serial port, for example path: /dev/ttyUSB0' }
    for (const key of ['host', 'port'] as const) {
      if ((connection[key] ?? TCP_DEFAULTS[key]) !== TCP_DEFAULTS[key])
        yield { key, message: `Transport rtu has no ${key}; for a serial device server it is rtu-over-tcp` }
    }
    return
  }
  if (connection.host === undefined)
    yield { key: null, message: `Transport ${transport} needs the host that it connects to` }
  for (const key of ['path', 'baudRate', 'parity', 'stopBits'] as const) {
    if ((connection[key] ?? SERIAL_DEFAULTS[key]) !== SERIAL_DEFAULTS[key])
      yield { key, message: `Transport ${transport} has no ${key}; that is for rtu` }
  }
  if (transport === 'tcp' && echo) yield { key: 'echo', message: 'Only a serial line has an echo, not tcp' }
}

interface SensorProblem {
  readonly key: keyof ModbusSensorConfig
  readonly message: string
}

function* sensorProblems(sensor: ModbusSensorConfig, device: ModbusDeviceConfig): Generator<SensorProblem> {
  const type = pointType(sensor)
  yield* typeProblems(sensor, type)
  yield* orderProblems(sensor, type)
  yield* lengthProblems(sensor, type)
  if (type === 'string' && sensor.length === undefined) return // its width is not known
  yield* widthProblems(sensor, registersOf(type, sensor.length ?? 0), device)
}

function* typeProblems(sensor: ModbusSensorConfig, type: PointType): Generator<SensorProblem> {
  if (isBitTable(sensor.register)) {
    if (type !== 'bool')
      yield { key: 'type', message: `A ${sensor.register} is a single bit: its type is bool, not ${type}` }
    if (sensor.bit !== undefined)
      yield { key: 'bit', message: `A ${sensor.register} is a single bit: bit belongs to input and holding registers` }
  } else if (sensor.bit !== undefined && type !== 'bool') {
    yield { key: 'bit', message: `A bit of a register is of type bool, not ${type}` }
  }
}

function* orderProblems(sensor: ModbusSensorConfig, type: PointType): Generator<SensorProblem> {
  if (sensor.order === undefined || orderOf(type, sensor.order) !== null) return
  if (type === 'bool') yield { key: 'order', message: 'A bool has no order of bytes' }
  else if (type === 'string')
    yield {
      key: 'order',
      message: 'The order of a string is ABCD, or BADC to swap the two characters of each register',
    }
  else
    yield {
      key: 'order',
      message: `${sensor.order} is the order of a 64-bit type, ${type} has ${registersOf(type, 0) * 16} bits`,
    }
}

function* lengthProblems(sensor: ModbusSensorConfig, type: PointType): Generator<SensorProblem> {
  if (type === 'string' && sensor.length === undefined)
    yield { key: 'type', message: 'A string needs its length in characters, for example length: 16' }
  if (type !== 'string' && sensor.length !== undefined)
    yield { key: 'length', message: `Only a string has a length, not ${type}` }
}

function* widthProblems(
  sensor: ModbusSensorConfig,
  width: number,
  device: ModbusDeviceConfig,
): Generator<SensorProblem> {
  if (sensor.address + width - 1 > MAX_ADDRESS) {
    yield {
      key: 'address',
      message: `The last address would be ${sensor.address + width - 1}; addresses end at ${MAX_ADDRESS}`,
    }
  }
  const { maxRegisters = MAX_READ_REGISTERS, maxBits = MAX_READ_BITS } = device.reads ?? {}
  const most = isBitTable(sensor.register) ? maxBits : maxRegisters
  if (width > most)
    yield {
      key: 'type',
      message: `The value takes ${width} registers, but reads.maxRegisters allows ${most} in one request`,
    }
}
