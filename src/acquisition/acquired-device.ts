// A device as acquisition gets it, and whether a changed configuration asks for a new connection.

import { isDeepStrictEqual } from 'node:util'
import type { DeviceSetup, Driver } from '#domain/driver.ts'

export interface AcquiredDevice {
  readonly setup: DeviceSetup
  readonly driver: Driver
  /** The machine that the device belongs to, as its status shows it. */
  readonly machine: string
}

/**
 * True when `next` needs no other connection, points, schedule or scaling than `present`: the device may run on
 * undisturbed. Checks, deadbands, rules for writes and texts are not its affair.
 */
export function isSameAcquisition(present: AcquiredDevice, next: AcquiredDevice): boolean {
  return present.driver === next.driver && isDeepStrictEqual(essence(present), essence(next))
}

function essence({ setup, machine }: AcquiredDevice): unknown {
  return {
    id: setup.id,
    machine,
    config: setup.config,
    groups: setup.groups.map(({ intervalMs, points }) => ({
      intervalMs,
      points: points.map(({ sensor, config }) => ({
        config,
        number: sensor.number,
        id: sensor.id,
        valueType: sensor.valueType,
        writable: sensor.writable,
        scale: sensor.scale,
      })),
    })),
  }
}
