// Runs the checks of all sensors: good readings through detectors and delays into the register of alarms. A reading of
// lesser quality neither trains, raises nor clears. A delay also ends without a new reading, at the next tick, as long as
// the sensor's latest reading is good.

import type { AlarmBook } from '#alarms/register.ts'
import { ConditionDelay } from '#checks/condition-delay.ts'
import type { Detector, LearningProgress } from '#checks/detector.ts'
import { defaultSeverity, mostSevereLevel, NO_LEVEL, UNDECIDED, type LevelSet } from '#checks/level-set.ts'
import { createDetector } from '#checks/registry.ts'
import { formatNumber } from '#checks/format-number.ts'
import type { CheckSpec, ConditionLevel } from '#domain/check.ts'
import { isGood } from '#domain/quality.ts'
import type { Sensor, SensorNumber } from '#domain/sensor.ts'
import type { Clock } from '#kit/clock.ts'
import { integerOf, Kind, type SensorTable } from './sensor-table.ts'

/** What one check of a sensor is doing. */
export interface CheckStatus {
  readonly id: string
  readonly type: CheckSpec['type']
  /** null once it judges. */
  readonly learning: LearningProgress | null
  /** Level of its active alarm; null when there is none. */
  readonly level: ConditionLevel | null
  /** True while an onDelay or offDelay runs. */
  readonly isPending: boolean
}

interface RunningCheck {
  readonly id: string
  readonly spec: CheckSpec
  readonly number: SensorNumber
  readonly detector: Detector
  readonly delay: ConditionDelay
  /** By the last good reading. */
  present: LevelSet
  /** What the register knows. */
  level: ConditionLevel | null
}

export interface CheckRunnerOptions {
  readonly clock: Clock
  readonly table: SensorTable
  readonly alarms: AlarmBook
}

export class CheckRunner {
  readonly #options: CheckRunnerOptions
  #checks: (RunningCheck[] | undefined)[] = []
  /** Checks with a delay that runs. */
  readonly #pending = new Set<RunningCheck>()
  /** Checks whose level the reading under way has changed. */
  #changed: RunningCheck[] = []

  constructor(options: CheckRunnerOptions) {
    this.#options = options
  }

  /** Delays are running: `tick` has something to do. */
  get needsTick(): boolean {
    return this.#pending.size > 0
  }

  /**
   * Takes the latest reading of a sensor, which is good, from the table. True when it changes an alarm: then `settle`
   * follows, once the reading is in the journal.
   */
  evaluate(sensor: SensorNumber): boolean {
    const checks = this.#checks[sensor]
    if (checks === undefined) return false
    const { table } = this.#options
    const kind = table.kind[sensor]
    const value =
      kind === Kind.int64 || kind === Kind.uint64
        ? Number(integerOf(table, table.latest, sensor))
        : table.latest.value[sensor]!
    for (let at = 0; at < checks.length; at++) {
      const check = checks[at]!
      const present = check.detector.evaluate(value, table.latest.receivedAt[sensor]!)
      if (present === UNDECIDED) continue
      check.present = present
      if (!check.delay.isSettled(present)) this.#step(check)
    }
    return this.#changed.length > 0
  }

  /** Reports what `evaluate` found, with the time of the reading. */
  settle(): void {
    const changed = this.#changed
    this.#changed = []
    for (const check of changed) this.#report(check, this.#options.table.latest.timeOf(check.number))
  }

  /** Ends delays that have run out. */
  tick(): void {
    const { table, clock } = this.#options
    for (const check of this.#pending) {
      if (isGood(table.latest.status[check.number]!)) this.#step(check)
    }
    const changed = this.#changed
    this.#changed = []
    for (const check of changed) this.#report(check, clock.now())
  }

  /** State of each check of a sensor, in the order of its configuration. */
  statusOf(sensor: SensorNumber): readonly CheckStatus[] {
    return (this.#checks[sensor] ?? []).map(({ id, spec, detector, delay, level }) => ({
      id,
      type: spec.type,
      learning: detector.learning(),
      level,
      isPending: delay.pending !== NO_LEVEL,
    }))
  }

  /**
   * Takes up the sensors of a model. Checks that are as before keep their state; a new or changed one takes up the alarm
   * that stands under its id. Alarms that no check can clear any more are cleared.
   */
  replace(sensors: readonly Sensor[]): void {
    const before = new Map<string, RunningCheck>()
    for (const checks of this.#checks)
      for (const check of checks ?? []) before.set(keyOf(check.number, check.id), check)
    this.#checks = Array.from<RunningCheck[] | undefined>({ length: this.#options.table.size })
    this.#pending.clear()
    const served = new Set<string>()
    for (const sensor of sensors) {
      if (sensor.valueType === 'string' || sensor.checks.length === 0) continue
      const checks = withIds(sensor.checks).map(({ id, spec }) => {
        const known = before.get(keyOf(sensor.number, id))
        const check = known && isSame(known.spec, spec) ? known : this.#start(sensor, id, spec)
        if (check.delay.pending !== NO_LEVEL) this.#pending.add(check)
        if (check.level !== null) served.add(`${sensor.id}/${id}`)
        return check
      })
      this.#checks[sensor.number] = checks
    }
    this.#clearUnserved(served, new Set(sensors.map(({ id }) => id)))
  }

  #start(sensor: Sensor, id: string, spec: CheckSpec): RunningCheck {
    const detector = createDetector(spec)
    const delay = new ConditionDelay({ onDelayMs: spec.onDelay ?? 0, offDelayMs: spec.offDelay ?? 0 })
    const check: RunningCheck = {
      id,
      spec,
      number: sensor.number,
      detector,
      delay,
      present: NO_LEVEL,
      level: null,
    }
    const alarm = this.#options.alarms.ofCheck(sensor.id, id)
    if (alarm?.active && alarm.checkType === spec.type) {
      const levels = detector.resume(alarm.level)
      delay.resume(levels)
      check.present = levels
      check.level = levels === NO_LEVEL ? null : alarm.level
    }
    return check
  }

  #clearUnserved(served: ReadonlySet<string>, sensors: ReadonlySet<string>): void {
    const { alarms, clock } = this.#options
    for (const { sensor, check, active } of alarms.list()) {
      if (!active || served.has(`${sensor}/${check}`)) continue
      const reason = sensors.has(sensor) ? 'The check is no longer configured so' : 'The sensor is no longer configured'
      alarms.clear(sensor, check, clock.now(), reason)
    }
  }

  #step(check: RunningCheck): void {
    const levels = check.delay.step(check.present, this.#options.clock.monotonic())
    if (check.delay.pending === NO_LEVEL) this.#pending.delete(check)
    else this.#pending.add(check)
    if (mostSevereLevel(levels, check.present) !== check.level) this.#changed.push(check)
  }

  #report(check: RunningCheck, time: number): void {
    const { table, alarms } = this.#options
    const sensor = table.sensorAt(check.number)!
    const level = mostSevereLevel(check.delay.levels, check.present)
    check.level = level
    if (level === null) {
      alarms.clear(sensor.id, check.id, time)
      return
    }
    const { finding, phrase } = check.detector.explain(level)
    const unit = sensor.unit === '' ? '' : ` ${sensor.unit}`
    const name = sensor.description === '' ? sensor.id : sensor.description
    alarms.report({
      sensor: sensor.id,
      check: check.id,
      checkType: check.spec.type,
      level,
      severity: check.spec.severity ?? defaultSeverity(level),
      time,
      message: `${name} ${formatNumber(finding.value)}${unit} ${phrase}`,
      finding,
    })
  }
}

/** Each check with its id: its type when none is configured, numbered from the second of the same id on. */
function withIds(specs: readonly CheckSpec[]): { id: string; spec: CheckSpec }[] {
  const taken = new Map<string, number>()
  return specs.map((spec) => {
    const id = spec.id ?? spec.type
    const times = (taken.get(id) ?? 0) + 1
    taken.set(id, times)
    return { id: times === 1 ? id : `${id}-${times}`, spec }
  })
}

function isSame(a: CheckSpec, b: CheckSpec): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function keyOf(sensor: SensorNumber, check: string): string {
  return `${sensor}/${check}`
}
