// Where raw readings come in: type check, scale, latest value, checks, deadband, ring. Synchronous, never throws, and free
// of allocation for numbers and booleans (64-bit integers and texts are objects before they get here).
//
// Order for one reading: the latest value is set first, then the checks run, then it goes into the journal, before the
// alarm that it raised. A reading that changes an alarm passes the deadband. When the ring is full the reading is counted
// as dropped, but it still is the latest value and its alarms still come: safety does not wait for the disk.

import { isBad, isGood, Status, type StatusCode } from '#domain/quality.ts'
import { NO_TIME, type ReadingSink } from '#domain/reading.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import { MAX_TEXT_BYTES } from '#domain/value.ts'
import type { Clock } from '#kit/clock.ts'
import { dropCounter, type DropCounter } from '#kit/dropped.ts'
import type { Registry } from '#kit/metrics.ts'
import type { CheckRunner } from './check-runner.ts'
import { passesByInteger, passesByItself, passesByNumber } from './deadband.ts'
import type { LatestFeed } from './latest.ts'
import type { Outlet } from './outlet.ts'
import { scaleInteger, scaleNumber } from './scale.ts'
import { Kind, type SensorTable } from './sensor-table.ts'

export interface IntakeOptions {
  readonly clock: Clock
  readonly registry: Registry
  readonly table: SensorTable
  readonly latest: LatestFeed
  readonly checks: CheckRunner
  readonly outlet: Outlet
}

/** A source further ahead of the gateway than this has a wrong clock, or the gateway has. */
const MAX_AHEAD_MS = 86_400_000

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n
const UINT64_MAX = 2n ** 64n - 1n

const encoder = new TextEncoder()

export class Intake implements ReadingSink {
  readonly #clock: Clock
  readonly #table: SensorTable
  readonly #latest: LatestFeed
  readonly #checks: CheckRunner
  readonly #outlet: Outlet
  /** Readings for a sensor number that the model does not have, for example just after a reload. */
  readonly #unknownSensor: DropCounter
  /** Source times that could not be true. */
  rejectedTimes = 0

  constructor({ clock, registry, table, latest, checks, outlet }: IntakeOptions) {
    this.#clock = clock
    this.#table = table
    this.#latest = latest
    this.#checks = checks
    this.#outlet = outlet
    this.#unknownSensor = dropCounter(registry, 'pipeline', 'unknown-sensor')
  }

  number(sensor: SensorNumber, value: number, status: StatusCode, sourceTime: number): void {
    const kind = this.#table.kind[sensor]
    if (isBad(status)) return this.bad(sensor, status, sourceTime)
    if (kind === Kind.number) {
      const scale = this.#table.scale[sensor]
      const scaled = scale === undefined ? value : scaleNumber(scale, value)
      if (Number.isFinite(scaled)) this.#acceptNumber(sensor, scaled, status, sourceTime, false)
      else this.bad(sensor, Status.BadOutOfRange, sourceTime)
    } else if (kind === Kind.boolean && (value === 0 || value === 1)) {
      this.#acceptNumber(sensor, value, status, sourceTime, true)
    } else {
      const isRange = kind === Kind.boolean && !Number.isFinite(value)
      this.bad(sensor, isRange ? Status.BadOutOfRange : Status.BadTypeMismatch, sourceTime)
    }
  }

  integer(sensor: SensorNumber, value: bigint, status: StatusCode, sourceTime: number): void {
    const kind = this.#table.kind[sensor]
    const scale = this.#table.scale[sensor]
    if (isBad(status)) return this.bad(sensor, status, sourceTime)
    if (kind === Kind.int64 || kind === Kind.uint64) {
      const isUnsigned = kind === Kind.uint64
      const fits = isUnsigned ? value >= 0n && value <= UINT64_MAX : value >= INT64_MIN && value <= INT64_MAX
      if (fits) this.#acceptInteger(sensor, value, status, sourceTime, isUnsigned)
      else this.bad(sensor, Status.BadOutOfRange, sourceTime)
    } else if (kind === Kind.number && scale !== undefined) {
      // A scaled sensor is a number whatever its registers hold.
      const scaled = scaleInteger(scale, value)
      if (Number.isFinite(scaled)) this.#acceptNumber(sensor, scaled, status, sourceTime, false)
      else this.bad(sensor, Status.BadOutOfRange, sourceTime)
    } else {
      this.bad(sensor, Status.BadTypeMismatch, sourceTime)
    }
  }

  text(sensor: SensorNumber, value: string, status: StatusCode, sourceTime: number): void {
    if (isBad(status)) return this.bad(sensor, status, sourceTime)
    if (this.#table.kind[sensor] !== Kind.string) return this.bad(sensor, Status.BadTypeMismatch, sourceTime)
    // A UTF-16 unit has at most three bytes of UTF-8.
    if (value.length * 3 <= MAX_TEXT_BYTES) return this.#acceptText(sensor, value, status, sourceTime)
    const kept = cutText(value)
    this.#acceptText(sensor, kept, kept === value ? status : Status.UncertainSensorNotAccurate, sourceTime)
  }

  bad(sensor: SensorNumber, status: StatusCode, sourceTime: number): void {
    if (!this.#isKnown(sensor)) return
    const code = isBad(status) ? status >>> 0 : Status.Bad
    const receivedAt = this.#clock.now()
    const time = this.#sourceTime(sourceTime, receivedAt)
    this.#take(sensor, code, time, receivedAt)
    if (!passesByItself(this.#table, sensor, code, receivedAt)) return
    if (this.#outlet.number(sensor, code, time, receivedAt, 0)) this.#pass(sensor, code, receivedAt)
  }

  #acceptNumber(sensor: SensorNumber, value: number, status: StatusCode, sourceTime: number, isBoolean: boolean): void {
    const table = this.#table
    const receivedAt = this.#clock.now()
    const time = this.#sourceTime(sourceTime, receivedAt)
    table.latest.value[sensor] = value
    this.#take(sensor, status, time, receivedAt)
    const isAlarming = isGood(status) && this.#checks.evaluate(sensor, value, receivedAt)
    const passes =
      isAlarming || passesByItself(table, sensor, status, receivedAt) || passesByNumber(table, sensor, value, isBoolean)
    if (passes && this.#outlet.number(sensor, status, time, receivedAt, value)) {
      table.passed.value[sensor] = value
      this.#pass(sensor, status, receivedAt)
    }
    if (isAlarming) this.#checks.settle(Number.isNaN(time) ? receivedAt : time)
  }

  #acceptInteger(
    sensor: SensorNumber,
    value: bigint,
    status: StatusCode,
    sourceTime: number,
    isUnsigned: boolean,
  ): void {
    const table = this.#table
    const receivedAt = this.#clock.now()
    const time = this.#sourceTime(sourceTime, receivedAt)
    table.latest.bits[sensor] = value
    this.#take(sensor, status, time, receivedAt)
    const isAlarming = isGood(status) && this.#checks.evaluate(sensor, Number(value), receivedAt)
    const passes =
      isAlarming ||
      passesByItself(table, sensor, status, receivedAt) ||
      passesByInteger(table, sensor, value, isUnsigned)
    if (passes && this.#outlet.integer(sensor, status, time, receivedAt, value)) {
      table.passed.bits[sensor] = value
      this.#pass(sensor, status, receivedAt)
    }
    if (isAlarming) this.#checks.settle(Number.isNaN(time) ? receivedAt : time)
  }

  #acceptText(sensor: SensorNumber, value: string, status: StatusCode, sourceTime: number): void {
    const table = this.#table
    const receivedAt = this.#clock.now()
    const time = this.#sourceTime(sourceTime, receivedAt)
    table.latest.text[sensor] = value
    this.#take(sensor, status, time, receivedAt)
    const passes = passesByItself(table, sensor, status, receivedAt) || value !== table.passed.text[sensor]
    if (passes && this.#outlet.text(sensor, status, time, receivedAt, value)) {
      table.passed.text[sensor] = value
      this.#pass(sensor, status, receivedAt)
    }
  }

  /** The reading is the latest one, counted and announced. */
  #take(sensor: SensorNumber, status: StatusCode, time: number, receivedAt: number): void {
    const { latest, counts, countsAt } = this.#table
    latest.status[sensor] = status
    latest.sourceTime[sensor] = time
    latest.receivedAt[sensor] = receivedAt
    counts[countsAt[sensor]! + (status >>> 30)]! += 1
    this.#latest.touch(sensor)
  }

  /** The reading is in the journal. */
  #pass(sensor: SensorNumber, status: StatusCode, receivedAt: number): void {
    const { passed } = this.#table
    passed.status[sensor] = status
    passed.receivedAt[sensor] = receivedAt
  }

  #isKnown(sensor: SensorNumber): boolean {
    const kind = this.#table.kind[sensor]
    if (kind !== undefined && kind !== Kind.absent) return true
    this.#unknownSensor.inc()
    return false
  }

  /**
   * Whole milliseconds, or NO_TIME. A time of 1970 or before is an unset clock; one more than a day ahead is a wrong one:
   * such a time is left out and counted. The value stays as good as it was: it is true as of its receive time, and a
   * wrong clock in a device must not silence its alarms.
   */
  #sourceTime(sourceTime: number, receivedAt: number): number {
    if (sourceTime > 0 && sourceTime - receivedAt <= MAX_AHEAD_MS) return Math.trunc(sourceTime)
    if (!Number.isNaN(sourceTime)) this.rejectedTimes += 1
    return NO_TIME
  }
}

/** At most MAX_TEXT_BYTES of UTF-8, cut between characters. */
function cutText(text: string): string {
  const { read } = encoder.encodeInto(text, new Uint8Array(MAX_TEXT_BYTES))
  return text.slice(0, read)
}
