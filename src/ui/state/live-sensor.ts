// One sensor as the page sees it: its latest reading as a signal, so that only the cells that show it change, and its last minutes.

import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import type { Alarm, Latest, Sensor } from '../client/wire.ts'
import { decimalsOf, plottable, sensorDecimals } from '../format/number.ts'
import { sensorCondition, valueCondition, type Condition } from './condition.ts'
import { Series } from './series.ts'

/** Ten minutes at two readings a second. */
const SERIES_CAPACITY = 1200

/** What a sensor's condition depends on beside its readings. */
export interface Surroundings {
  /** The gateway's time in Unix milliseconds, once a second. */
  readonly now: ReadonlySignal<number>
  readonly isConnected: ReadonlySignal<boolean>
  readonly downDevices: ReadonlySignal<ReadonlySet<string>>
  readonly worstAlarms: ReadonlySignal<ReadonlyMap<string, Alarm>>
}

export class LiveSensor {
  readonly sensor: Sensor
  readonly latest: Signal<Latest>
  /** The worst active alarm that is not shelved. */
  readonly alarm: ReadonlySignal<Alarm | null>
  readonly valueCondition: ReadonlySignal<Condition>
  readonly condition: ReadonlySignal<Condition>
  readonly series = new Series(SERIES_CAPACITY)
  /** As many as the values have, at most those that mean something; they only become more: digits must not jump. */
  readonly decimals: Signal<number>
  #longestPauseMs: number | null = null
  #mostDecimals: number
  #pending: Latest | null = null
  /** Since when readings may be missing. */
  #gapFrom: number | null = null

  constructor(sensor: Sensor, surroundings: Surroundings) {
    this.sensor = sensor
    this.latest = signal(noReading(sensor.id))
    this.#mostDecimals = sensor.type === 'number' ? Number.NaN : 0
    this.decimals = signal(0)
    const freshness = (): Parameters<typeof valueCondition>[1] => ({
      isConnected: surroundings.isConnected.value && !surroundings.downDevices.value.has(sensor.device),
      now: surroundings.now.value,
      longestPauseMs: this.#longestPauseMs,
    })
    this.alarm = computed(() => surroundings.worstAlarms.value.get(sensor.id) ?? null)
    this.valueCondition = computed(() => valueCondition(this.latest.value, freshness()))
    this.condition = computed(() => sensorCondition(this.latest.value, this.alarm.value, freshness()))
  }

  /** Longest pause between two valid readings that this page has seen, in milliseconds; 0 before the second. */
  get longestPauseMs(): number {
    return this.#longestPauseMs ?? 0
  }

  /** Takes a reading in; it shows after the next `flush`. An older one than the present is left out. */
  take(reading: Latest, isSnapshot: boolean): void {
    const before = this.#pending ?? this.latest.peek()
    if (reading.receivedAt === null || (before.receivedAt !== null && reading.receivedAt < before.receivedAt)) return
    if (!isSnapshot) this.#measurePause(before, reading)
    const value = plottable(reading.value, this.sensor.type)
    if (reading.receivedAt !== before.receivedAt) this.series.push(reading.receivedAt, value)
    if (!(this.decimals.peek() >= this.#mostDecimals) && Number.isFinite(value)) this.#chooseDecimals(value)
    this.#pending = reading
  }

  /** Shows what was taken in. */
  flush(): void {
    if (this.#pending === null) return
    this.latest.value = this.#pending
    this.#pending = null
  }

  /** Marks that readings may be missing from here on: the sparkline is not drawn through. */
  gap(): void {
    const { receivedAt } = this.#pending ?? this.latest.peek()
    if (receivedAt === null) return
    this.#gapFrom ??= receivedAt + 1
    this.series.push(receivedAt + 1, Number.NaN)
  }

  /** Unix milliseconds since when readings may be missing; null: none are. */
  get gapFrom(): number | null {
    return this.#gapFrom
  }

  /** Puts what came while nobody listened, oldest first, where the gap is; `to`: behind it everything was heard. */
  fillGap(to: number, times: readonly number[], values: readonly number[]): void {
    if (this.#gapFrom === null) return
    this.series.fill(this.#gapFrom, to, times, values)
    this.#gapFrom = null
  }

  #chooseDecimals(value: number): void {
    const has = decimalsOf(value)
    if (has === 0) return
    // The magnitude of the first value with a fraction decides how many mean something.
    if (Number.isNaN(this.#mostDecimals))
      this.#mostDecimals = sensorDecimals(this.sensor.type, this.sensor.limits, value)
    this.decimals.value = Math.max(this.decimals.peek(), Math.min(has, this.#mostDecimals))
  }

  /** An outage is no pause: it would make every later silence look usual. */
  #measurePause(before: Latest, reading: Latest): void {
    if (
      before.receivedAt === null ||
      reading.receivedAt === null ||
      before.quality === 'bad' ||
      reading.quality === 'bad'
    )
      return
    this.#longestPauseMs = Math.max(this.#longestPauseMs ?? 0, reading.receivedAt - before.receivedAt)
  }
}

function noReading(sensor: string): Latest {
  return { sensor, value: null, quality: 'bad', status: 'BadWaitingForInitialData', time: null, receivedAt: null }
}
