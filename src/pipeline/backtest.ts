// What the checks of a sensor would have raised over readings of the past: the same detectors, delays and alarms as in the
// running gateway, on a clock that goes by the readings' times. Other sensors that its expressions name are given likewise;
// one of which nothing is given leaves them undecided.

import { AlarmBook } from '#alarms/register.ts'
import { NO_LEVEL, UNDECIDED } from '#checks/level-set.ts'
import type { Alarm } from '#domain/alarm.ts'
import type { Log } from '#domain/driver.ts'
import { isGood, Status, type StatusCode } from '#domain/quality.ts'
import type { Model, Sensor } from '#domain/sensor.ts'
import type { Value } from '#domain/value.ts'
import type { CheckTrial } from '#domain/views.ts'
import type { Clock } from '#kit/clock.ts'
import { CheckRunner } from './check-runner.ts'
import { Kind, SensorTable } from './sensor-table.ts'

export interface BacktestOptions {
  /** With the checks to be tried. */
  readonly sensor: Sensor
  /** Sensors that expressions may name. */
  readonly others: readonly Sensor[]
  readonly log: Log
  /** Called with each alarm as it was raised, and again when it has cleared. */
  readonly onAlarm: (alarm: Alarm) => void
}

/** What the checks said of one reading. */
export interface BacktestVerdict {
  /** The highest score of the checks in [0, 1]: 1/2 at a limit, 0 while learning and for a reading that is not good. */
  readonly score: number
  /** True while an alarm of one of the checks is active. */
  readonly alarm: boolean
}

/** Time as the readings tell it; the monotonic one stands still where theirs goes back. */
class ReadingClock implements Clock {
  #wall = 0
  #monotonic = 0

  now(): number {
    return this.#wall
  }

  monotonic(): number {
    return this.#monotonic
  }

  after(): { cancel(): void } {
    return { cancel: () => undefined }
  }

  moveTo(time: number): void {
    if (this.#wall !== 0) this.#monotonic += Math.max(0, time - this.#wall)
    this.#wall = time
  }
}

/** Delays and silences between two readings are looked for at most this often, and at the second reading. */
const STEPS_BETWEEN = 16
const STEP_MS = 250

export class Backtest implements CheckTrial {
  readonly #clock = new ReadingClock()
  readonly #table = new SensorTable()
  readonly #alarms: AlarmBook
  readonly #runner: CheckRunner
  readonly #sensor: Sensor
  /** Other sensors that the checks look at. */
  readonly #others: ReadonlyMap<string, Sensor>
  #time = Number.NaN

  constructor({ sensor, others, log, onAlarm }: BacktestOptions) {
    // Without checks of their own: their alarms are not what is asked for.
    const quiet = others.filter(({ number }) => number !== sensor.number).map((other) => ({ ...other, checks: [] }))
    const sensors = [sensor, ...quiet]
    this.#sensor = sensor
    this.#alarms = new AlarmBook({
      epoch: 0,
      now: () => this.#clock.now(),
      journal: ({ change, alarm }) => {
        if (change === 'raised' || change === 'cleared') onAlarm(alarm)
      },
      log,
      openAlarms: [],
    })
    this.#runner = new CheckRunner({ clock: this.#clock, table: this.#table, alarms: this.#alarms })
    this.#table.replace(modelOf(sensors))
    this.#runner.replace(sensors)
    const operands = new Set(
      this.#runner
        .checksOf(sensor.number)
        .flatMap(({ operands: own, suppressWhen }) => [...own, ...(suppressWhen?.operands ?? [])]),
    )
    this.#others = new Map(quiet.filter(({ number }) => operands.has(number)).map((other) => [other.id, other]))
  }

  get operands(): readonly string[] {
    return [...this.#others.keys()]
  }

  prime(sensor: string, value: Value | null, status: StatusCode = Status.Good): void {
    const other = this.#others.get(sensor)
    if (other) this.#set(other, value, this.#clock.now(), status)
  }

  observe(sensor: string, value: Value | null, time: number, status: StatusCode = Status.Good): boolean {
    const other = this.#others.get(sensor)
    if (other) {
      this.#passTime(time)
      const isJudged = this.#set(other, value, time, status) && this.#runner.evaluate(other.number)
      if (isJudged) this.#runner.settle(other.number)
      this.#settleClosed()
    }
    return this.isActive
  }

  /** Takes the next reading. `time`: Unix milliseconds. A value that is not finite is a bad reading. */
  take(value: number, time: number, status: StatusCode = Status.Good): BacktestVerdict {
    this.#passTime(time)
    const { number } = this.#sensor
    let score = 0
    if (this.#set(this.#sensor, Number.isFinite(value) ? value : null, time, status)) {
      const checks = this.#runner.checksOf(number)
      for (const { detector } of checks) score = Math.max(score, detector.scoreOf?.(value) ?? 0)
      if (this.#runner.evaluate(number)) this.#runner.settle(number)
      for (const { detector, present } of checks) {
        if (detector.score !== undefined) score = Math.max(score, detector.score)
        else if (!detector.scoreOf && present !== NO_LEVEL && present !== UNDECIDED) score = 1
      }
    }
    this.#settleClosed()
    return { score: Math.min(1, Math.max(0, score)), alarm: this.isActive }
  }

  /** An alarm of one of the checks is active. */
  get isActive(): boolean {
    return this.#alarms.list().some(({ active }) => active)
  }

  /** Puts a reading into the table; true when it is a good one. null, and what is of another type, is bad. */
  #set(sensor: Sensor, value: Value | null, time: number, status: StatusCode): boolean {
    const { latest, kind } = this.#table
    const { number } = sensor
    const isText = kind[number] === Kind.string
    const isUsable = isText ? typeof value === 'string' : typeof value !== 'string' && Number.isFinite(Number(value))
    const code = value !== null && isUsable ? status : Status.BadOutOfRange
    latest.status[number] = code
    latest.sourceTime[number] = Number.NaN
    latest.receivedAt[number] = time
    if (!isGood(code)) return false
    if (typeof value === 'string') latest.text[number] = value
    else if (kind[number] === Kind.int64 || kind[number] === Kind.uint64) {
      latest.bits[number] = typeof value === 'bigint' ? value : BigInt(Math.trunc(Number(value)))
    } else latest.value[number] = Number(value)
    return true
  }

  #passTime(time: number): void {
    const since = this.#time
    this.#time = time
    if (time > since && this.#runner.needsTick) {
      const stepMs = Math.max(STEP_MS, (time - since) / STEPS_BETWEEN)
      for (let at = since + stepMs; at < time; at += stepMs) {
        this.#clock.moveTo(Math.round(at))
        this.#runner.tick()
      }
    }
    this.#clock.moveTo(time)
    if (this.#runner.needsTick) this.#runner.tick()
  }

  /** An alarm that is over is done with at once, so that the next one is another. */
  #settleClosed(): void {
    for (const alarm of this.#alarms.list()) {
      if (alarm.active) continue
      if (!alarm.acknowledged) this.#alarms.acknowledge(alarm.id, 'backtest', null)
      if (this.#alarms.get(alarm.id)?.confirmed === false) this.#alarms.confirm(alarm.id, 'backtest', null)
      if (this.#alarms.get(alarm.id)?.latched) this.#alarms.reset(alarm.id, 'backtest', null)
    }
  }
}

function modelOf(sensors: readonly Sensor[]): Model {
  const byId = new Map(sensors.map((sensor) => [sensor.id, sensor]))
  const byNumber = new Map(sensors.map((sensor) => [sensor.number, sensor]))
  return {
    gateway: 'backtest',
    factories: [],
    machines: [],
    sensors,
    sensor: (id) => byId.get(id),
    sensorAt: (number) => byNumber.get(number),
  }
}
