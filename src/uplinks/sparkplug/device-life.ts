// Which devices live, told by their readings: a device is silent when none of its sensors has anything but a broken
// connection to show. (When a device goes silent, the gateway gives each of its sensors one bad reading.)

import { Status, type StatusCode } from '#domain/quality.ts'
import type { NodeDevice, NodePoints } from './node-points.ts'

const BROKEN: ReadonlySet<StatusCode> = new Set([
  Status.BadCommunicationError,
  Status.BadTimeout,
  Status.BadShutdown,
  Status.BadServerNotConnected,
  Status.BadNotConnected,
])

const UNKNOWN = 0
const ALIVE = 1
const LOST = 2

export class DeviceLife {
  #states = new Uint8Array(0)

  /** Forgets everything. */
  begin(points: NodePoints): void {
    this.#states = new Uint8Array(points.top + 1)
  }

  note(sensor: number, status: StatusCode): void {
    this.#states[sensor] = BROKEN.has(status) ? LOST : ALIVE
  }

  isSilent({ points }: NodeDevice): boolean {
    let isLost = false
    for (const { sensor } of points) {
      // Derived values are the gateway's own: they say nothing of the device.
      const state = sensor.derivation ? UNKNOWN : this.#states[sensor.number]
      if (state === ALIVE) return false
      if (state === LOST) isLost = true
    }
    return isLost
  }
}
