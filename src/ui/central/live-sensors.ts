// Sensors of several gateways as the gateway's own parts show them: fed by questions every few seconds instead of a connection.

import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import type { Alarm, Latest } from '../client/wire.ts'
import { worstAlarmBySensor } from '../state/condition.ts'
import { LiveSensor, type Surroundings } from '../state/live-sensor.ts'
import type { CentralSensor } from './model-api.ts'

export class LiveSensors {
  /** Open alarms of what is shown. */
  readonly alarms: Signal<readonly Alarm[]> = signal([])
  /** Gateways that central has not heard for a while: what they said last is stale. */
  readonly silent: Signal<ReadonlySet<string>> = signal(new Set<string>())
  /** False while central does not answer. */
  readonly isAnswering = signal(true)
  readonly #now: ReadonlySignal<number>
  readonly #worst = computed(() => worstAlarmBySensor(this.alarms.value, this.#now.peek()))
  readonly #around = new Map<string, Surroundings>()
  readonly #known = new Map<string, LiveSensor>()

  constructor(now: ReadonlySignal<number>) {
    this.#now = now
  }

  /** The same one for as long as nothing of the sensor has changed. */
  of(sensor: CentralSensor): LiveSensor {
    const before = this.#known.get(sensor.id)
    if (before !== undefined && JSON.stringify(before.sensor) === JSON.stringify(sensor)) return before
    const live = new LiveSensor(sensor, this.#surroundings(sensor.gateway))
    if (before !== undefined) live.take(before.latest.peek(), true)
    live.flush()
    this.#known.set(sensor.id, live)
    return live
  }

  /** What is not known is left out. */
  take(readings: readonly Latest[]): void {
    for (const reading of readings) {
      const live = this.#known.get(reading.sensor)
      live?.take(reading, live.latest.peek().receivedAt === null)
      live?.flush()
    }
  }

  #surroundings(gateway: string): Surroundings {
    const known = this.#around.get(gateway)
    if (known !== undefined) return known
    const made: Surroundings = {
      now: this.#now,
      isConnected: computed(() => this.isAnswering.value && !this.silent.value.has(gateway)),
      downDevices: signal(new Set<string>()),
      worstAlarms: this.#worst,
    }
    this.#around.set(gateway, made)
    return made
  }
}
