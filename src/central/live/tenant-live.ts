// The live feed of central: each tenant's clients see the readings and alarms of its own gateways and the alerts of its rules,
// whichever process took them in. A tenant costs memory only while it has clients. The hub is the gateway's: slow clients get the
// latest values only.

import type { WebSocket } from 'ws'
import { LiveHub } from '#api/live/hub.ts'
import type { AlarmShape } from '#api/shapes/alarm-shape.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import type { Logger } from '#kit/logger.ts'
import { collectedGauge, Registry } from '#kit/metrics.ts'
import type { AlarmsPort, BrainAlert, ReadingsPort, TenantNumber } from '../ports.ts'
import type { LiveFeed } from '../stream/live-feed.ts'
import { OpenAlarms } from './open-alarms.ts'
import { pages } from './pages.ts'
import { TenantView } from './tenant-view.ts'

/** A view that nobody looks at for this long is forgotten. */
const IDLE_MS = 60_000
/** Of one tenant; beyond, the one that was left first is forgotten at once: who asks for ever other gateways fills no memory. */
const MAX_IDLE_VIEWS = 4
/** Latest values of so many sensors at most are kept for a tenant's clients. */
const MAX_SENSORS = 500_000

export interface TenantLiveOptions {
  readonly readings: ReadingsPort
  readonly alarms: AlarmsPort
  readonly feed: LiveFeed
  readonly clock: Clock
  readonly log: Logger
  readonly registry: Registry
  /** Clients of one tenant. */
  readonly maxClients: number
  /** An alert in its form on the wire. */
  readonly alertShape: (alert: BrainAlert) => unknown
}

/** What a new client wants. */
export interface TenantWish {
  readonly tenant: TenantNumber
  readonly patterns: readonly string[]
  /** Ids; empty: all. */
  readonly gateways: readonly string[]
  readonly since?: string | undefined
  readonly address: string
  readonly isAllowed: () => boolean
}

interface Shown {
  readonly tenant: TenantNumber
  readonly view: TenantView
  readonly hub: LiveHub
  readonly end: () => void
  clients: number
  idle: Timer | null
}

export class TenantLive {
  readonly #options: TenantLiveOptions
  /** By tenant and gateways; a view is shown from when it is filled. */
  readonly #shown = new Map<string, Promise<Shown>>()
  /** Those that nobody looks at, by the same key; the one that was left first is the first. */
  readonly #left = new Map<string, Shown>()
  readonly #clients = new Map<TenantNumber, number>()
  readonly #closing = new AbortController()

  constructor(options: TenantLiveOptions) {
    this.#options = options
    collectedGauge({
      registry: options.registry,
      name: 'telemetryx_live_clients',
      help: 'Open WebSocket connections of the live feed',
      collect: () => [{ value: [...this.#clients.values()].reduce((sum, count) => sum + count, 0) }],
    })
  }

  isFullFor(tenant: TenantNumber): boolean {
    return this.#closing.signal.aborted || (this.#clients.get(tenant) ?? 0) >= this.#options.maxClients
  }

  /** Resolves when a client of this kind can be taken without waiting; at once for one that others want already. */
  async prepare({ gateways, tenant }: Pick<TenantWish, 'tenant' | 'gateways'>): Promise<void> {
    await this.#show(tenant, gateways)
  }

  /** Takes over an open socket. */
  async add(socket: WebSocket, wish: TenantWish): Promise<void> {
    const { gateways, tenant, ...rest } = wish
    this.#count(tenant, 1)
    const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    void gone.then(() => this.#count(tenant, -1))
    try {
      const shown = await this.#show(tenant, gateways)
      if (socket.readyState !== socket.OPEN) return
      shown.clients += 1
      shown.idle?.cancel()
      shown.idle = null
      this.#left.delete(keyOf(tenant, gateways))
      void gone.then(() => this.#leave(shown, gateways))
      shown.hub.add(socket, rest)
    } catch {
      socket.close(1013, 'Not now; connect again')
    }
  }

  /** Says goodbye to every client (1001) and resolves when all are gone, at the latest when `signal` aborts. */
  async close(signal: AbortSignal): Promise<void> {
    this.#closing.abort()
    const all = await Promise.allSettled(this.#shown.values())
    this.#shown.clear()
    await Promise.all(
      all.map(async (result) => {
        if (result.status === 'rejected') return
        result.value.idle?.cancel()
        result.value.end()
        await result.value.hub.close(signal)
      }),
    )
  }

  #show(tenant: TenantNumber, gateways: readonly string[]): Promise<Shown> {
    const key = keyOf(tenant, gateways)
    const known = this.#shown.get(key)
    if (known) return known
    const shown = this.#fill(tenant, gateways)
    this.#shown.set(key, shown)
    shown.then(
      (value) => this.#idle(value, key),
      () => this.#shown.delete(key),
    )
    return shown
  }

  async #fill(tenant: TenantNumber, gateways: readonly string[]): Promise<Shown> {
    const { alarms, alertShape, clock, feed, log, readings } = this.#options
    const view = new TenantView(new Set(gateways))
    const openAlarms = new OpenAlarms({ tenant, view, alarms, clock, log })
    // First what comes, then what was: nothing falls between the two.
    const ends = [
      feed.want(tenant),
      feed.subscribe((taken) => {
        if (taken.tenant === tenant && view.take(taken) === 'alarmsInDoubt') openAlarms.doubt()
      }),
      () => openAlarms.end(),
    ]
    const end = (): void => ends.forEach((each) => each())
    try {
      let sensors = 0
      await pages(async (page) => {
        const { items, next } = await readings.latest(tenant, page)
        view.fill(items)
        sensors += items.length
        return sensors < MAX_SENSORS ? next : null
      })
      await openAlarms.read()
    } catch (error) {
      end()
      throw error
    }
    const hub = new LiveHub({
      latest: view.readings,
      alarms: view.alarms,
      model: () => view.model(),
      // Another view has other positions: nobody resumes where another one ended.
      epoch: clock.now(),
      clock,
      log,
      registry: new Registry(),
      maxClients: this.#options.maxClients,
      maxOfAddress: this.#options.maxClients,
      alarmDetails: gatewayOf,
      goodbye: 'Central stops',
    })
    hub.open()
    ends.push(
      feed.onAlert((of, alert) => {
        if (of !== tenant || (alert.gateway !== '' && !view.wants(alert.gateway))) return
        hub.tell({ id: `alert/${alert.id}`, sensor: alert.sensor }, { type: 'alert', alert: alertShape(alert) })
      }),
    )
    return { tenant, view, hub, end, clients: 0, idle: null }
  }

  #leave(shown: Shown, gateways: readonly string[]): void {
    shown.clients -= 1
    this.#idle(shown, keyOf(shown.tenant, gateways))
  }

  #idle(shown: Shown, key: string): void {
    if (shown.clients > 0 || this.#closing.signal.aborted) return
    shown.idle?.cancel()
    shown.idle = this.#options.clock.after(IDLE_MS, () => this.#forget(shown, key))
    this.#left.delete(key)
    this.#left.set(key, shown)
    const [oldest, ...others] = [...this.#left].filter(([, { tenant }]) => tenant === shown.tenant)
    if (others.length >= MAX_IDLE_VIEWS) this.#forget(oldest![1], oldest![0])
  }

  #forget(shown: Shown, key: string): void {
    if (shown.clients > 0) return
    shown.idle?.cancel()
    this.#left.delete(key)
    this.#shown.delete(key)
    shown.end()
    void shown.hub.close(AbortSignal.abort())
  }

  #count(tenant: TenantNumber, by: number): void {
    const count = (this.#clients.get(tenant) ?? 0) + by
    if (count === 0) this.#clients.delete(tenant)
    else this.#clients.set(tenant, count)
  }
}

function keyOf(tenant: TenantNumber, gateways: readonly string[]): string {
  return `${tenant} ${gateways.toSorted().join(',')}`
}

/** Beside what a gateway tells of an alarm: whose it is. */
function gatewayOf(alarm: AlarmShape): { gateway: string } {
  return { gateway: alarm.id.slice(0, alarm.id.indexOf('/')) }
}
