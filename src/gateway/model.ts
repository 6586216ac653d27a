// The model of a gateway from its configuration: factory → machine → sensor, with the numbers that the store gave.

import type { DerivedConfig, GatewayConfig, SensorConfig } from '#config/gateway-config.ts'
import { idFromName, sensorId } from '#domain/ids.ts'
import type { Machine, Model, Sensor, SensorNumber } from '#domain/sensor.ts'
import type { ValueType } from '#domain/value.ts'

/** Ids and value types of all sensors in the order of the configuration: what the store must know. */
export function sensorKeys(config: GatewayConfig): { id: string; valueType: ValueType }[] {
  const read = config.devices.flatMap((device) =>
    device.sensors.map((sensor) => ({ id: sensorId(device.id, sensor.id), valueType: sensor.valueType })),
  )
  return [...read, ...config.derived.map(({ id, valueType }) => ({ id, valueType }))]
}

/** `numbers` are in the order of `sensorKeys(config)`. */
export function buildModel(config: GatewayConfig, numbers: readonly SensorNumber[]): Model {
  const factory = { id: idFromName(config.gateway.factory), name: config.gateway.factory }
  const machines = new Map<string, Machine>()
  const sensors: Sensor[] = []
  for (const device of config.devices) {
    const machine = { id: idFromName(device.machine), name: device.machine, factory: factory.id }
    machines.set(machine.id, machine)
    for (const sensor of device.sensors) {
      sensors.push(buildSensor(sensor, device.id, machine.id, numbers[sensors.length]!))
    }
  }
  for (const derived of config.derived) {
    const machine = { id: idFromName(derived.machine), name: derived.machine, factory: factory.id }
    if (!machines.has(machine.id)) machines.set(machine.id, machine)
    sensors.push(derivedSensor(derived, machine.id, numbers[sensors.length]!))
  }
  const byId = new Map(sensors.map((sensor) => [sensor.id, sensor]))
  const byNumber = new Map(sensors.map((sensor) => [sensor.number, sensor]))
  return {
    gateway: config.gateway.id,
    factories: [factory],
    machines: [...machines.values()],
    sensors,
    sensor: (id) => byId.get(id),
    sensorAt: (number) => byNumber.get(number),
  }
}

function derivedSensor(config: DerivedConfig, machine: string, number: SensorNumber): Sensor {
  const [device = '', name = ''] = config.id.split('.')
  const { id, description, valueType, unit, deadband, checks, derivation } = config
  return {
    number,
    id,
    device,
    name,
    description,
    machine,
    valueType,
    unit,
    writable: false,
    scale: null,
    deadband,
    checks,
    derivation,
  }
}

function buildSensor(config: SensorConfig, device: string, machine: string, number: SensorNumber): Sensor {
  return {
    number,
    id: sensorId(device, config.id),
    device,
    name: config.id,
    description: config.description,
    machine,
    valueType: config.valueType,
    unit: config.unit,
    writable: config.writable,
    ...(config.writeLimits && { writeLimits: config.writeLimits }),
    scale: config.scale,
    deadband: config.deadband,
    checks: config.checks,
  }
}
