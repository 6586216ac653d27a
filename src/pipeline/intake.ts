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
import type { DerivedSensors } from './derived.ts'
import type { LatestFeed } from './latest.ts'
import type { Outlet } from './outlet.ts'
import { scaleInteger, scaleNumber } from '#kit/scale.ts'
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
  /** What is worked out of the readings; null before it is made, as it gives its results to this sink. */
  derived: DerivedSensors | null = null
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
    const { kind: kinds, scale: scales, latest } = this.#table
    const kind = kinds[sensor]
    if (isBad(status)) return this.bad(sensor, status, sourceTime)
    if (kind === Kind.number) {
      const scale = scales[sensor]
      const scaled = scale === undefined ? value : scaleNumber(scale, value)
      if (!Number.isFinite(scaled)) return this.bad(sensor, Status.BadOutOfRange, sourceTime)
      latest.value[sensor] = scaled
      this.#acceptNumber(sensor, status, sourceTime, false)
    } else if (kind === Kind.boolean && (value === 0 || value === 1)) {
      latest.value[sensor] = value
      this.#acceptNumber(sensor, status, sourceTime, true)
    } else {
      const isRange = kind === Kind.boolean && !Number.isFinite(value)
      this.bad(sensor, isRange ? Status.BadOutOfRange : Status.BadTypeMismatch, sourceTime)
    }
  }

  integer(sensor: SensorNumber, value: bigint, status: StatusCode, sourceTime: number): void {
    const { kind: kinds, scale: scales, latest } = this.#table
    const kind = kinds[sensor]
    const scale = scales[sensor]
    if (isBad(status)) return this.bad(sensor, status, sourceTime)
    if (kind === Kind.int64 || kind === Kind.uint64) {
      const isUnsigned = kind === Kind.uint64
      const fits = isUnsigned ? value >= 0n && value <= UINT64_MAX : value >= INT64_MIN && value <= INT64_MAX
      if (!fits) return this.bad(sensor, Status.BadOutOfRange, sourceTime)
      latest.bits[sensor] = value
      this.#acceptInteger(sensor, status, sourceTime)
    } else if (kind === Kind.number && scale !== undefined) {
      // A scaled sensor is a number whatever its registers hold.
      const scaled = scaleInteger(scale, value)
      if (!Number.isFinite(scaled)) return this.bad(sensor, Status.BadOutOfRange, sourceTime)
      latest.value[sensor] = scaled
      this.#acceptNumber(sensor, status, sourceTime, false)
    } else {
      this.bad(sensor, Status.BadTypeMismatch, sourceTime)
    }
  }

  text(sensor: SensorNumber, value: string, status: StatusCode, sourceTime: number): void {
    if (isBad(status)) return this.bad(sensor, status, sourceTime)
    if (this.#table.kind[sensor] !== Kind.string) return this.bad(sensor, Status.BadTypeMismatch, sourceTime)
    // A UTF-16 unit has at most three bytes of UTF-8.
    const kept = value.length * 3 <= MAX_TEXT_BYTES ? value : cutText(value)
    this.#table.latest.text[sensor] = kept
    this.#acceptText(sensor, kept === value ? status : Status.UncertainSensorNotAccurate, sourceTime)
  }

  bad(sensor: SensorNumber, status: StatusCode, sourceTime: number): void {
    if (!this.#isKnown(sensor)) return
    const code = isBad(status) ? status >>> 0 : Status.Bad
    this.#take(sensor, code, sourceTime)
    const { latest } = this.#table
    if (passesByItself(this.#table, sensor, code) && this.#outlet.bad(latest, sensor)) this.#pass(sensor, code)
  }

  // Each of these finds the value in the latest row already.

  #acceptNumber(sensor: SensorNumber, status: StatusCode, sourceTime: number, isBoolean: boolean): void {
    const table = this.#table
    this.#take(sensor, status, sourceTime)
    const isAlarming = isGood(status) && this.#checks.evaluate(sensor)
    const passes = isAlarming || passesByItself(table, sensor, status) || passesByNumber(table, sensor, isBoolean)
    if (passes && this.#outlet.number(table.latest, sensor)) {
      table.passed.value[sensor] = table.latest.value[sensor]!
      this.#pass(sensor, status)
    }
    if (isAlarming) this.#checks.settle(sensor)
  }

  #acceptInteger(sensor: SensorNumber, status: StatusCode, sourceTime: number): void {
    const table = this.#table
    this.#take(sensor, status, sourceTime)
    const isAlarming = isGood(status) && this.#checks.evaluate(sensor)
    const passes = isAlarming || passesByItself(table, sensor, status) || passesByInteger(table, sensor)
    if (passes && this.#outlet.integer(table.latest, sensor)) {
      table.passed.bits[sensor] = table.latest.bits[sensor]!
      this.#pass(sensor, status)
    }
    if (isAlarming) this.#checks.settle(sensor)
  }

  #acceptText(sensor: SensorNumber, status: StatusCode, sourceTime: number): void {
    const { latest, passed } = this.#table
    this.#take(sensor, status, sourceTime)
    // A text has no checks of its own, but expressions may look at it.
    const isAlarming = isGood(status) && this.#checks.evaluate(sensor)
    const passes =
      isAlarming || passesByItself(this.#table, sensor, status) || latest.text[sensor] !== passed.text[sensor]
    if (passes && this.#outlet.text(latest, sensor)) {
      passed.text[sensor] = latest.text[sensor]!
      this.#pass(sensor, status)
    }
    if (isAlarming) this.#checks.settle(sensor)
  }

  /** The reading is the latest one, stamped, counted and announced. */
  #take(sensor: SensorNumber, status: StatusCode, sourceTime: number): void {
    const { latest, counts, countsAt } = this.#table
    const receivedAt = this.#clock.now()
    latest.status[sensor] = status
    latest.sourceTime[sensor] = this.#trusted(sourceTime, receivedAt)
    latest.receivedAt[sensor] = receivedAt
    counts[countsAt[sensor]! + (status >>> 30)]! += 1
    this.#latest.touch(sensor)
    if (this.derived !== null && this.derived.concerns[sensor] === 1) this.derived.onReading(sensor)
  }

  /** The reading is in the journal. */
  #pass(sensor: SensorNumber, status: StatusCode): void {
    const { latest, passed } = this.#table
    passed.status[sensor] = status
    passed.receivedAt[sensor] = latest.receivedAt[sensor]!
  }

  #isKnown(sensor: SensorNumber): boolean {
    const kind = this.#table.kind[sensor]
    if (kind !== undefined && kind !== Kind.absent) return true
    this.#unknownSensor.inc()
    return false
  }

  /**
   * Whole milliseconds, or NO_TIME. The first moment of 1970, and what is before it, is an unset clock; one more than a day ahead is a wrong one:
   * such a time is left out and counted. The value stays as good as it was: it is true as of its receive time, and a
   * wrong clock in a device must not silence its alarms.
   */
  #trusted(sourceTime: number, receivedAt: number): number {
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
