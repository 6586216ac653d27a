// Is the gateway well? The reasons why not, from the state of its parts, for /readyz and the dashboard.

import type { Acquisition } from '#acquisition/acquisition.ts'
import type { HealthReason } from '#domain/component.ts'
import type { StoreStatus } from '#domain/history.ts'
import type { DeviceStatus } from '#domain/views.ts'
import type { UplinkStatus } from '#domain/uplink.ts'
import type { Pipeline } from '#pipeline/pipeline.ts'
import type { Store } from '#store/store.ts'
import type { Uplinks } from '#uplinks/uplinks.ts'
import type { ClockWatch } from './clock-watch.ts'

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

/** Parts of a gateway, as far as their health is looked at. */
export interface WatchedParts {
  readonly store: Pick<Store, 'history' | 'ring'>
  readonly pipeline: Pick<Pipeline, 'hasRoom'>
  readonly acquisition: Pick<Acquisition, 'list'>
  readonly uplinks: Pick<Uplinks, 'list'>
  readonly clockWatch: Pick<ClockWatch, 'isTrusted'>
}

export function gatewayHealth(parts: WatchedParts): HealthReason[] {
  return healthReasons({
    store: parts.store.history.status(),
    hasRoom: parts.pipeline.hasRoom(),
    isClockTrusted: parts.clockWatch.isTrusted,
    ringFillRatio: parts.store.ring.fillRatio,
    devices: parts.acquisition.list(),
    uplinks: parts.uplinks.list(),
  })
}

/** Why the store does not take anything at the moment; null: it does. */
export function storeFailure({ state, reason }: StoreStatus): string | null {
  return state === 'failing' ? (reason ?? 'unknown') : null
}
