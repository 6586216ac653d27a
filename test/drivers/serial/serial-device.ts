// Set-up of a serial device for tests: sensor n of the list has number n.

import type { Device, DeviceSetup, Driver } from '#domain/driver.ts'
import type { Sensor } from '#domain/sensor.ts'
import { serialDriver } from '#drivers/serial/driver.ts'
import type { SerialDeviceConfig, SerialSensorConfig } from '#drivers/serial/schema.ts'
import type { Clock } from '#kit/clock.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { RecordingContext, RecordingSink } from '#test/sim/recording-sink.ts'

export const NEVER = new AbortController().signal
export const TIMEOUT_MS = 1000

/** As in the contract's example, asked for its weight. */
export const SCALE: Omit<SerialDeviceConfig, 'connection'> = {
  framing: { delimiter: '\r\n', maxBytes: 64 },
  request: { send: 'P\r\n', timeout: TIMEOUT_MS },
  parse: { pattern: '^(?<stable>[SU]) +(?<weight>-?[0-9.]+) *(?<unit>kg|g)$' },
}

export const SCALE_SENSORS: readonly SerialSensorConfig[] = [
  { field: 'weight' },
  { field: 'stable', type: 'boolean', map: { S: true, U: false } },
  { field: 'unit', type: 'string' },
]

export function sensorOf(number: number, config: SerialSensorConfig): Sensor {
  return {
    number,
    id: `device.sensor-${number}`,
    device: 'device',
    name: `sensor-${number}`,
    description: '',
    machine: 'machine',
    valueType: config.type ?? 'number',
    unit: '',
    writable: true,
    scale: null,
    deadband: null,
    checks: [],
  }
}

export interface TestSetup extends Partial<Omit<SerialDeviceConfig, 'connection'>> {
  readonly path: string
  readonly sensors?: readonly SerialSensorConfig[]
  readonly id?: string
}

export function serialSetup({ path, sensors = SCALE_SENSORS, id = 'device', ...rest }: TestSetup): DeviceSetup {
  const config: SerialDeviceConfig = { connection: { path }, ...SCALE, ...rest }
  const points = sensors.map((sensor, number) => ({ sensor: sensorOf(number, sensor), config: sensor }))
  return { id, config, groups: [{ intervalMs: config.request === undefined ? null : 1000, points }] }
}

export interface TestDevice<C extends Clock> {
  readonly device: Device
  readonly context: RecordingContext
  readonly clock: C
  readonly driver: Driver
  /** Polls group 0 into a new sink. */
  readonly poll: () => Promise<RecordingSink>
}

export function testDevice(setup: TestSetup): TestDevice<ManualClock> {
  return deviceOn(setup, new ManualClock())
}

export function deviceOn<C extends Clock>(setup: TestSetup, clock: C, driver = serialDriver({ clock })): TestDevice<C> {
  const context = new RecordingContext()
  const device = driver.open(serialSetup(setup), context)
  const poll = async (): Promise<RecordingSink> => {
    const sink = new RecordingSink()
    await device.poll(0, sink, NEVER)
    return sink
  }
  return { device, context, clock, driver, poll }
}
