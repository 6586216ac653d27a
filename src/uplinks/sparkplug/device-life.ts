// Which devices live, told by their readings: a device is silent when each of its sensors has nothing but a broken
// connection to show. (When a device goes silent, the gateway gives each of them one bad reading.)

import { Status, type StatusCode } from '#domain/quality.ts'
import type { NodeDevice, NodePoints } from './node-points.ts'

const BROKEN: ReadonlySet<StatusCode> = new Set([
  Status.BadCommunicationError,
  Status.BadTimeout,
  Status.BadShutdown,
  Status.BadServerNotConnected,
  Status.BadNotConnected,
])

const LOST = 1

export class DeviceLife {
  #states = new Uint8Array(0)

  /** Forgets everything. */
  begin(points: NodePoints): void {
    this.#states = new Uint8Array(points.top + 1)
  }

  note(sensor: number, status: StatusCode): void {
    this.#states[sensor] = BROKEN.has(status) ? LOST : 0
  }

  isSilent({ points }: NodeDevice): boolean {
    let isLost = false
    for (const { sensor } of points) {
      if (sensor.derivation) continue // the gateway's own value: it says nothing of the device
      if (this.#states[sensor.number] !== LOST) return false
      isLost = true
    }
    return isLost
  }
}
