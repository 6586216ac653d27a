// Everything that the page knows of the gateway, as signals: written by the feed, read by the pages.

import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import type { LiveState } from '../client/live-socket.ts'
import {
  type Alarm,
  type Device,
  type Gateway,
  type Machine,
  type Session,
  type Severity,
  type Uplink,
} from '../client/wire.ts'
import {
  compareAlarms,
  deviceCondition,
  isOver,
  isShelved,
  isShown,
  isSilent,
  wasNeverRaised,
  worst,
  worstAlarmBySensor,
  type Condition,
} from './condition.ts'
import type { LiveSensor, Surroundings } from './live-sensor.ts'

export interface MachineView {
  readonly machine: Machine
  readonly sensors: readonly LiveSensor[]
  readonly devices: readonly string[]
  readonly condition: ReadonlySignal<Condition>
}

/** What is loaded so far: nothing, the whole, or the reason why not. */
export type Loading =
  | { readonly state: 'loading' | 'ready' }
  /** `unreadable`: the gateway answers, but not as this page expects. */
  | { readonly state: 'failed' | 'unreadable'; readonly message: string }

const ENDED_KEPT = 50

export class Plant implements Surroundings {
  readonly loading: Signal<Loading> = signal({ state: 'loading' })
  readonly session: Signal<Session | null> = signal(null)
  readonly gateway: Signal<Gateway | null> = signal(null)
  readonly devices: Signal<readonly Device[]> = signal([])
  readonly uplinks: Signal<readonly Uplink[]> = signal([])
  readonly machines: Signal<readonly MachineView[]> = signal([])
  readonly sensors: Signal<ReadonlyMap<string, LiveSensor>> = signal(new Map<string, LiveSensor>())
  /** Active, unacknowledged or shelved, by id. */
  readonly alarms: Signal<ReadonlyMap<string, Alarm>> = signal(new Map<string, Alarm>())
  /** Alarms that ended while this page was open, newest first. */
  readonly ended: Signal<readonly Alarm[]> = signal([])
  readonly live: Signal<LiveState> = signal('connecting')
  /** How often the connection came back: what lay between can be asked for. */
  readonly comebacks = signal(0)
  /** False when the last request for the state had no answer. */
  readonly isAnswering = signal(true)
  /** The gateway's time in Unix milliseconds, once a second. */
  readonly now: Signal<number>
  /** The gateway's clock minus this computer's, in milliseconds. */
  readonly clockOffsetMs = signal(0)
  /** Spoken by screen readers: the newest alarm or change of connection. */
  readonly announcement = signal('')

  readonly isConnected = computed(() => this.live.value === 'live' && this.isAnswering.value)
  readonly downDevices = computed(
    () => new Set(this.devices.value.filter((device) => device.state !== 'up').map((device) => device.id)),
  )
  readonly worstAlarms: ReadonlySignal<ReadonlyMap<string, Alarm>>
  /** What stands out: active or unacknowledged, not shelved; in the order in which to look. */
  readonly openAlarms: ReadonlySignal<readonly Alarm[]>
  readonly shelvedAlarms: ReadonlySignal<readonly Alarm[]>
  /** Suppressed, or of a check that is out of service. */
  readonly silentAlarms: ReadonlySignal<readonly Alarm[]>
  /** Active, unshelved alarms of each priority. */
  readonly activeCounts: ReadonlySignal<Readonly<Record<Severity, number>>>
  /** Changes when a shelf runs out: alarms need no look at the clock each second. */
  readonly #expiredShelves: ReadonlySignal<string>

  constructor(now: number) {
    this.now = signal(now)
    this.#expiredShelves = computed(() => {
      const time = this.now.value
      return [...this.alarms.value.values()]
        .filter((alarm) => isShelved(alarm, time))
        .map((alarm) => alarm.id)
        .join()
    })
    this.worstAlarms = computed(() => worstAlarmBySensor(this.alarms.value.values(), this.#shelfTime()))
    this.openAlarms = computed(() => this.#sorted(isShown))
    this.shelvedAlarms = computed(() => this.#sorted((alarm, time) => isShelved(alarm, time) && !isSilent(alarm)))
    this.silentAlarms = computed(() => this.#sorted(isSilent))
    this.activeCounts = computed(() => {
      const counts: Record<Severity, number> = { urgent: 0, high: 0, medium: 0, low: 0 }
      for (const alarm of this.openAlarms.value) if (alarm.active) counts[alarm.severity] += 1
      return counts
    })
  }

  /** Takes an alarm's new state in; one that is over moves to `ended`. */
  putAlarm(alarm: Alarm): void {
    const alarms = new Map(this.alarms.peek())
    if (isOver(alarm)) alarms.delete(alarm.id)
    else alarms.set(alarm.id, alarm)
    this.alarms.value = alarms
    if (isOver(alarm) && !wasNeverRaised(alarm))
      this.ended.value = [alarm, ...this.ended.peek().filter((other) => other.id !== alarm.id)].slice(0, ENDED_KEPT)
  }

  putDevice(device: Device): void {
    this.devices.value = this.devices.peek().map((other) => (other.id === device.id ? device : other))
  }

  setModel(machines: readonly Machine[], sensors: readonly LiveSensor[]): void {
    this.sensors.value = new Map(sensors.map((live) => [live.sensor.id, live]))
    // The place of a machine never depends on its state: people know it by heart. Line 2 stands before Line 10.
    const order = new Intl.Collator('en', { numeric: true })
    const sorted = [...sensors].sort((a, b) => order.compare(a.sensor.id, b.sensor.id))
    this.machines.value = [...machines]
      .sort((a, b) => order.compare(a.name, b.name))
      .map((machine) => this.#machineView(machine, sorted))
  }

  sensor(id: string): LiveSensor | undefined {
    return this.sensors.value.get(id)
  }

  machine(id: string): MachineView | undefined {
    return this.machines.value.find((view) => view.machine.id === id)
  }

  /** May the present user do what needs this role? */
  may(role: 'operator' | 'engineer' | 'admin'): boolean {
    const session = this.session.value
    if (session === null || session.auth === 'none') return true
    const rank = { viewer: 0, operator: 1, engineer: 2, admin: 3 }
    return session.user !== null && rank[session.user.role] >= rank[role]
  }

  #machineView(machine: Machine, all: readonly LiveSensor[]): MachineView {
    const sensors = all.filter((live) => live.sensor.machine === machine.id)
    const devices = [...new Set(sensors.map((live) => live.sensor.device))]
    const condition = computed(() => {
      const states = this.devices.value
        .filter((device) => devices.includes(device.id))
        .map((device) => deviceCondition(device.state))
      return worst([...states, ...sensors.map((live) => live.condition.value)])
    })
    return { machine, sensors, devices, condition }
  }

  #sorted(keep: (alarm: Alarm, time: number) => boolean): readonly Alarm[] {
    const time = this.#shelfTime()
    return [...this.alarms.value.values()].filter((alarm) => keep(alarm, time)).sort(compareAlarms)
  }

  #shelfTime(): number {
    void this.#expiredShelves.value
    return this.now.peek()
  }
}
