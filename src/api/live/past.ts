// What has changed in the feed since a position, so that a client that was away for a while gets that and nothing else. Positions
// count changes within one run of the gateway; `EPOCH-COUNT` is their name outside.

import type { Alarm } from '#domain/alarm.ts'
import { NumberSet } from './number-set.ts'

/** Most changes of alarms remembered; who missed more begins anew. */
export const MAX_PAST_ALARMS = 1000

export interface Missed {
  /** Sensors whose latest value has changed. */
  readonly sensors: NumberSet
  /** Alarms that have changed, as they are now; those that left the register too. */
  readonly alarms: readonly Alarm[]
}

export class LivePast {
  readonly #epoch: number
  #position = 0
  /** Position of the last change by sensor number. */
  #changedAt = new Float64Array(0)
  /** The newest last, each alarm once. */
  readonly #alarms = new Map<string, { readonly position: number; readonly alarm: Alarm }>()
  /** Before this position it is not known what has changed. */
  #knownFrom = 0

  constructor(epoch: number) {
    this.#epoch = epoch
  }

  get position(): number {
    return this.#position
  }

  name(position: number): string {
    return `${this.#epoch}-${position}`
  }

  readings(changed: Uint32Array, count: number): void {
    this.#position += 1
    for (let index = 0; index < count; index++) {
      const sensor = changed[index]!
      if (sensor >= this.#changedAt.length) this.#grow(sensor + 1)
      this.#changedAt[sensor] = this.#position
    }
  }

  alarm(alarm: Alarm): void {
    this.#position += 1
    this.#alarms.delete(alarm.id)
    this.#alarms.set(alarm.id, { position: this.#position, alarm })
    if (this.#alarms.size <= MAX_PAST_ALARMS) return
    const [id, oldest] = this.#alarms.entries().next().value!
    this.#alarms.delete(id)
    this.#knownFrom = oldest.position
  }

  /** The model has changed: whoever was away knows other sensors. */
  forget(): void {
    this.#position += 1
    this.#knownFrom = this.#position
  }

  /** Of the sensors `wanted`; null when it is not known: another run, a time too long ago, another model. */
  since(name: string, wanted: NumberSet): Missed | null {
    const [epoch, count] = name.split('-').map(Number) as [number, number]
    if (epoch !== this.#epoch || count < this.#knownFrom || count > this.#position) return null
    const sensors = new NumberSet(wanted.size)
    for (let index = 0; index < wanted.count; index++) {
      const sensor = wanted.at(index)
      if ((this.#changedAt[sensor] ?? 0) > count) sensors.add(sensor)
    }
    const alarms = [...this.#alarms.values()].filter(({ position }) => position > count).map(({ alarm }) => alarm)
    return { sensors, alarms }
  }

  #grow(size: number): void {
    const grown = new Float64Array(Math.max(size, this.#changedAt.length * 2))
    grown.set(this.#changedAt)
    this.#changedAt = grown
  }
}
