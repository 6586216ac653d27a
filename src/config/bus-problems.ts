// Asks each driver what is wrong with all its devices together, for example with those on one serial line.

import type { Driver } from '#domain/driver.ts'
import { placeAt } from './config-node.ts'
import type { ReadContext } from './context.ts'
import type { DeviceConfig } from './gateway-config.ts'
import type { SensorSource } from './read-sensors.ts'
import { withSmallInitial } from './wording.ts'

/** A device without problems of its own, and where it stands. */
export interface PlacedDevice {
  readonly config: DeviceConfig
  readonly source: SensorSource
}

/** Adds the problems to those of the context. */
export function checkBuses(devices: readonly PlacedDevice[], context: ReadContext): void {
  for (const driver of context.catalogue.drivers.values()) {
    const own = devices.filter(({ config }) => config.driver === driver.kind)
    if (own.length > 0) askDriver(driver, own, context)
  }
}

function askDriver(driver: Driver, devices: readonly PlacedDevice[], { problems, redact }: ReadContext): void {
  const asked = devices.map(({ config: { id, config, pollMs, sensors } }) => {
    const deviceMs = driver.pollMs?.(config) ?? pollMs // as when it runs
    const intervals = sensors.map((sensor) => ({ intervalMs: sensor.pollMs ?? deviceMs, config: sensor.config }))
    return { id, config, sensors: intervals }
  })
  for (const { device, path, message } of driver.busProblems?.(asked) ?? []) {
    const { node, path: lead } = devices[device]!.source
    problems.add(placeAt(node, path), [...lead, ...path], redact(withSmallInitial(message)))
  }
}
