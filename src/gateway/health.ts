// Is the gateway well? The reasons why not, from the state of its parts, for /readyz and the dashboard.

import type { HealthReason } from '#domain/component.ts'
import type { StoreStatus } from '#domain/history.ts'
import type { DeviceStatus } from '#domain/views.ts'
import type { UplinkStatus } from '#domain/uplink.ts'

export interface HealthInput {
  readonly store: StoreStatus
  readonly hasRoom: boolean
  readonly isClockTrusted: boolean
  readonly ringFillRatio: number
  readonly devices: readonly DeviceStatus[]
  readonly uplinks: readonly UplinkStatus[]
}

/** All reasons, the blocking ones first. Empty: all is well. */
export function healthReasons(input: HealthInput): HealthReason[] {
  const reasons: HealthReason[] = []
  if (input.store.state === 'failing') {
    reasons.push({ code: 'store-failing', message: `The store cannot write: ${input.store.reason}`, blocking: true })
  }
  if (!input.hasRoom) {
    const percent = Math.round(input.ringFillRatio * 100)
    reasons.push({
      code: 'ring-blocked',
      message: `The buffer is ${percent} % full because the store does not keep up: polling pauses`,
      blocking: true,
    })
  }
  if (input.store.quarantined !== null) {
    reasons.push({
      code: 'store-quarantined',
      message: `The database was damaged and has been set aside as ${input.store.quarantined}; a new one is in use`,
      blocking: false,
    })
  }
  if (!input.isClockTrusted) {
    const message = 'The clock has not been set since the start: times are corrected once it is'
    reasons.push({ code: 'clock-untrusted', message, blocking: false })
  }
  for (const device of input.devices) {
    if (device.state === 'up' || device.state === 'paused') continue
    const why = device.reason === null ? '' : `: ${device.reason}`
    reasons.push({ code: 'device-down', message: `Device ${device.id} is ${device.state}${why}`, blocking: false })
  }
  for (const uplink of input.uplinks) {
    if (uplink.state === 'online') continue
    const why = uplink.reason === null ? '' : `: ${uplink.reason}`
    reasons.push({ code: 'uplink-down', message: `Uplink ${uplink.id} is ${uplink.state}${why}`, blocking: false })
  }
  return reasons
}
