// Watches a gateway for a while after its configuration was changed, and says whether it is worse for it. Only what the
// change touched counts (and what shares a bus with it): a device elsewhere that fails meanwhile is no reason to go back.

import type { HealthReason } from '#domain/component.ts'
import type { UplinkStatus } from '#domain/uplink.ts'
import type { DeviceStatus } from '#domain/views.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import type { WatchBaseline } from './revision-store.ts'

export interface HealthView {
  readonly devices: readonly DeviceStatus[]
  readonly uplinks: readonly UplinkStatus[]
  readonly reasons: readonly HealthReason[]
}

/** Ids of the devices and uplinks that a change starts anew. */
export interface Touched {
  readonly devices: readonly string[]
  readonly uplinks: readonly string[]
}

/** What is good now and must be good after a change that touches these. `owed`: what an earlier change still owes. */
export function baselineOf(view: HealthView, touched: Touched, owed: WatchBaseline | null): WatchBaseline {
  const buses = new Set(view.devices.filter(({ id }) => touched.devices.includes(id)).map(({ bus }) => bus))
  const devices = view.devices
    .filter((device) => isGoodDevice(device) && (touched.devices.includes(device.id) || buses.has(device.bus)))
    .map(({ id }) => id)
  const uplinks = view.uplinks
    .filter(({ id, state }) => state === 'online' && touched.uplinks.includes(id))
    .map(({ id }) => id)
  return {
    devices: [...new Set([...devices, ...(owed?.devices ?? [])])],
    uplinks: [...new Set([...uplinks, ...(owed?.uplinks ?? [])])],
    blocking: owed?.blocking ?? blockingCodes(view.reasons),
  }
}

/** What is worse than the baseline, in words; empty: nothing. What is no longer configured is not missed. */
export function losses(view: HealthView, baseline: WatchBaseline): string[] {
  const devices = view.devices.flatMap((device) => {
    if (!baseline.devices.includes(device.id) || isGoodDevice(device)) return []
    const state = device.state === 'up' ? `has only bad values` : `is ${device.state}`
    return [`device ${device.id} ${state}${device.reason === null ? '' : `: ${device.reason}`}`]
  })
  const uplinks = view.uplinks.flatMap(({ id, state, reason }) => {
    if (!baseline.uplinks.includes(id) || state === 'online') return []
    return [`uplink ${id} is ${state}${reason === null ? '' : `: ${reason}`}`]
  })
  return [...newlyBlocking(view, baseline), ...devices, ...uplinks]
}

function newlyBlocking({ reasons }: HealthView, baseline: WatchBaseline): string[] {
  return reasons
    .filter(({ code, blocking }) => blocking && !baseline.blocking.includes(code))
    .map(({ message }) => message)
}

function blockingCodes(reasons: readonly HealthReason[]): string[] {
  return reasons.filter(({ blocking }) => blocking).map(({ code }) => code)
}

function isGoodDevice({ state, sensors, badSensors }: DeviceStatus): boolean {
  return state === 'paused' || (state === 'up' && (sensors === 0 || badSensors < sensors))
}

export interface HealthWatchOptions {
  readonly clock: Clock
  readonly periodMs: number
  readonly baseline: WatchBaseline
  readonly view: () => HealthView
  /** Called once, with what is worse; empty: the change may stay. */
  readonly onVerdict: (losses: readonly string[]) => void
}

const LOOK_MS = 1000
/** A gateway that cannot do its main job for this long is not left so until the end of the period. */
const BLOCKED_LOOKS = 10

export class HealthWatch {
  readonly #options: HealthWatchOptions
  readonly #endsAt: number
  #timer: Timer
  #blockedLooks = 0

  constructor(options: HealthWatchOptions) {
    this.#options = options
    this.#endsAt = options.clock.monotonic() + options.periodMs
    this.#timer = this.#next()
  }

  get baseline(): WatchBaseline {
    return this.#options.baseline
  }

  cancel(): void {
    this.#timer.cancel()
  }

  #next(): Timer {
    const { clock } = this.#options
    const leftMs = Math.max(0, this.#endsAt - clock.monotonic())
    return clock.after(Math.min(LOOK_MS, leftMs), () => this.#look())
  }

  #look(): void {
    const { clock, view, baseline, onVerdict } = this.#options
    const now = view()
    this.#blockedLooks = newlyBlocking(now, baseline).length > 0 ? this.#blockedLooks + 1 : 0
    const isOver = clock.monotonic() >= this.#endsAt || this.#blockedLooks >= BLOCKED_LOOKS
    if (isOver) onVerdict(losses(now, baseline))
    else this.#timer = this.#next()
  }
}
