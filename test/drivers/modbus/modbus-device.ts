// Set-up of a Modbus device for tests: sensor n of the list has number n.

import type { Device, DeviceSetup, Driver } from '#domain/driver.ts'
import type { Sensor } from '#domain/sensor.ts'
import type { Clock } from '#kit/clock.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { modbusDriver } from '#drivers/modbus/driver.ts'
import { pointType, valueTypeOf } from '#drivers/modbus/point.ts'
import type { ModbusDeviceConfig, ModbusSensorConfig } from '#drivers/modbus/schema.ts'
import { RecordingContext, RecordingSink } from '#test/sim/recording-sink.ts'

export const TIMEOUT_MS = 1000
export const NEVER = new AbortController().signal

export interface TestDeviceOptions {
  readonly port?: number
  /** Instead of, or beside, Modbus TCP on `port` of this machine. */
  readonly connection?: ModbusDeviceConfig['connection']
  readonly quirks?: ModbusDeviceConfig['quirks']
  readonly sensors: readonly ModbusSensorConfig[]
  readonly unit?: number
  readonly reads?: ModbusDeviceConfig['reads']
  readonly driver?: Driver
  readonly clock?: ManualClock
  /** Times the silences of a serial line; default: `clock`. */
  readonly lineClock?: Clock
  readonly id?: string
}

export interface TestDevice {
  readonly device: Device
  readonly context: RecordingContext
  readonly clock: ManualClock
  readonly driver: Driver
  /** Polls group 0 into a new sink. */
  readonly poll: () => Promise<RecordingSink>
}

export function sensorOf(number: number, config: ModbusSensorConfig, writable = true): Sensor {
  return {
    number,
    id: `device.sensor-${number}`,
    device: 'device',
    name: `sensor-${number}`,
    description: '',
    machine: 'machine',
    valueType: valueTypeOf(pointType(config)),
    unit: '',
    writable,
    scale: null,
    deadband: null,
    checks: [],
  }
}

export function modbusSetup(options: TestDeviceOptions): DeviceSetup {
  const { port, connection, sensors, unit = 1, reads, quirks, id = 'device' } = options
  const tcp = port === undefined ? {} : { host: '127.0.0.1', port }
  const config: ModbusDeviceConfig = {
    connection: { ...tcp, unit, timeout: TIMEOUT_MS, ...connection },
    ...(reads && { reads }),
    ...(quirks && { quirks }),
  }
  const points = sensors.map((sensor, number) => ({ sensor: sensorOf(number, sensor), config: sensor }))
  return { id, config, groups: [{ intervalMs: 1000, points }] }
}

export function testDevice(options: TestDeviceOptions): TestDevice {
  const clock = options.clock ?? new ManualClock()
  const driver = options.driver ?? modbusDriver({ clock, ...(options.lineClock && { lineClock: options.lineClock }) })
  const context = new RecordingContext()
  const device = driver.open(modbusSetup(options), context)
  const poll = async (): Promise<RecordingSink> => {
    const sink = new RecordingSink()
    await device.poll(0, sink, NEVER)
    return sink
  }
  return { device, context, clock, driver, poll }
}

/** Holding registers of type uint16 at these addresses. */
export function holdings(...addresses: number[]): ModbusSensorConfig[] {
  return addresses.map((address) => ({ register: 'holding' as const, address }))
}
