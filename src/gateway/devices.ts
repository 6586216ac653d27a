// Devices of the configuration as acquisition takes them: each with its driver, and its sensors grouped by poll interval.

import type { AcquiredDevice } from '#acquisition/acquisition.ts'
import type { DeviceConfig, GatewayConfig } from '#config/gateway-config.ts'
import type { Catalogue } from '#config/load.ts'
import type { Driver, Point, PointGroup } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import { idFromName, sensorId } from '#domain/ids.ts'
import type { Model } from '#domain/sensor.ts'

/** Throws CONFIG_INVALID for a driver that is not in the catalogue: the configuration was not validated with it. */
export function acquiredDevices(config: GatewayConfig, catalogue: Catalogue, model: Model): AcquiredDevice[] {
  return config.devices.map((device) => {
    const driver = catalogue.drivers.get(device.driver)
    if (!driver) throw new TelemetryError('CONFIG_INVALID', `There is no driver "${device.driver}"`)
    return {
      setup: { id: device.id, config: device.config, groups: pollGroups(device, driver, model) },
      driver,
      machine: idFromName(device.machine),
    }
  })
}

function pollGroups(device: DeviceConfig, driver: Driver, model: Model): PointGroup[] {
  const groups = new Map<number | null, Point[]>()
  const sendsByItself = driver.sendsByItself?.(device.config) ?? false
  const deviceMs = driver.pollMs?.(device.config) ?? device.pollMs
  // Such a device listens also before it has a sensor.
  if (driver.maxSensors !== undefined) groups.set(null, [])
  for (const config of device.sensors) {
    const intervalMs = sendsByItself ? null : (config.pollMs ?? deviceMs)
    const points = groups.get(intervalMs) ?? []
    points.push({ sensor: model.sensor(sensorId(device.id, config.id))!, config: config.config })
    groups.set(intervalMs, points)
  }
  return [...groups].map(([intervalMs, points]) => ({ intervalMs, points }))
}
