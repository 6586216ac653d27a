// MQTT devices for tests, made through the gateway's own configuration parser.

import { parseGatewayConfig } from '#config/load.ts'
import type { Device, DeviceSetup, Driver, DriverContext } from '#domain/driver.ts'
import type { Sensor } from '#domain/sensor.ts'
import { mqttDriver } from '#drivers/mqtt/driver.ts'
import { systemClock, type Clock } from '#kit/clock.ts'

export const NEVER = new AbortController().signal

/** Devices of a YAML list of devices; throws what is wrong with it. Sensors are numbered from 0 through all devices. */
export function setupsOf(yaml: string, driver: Driver = mqttDriver({ clock: systemClock })): DeviceSetup[] {
  const text = `gateway: { id: edge-01, factory: Plant A }\nbroker: { port: 0 }\ndevices:\n${yaml}`
  const catalogue = { drivers: new Map([[driver.kind, driver]]), uplinks: new Map() }
  const result = parseGatewayConfig(text, { file: 'test.yaml', catalogue, env: {} })
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('; '))
  let number = 0
  return result.config.devices.map(({ id, config, sensors }) => {
    const points = sensors.map((sensor) => ({
      config: sensor.config,
      sensor: sensorOf(number++, `${id}.${sensor.id}`, sensor.valueType),
    }))
    return { id, config, groups: [{ intervalMs: null, points }] }
  })
}

export function setupOf(yaml: string): DeviceSetup {
  return setupsOf(yaml)[0]!
}

export function openDevice(setup: DeviceSetup, context: DriverContext, clock: Clock = systemClock): Device {
  return mqttDriver({ clock }).open(setup, context)
}

function sensorOf(number: number, id: string, valueType: Sensor['valueType']): Sensor {
  const [device, name] = id.split('.') as [string, string]
  return {
    number,
    id,
    device,
    name,
    description: '',
    machine: device,
    valueType,
    unit: '',
    writable: false,
    scale: null,
    deadband: null,
    checks: [],
  }
}
