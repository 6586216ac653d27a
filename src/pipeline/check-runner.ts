// Runs the checks of all sensors: good readings through detectors and delays into the register of alarms. A reading of
// lesser quality neither trains, raises nor clears. What time alone brings about (the end of a delay, silence) comes at the
// next tick, as long as the latest reading of each sensor concerned is good; silence, always.

import type { QuietCheck } from '#alarms/alarm-state.ts'
import type { AlarmBook } from '#alarms/register.ts'
import { defaultSeverity, firstLevel, mostSevereLevel, NO_LEVEL, UNDECIDED } from '#checks/level-set.ts'
import { QuantityText } from '#checks/quantity-text.ts'
import { TelemetryError } from '#domain/errors.ts'
import { isGood } from '#domain/quality.ts'
import type { Sensor, SensorNumber } from '#domain/sensor.ts'
import type { CheckStatus } from '#domain/views.ts'
import type { Clock } from '#kit/clock.ts'
import { memoryKey, type DetectorMemory, type LearntState } from './detector-memory.ts'
import { isKept, startCheck, withIds, type RunningCheck } from './running-check.ts'
import { integerOf, Kind, type SensorTable } from './sensor-table.ts'

export interface CheckRunnerOptions {
  readonly clock: Clock
  readonly table: SensorTable
  readonly alarms: AlarmBook
  /** What the last run learnt. */
  readonly memory?: DetectorMemory | undefined
}

export class CheckRunner {
  readonly #options: CheckRunnerOptions
  /** By sensor: the checks that its readings concern. */
  #checks: (RunningCheck[] | undefined)[] = []
  /** By sensor: the checks that it has. */
  #owned: (RunningCheck[] | undefined)[] = []
  /** By sensor: the checks whose suppression its readings decide. */
  #suppressible: (RunningCheck[] | undefined)[] = []
  #timed: RunningCheck[] = []
  /** Checks with a delay that runs. */
  readonly #pending = new Set<RunningCheck>()
  /** Checks whose level the reading under way has changed, and whose suppression. */
  #changed: RunningCheck[] = []
  #suppressionChanged: RunningCheck[] = []

  constructor(options: CheckRunnerOptions) {
    this.#options = options
  }

  /** Delays are running, or checks wait for time to pass: `tick` has something to do. */
  get needsTick(): boolean {
    return this.#pending.size > 0 || this.#timed.length > 0
  }

  /**
   * Takes the latest reading of a sensor, which is good, from the table. True when it changes an alarm: then `settle`
   * follows, once the reading is in the journal.
   */
  evaluate(sensor: SensorNumber): boolean {
    const suppressible = this.#suppressible[sensor]
    if (suppressible !== undefined) this.#judgeSuppression(suppressible)
    const checks = this.#checks[sensor]
    if (checks === undefined) return this.#suppressionChanged.length > 0
    const { table, clock } = this.#options
    const kind = table.kind[sensor]
    const value =
      kind === Kind.int64 || kind === Kind.uint64
        ? Number(integerOf(table, table.latest, sensor))
        : table.latest.value[sensor]!
    const time = table.latest.timeOf(sensor)
    for (let at = 0; at < checks.length; at++) {
      const check = checks[at]!
      const present = check.detector.evaluate(value, time, check.isTimed ? clock.monotonic() : 0)
      if (present === UNDECIDED) continue
      check.present = present
      if (!check.delay.isSettled(present)) this.#step(check)
    }
    return this.#changed.length > 0 || this.#suppressionChanged.length > 0
  }

  /** Reports what `evaluate` found at this sensor, with the time of its reading. */
  settle(sensor: SensorNumber): void {
    this.#settle(this.#options.table.latest.timeOf(sensor))
  }

  /** Ends delays that have run out, and asks the detectors for what time has brought about. */
  tick(): void {
    const { clock } = this.#options
    if (this.#timed.length > 0) {
      const nowMs = clock.monotonic()
      for (const check of this.#timed) {
        if (!this.#isCurrent(check)) continue
        check.present = check.detector.tick!(nowMs)
        if (!check.delay.isSettled(check.present)) this.#step(check)
      }
    }
    for (const check of this.#pending) if (this.#isCurrent(check)) this.#step(check)
    this.#settle(clock.now())
  }

  /** The checks that a sensor has, as they run. */
  checksOf(sensor: SensorNumber): readonly RunningCheck[] {
    return this.#owned[sensor] ?? []
  }

  /** What the checks have learnt so far, each as it is when it is asked for. */
  *learnt(): Generator<LearntState> {
    for (const checks of this.#owned) {
      for (const { number, id, spec, detector } of checks ?? []) {
        const sensor = this.#options.table.sensorAt(number)
        const numbers = detector.save?.()
        if (sensor && numbers) yield { key: memoryKey(sensor, id, spec), numbers }
      }
    }
  }

  /** State of each check of a sensor, in the order of its configuration. */
  statusOf(sensor: SensorNumber): readonly CheckStatus[] {
    const { table, alarms } = this.#options
    return (this.#owned[sensor] ?? []).map(({ id, spec, detector, delay, level }) => ({
      id,
      type: spec.type,
      learning: detector.learning(),
      level,
      isPending: delay.pending !== NO_LEVEL,
      isOutOfService: alarms.ofCheck(table.sensorAt(sensor)!.id, id)?.outOfService === true,
    }))
  }

  /** A check in the words of the register. Throws NOT_FOUND when the sensor has none of that id. */
  quietCheck(sensor: SensorNumber, id: string): QuietCheck {
    const check = this.checksOf(sensor).find((one) => one.id === id)
    const owner = this.#options.table.sensorAt(sensor)
    if (!check || !owner) {
      throw new TelemetryError('NOT_FOUND', `There is no check ${id} at this sensor`, { context: { check: id } })
    }
    const level = firstLevel(check.spec)
    const message = `${subjectOf(owner, null)}: the check ${id} is out of service`
    const { severity = defaultSeverity(level) } = check.spec
    return { sensor: owner.id, check: id, checkType: check.spec.type, level, severity, message }
  }

  /**
   * Takes up the sensors of a model. Checks that are as before keep their state; a new or changed one takes up the alarm
   * that stands under its id. Alarms that no check can clear any more are cleared.
   */
  replace(sensors: readonly Sensor[]): void {
    const { table, alarms, memory } = this.#options
    const before = new Map<string, RunningCheck>()
    for (const checks of this.#owned) for (const check of checks ?? []) before.set(keyOf(check.number, check.id), check)
    this.#checks = emptyRows(table.size)
    this.#owned = emptyRows(table.size)
    this.#suppressible = emptyRows(table.size)
    this.#timed = []
    this.#pending.clear()
    const served = new Set<string>()
    const suppressible = new Set<string>()
    const configured = new Set<string>()
    const byId = new Map(sensors.map((sensor) => [sensor.id, sensor]))
    for (const sensor of sensors) {
      if (sensor.valueType === 'string') continue
      for (const { id, spec } of withIds(sensor.checks)) {
        const known = before.get(keyOf(sensor.number, id))
        const check =
          known && isKept(known, spec, (number) => table.sensorAt(number) !== undefined)
            ? known
            : startCheck(sensor, id, spec, { table, alarms, sensors: byId, memory })
        this.#enrol(check)
        configured.add(`${sensor.id}/${id}`)
        if (check.level !== null) served.add(`${sensor.id}/${id}`)
        if (check.suppressWhen !== undefined) suppressible.add(`${sensor.id}/${id}`)
      }
    }
    this.#clearUnserved(served, suppressible, byId)
    for (const { sensor, check, checkType, outOfService } of alarms.list()) {
      if (!outOfService || checkType === 'system' || configured.has(`${sensor}/${check}`)) continue
      alarms.releaseFromService(sensor, check, 'The check is no longer configured')
    }
  }

  #enrol(check: RunningCheck): void {
    addTo(this.#owned, check.number, check)
    for (const operand of check.operands) addTo(this.#checks, operand, check)
    for (const operand of check.suppressWhen?.operands ?? []) addTo(this.#suppressible, operand, check)
    if (check.isTimed) this.#timed.push(check)
    if (check.delay.pending !== NO_LEVEL) this.#pending.add(check)
  }

  #clearUnserved(
    served: ReadonlySet<string>,
    suppressible: ReadonlySet<string>,
    sensors: ReadonlyMap<string, Sensor>,
  ): void {
    const { alarms, clock } = this.#options
    for (const { sensor, check, checkType, active, suppressed } of alarms.list()) {
      if (checkType === 'system') continue // the gateway's own, not of a check
      const key = `${sensor}/${check}`
      if (suppressed && !suppressible.has(key)) {
        alarms.setSuppressed(sensor, check, false, 'The suppression is no longer configured')
      }
      if (!active || served.has(key)) continue
      const reason = sensors.has(sensor) ? 'The check is no longer configured so' : 'The sensor is no longer configured'
      alarms.clear(sensor, check, clock.now(), reason)
    }
  }

  /** Whether the readings behind a check are good now, so that time may count for it. */
  #isCurrent(check: RunningCheck): boolean {
    if (check.detector.isAboutSilence) return true
    const { latest } = this.#options.table
    for (const operand of check.operands) {
      if (!isGood(latest.status[operand]!) || Number.isNaN(latest.receivedAt[operand]!)) return false
    }
    return true
  }

  #judgeSuppression(checks: readonly RunningCheck[]): void {
    for (const check of checks) {
      const condition = check.suppressWhen!
      const result = condition.isSound ? condition.evaluate() : undefined
      if (typeof result !== 'boolean' || result === check.isSuppressed) continue
      check.isSuppressed = result
      this.#suppressionChanged.push(check)
    }
  }

  #step(check: RunningCheck): void {
    const levels = check.delay.step(check.present, this.#options.clock.monotonic())
    if (check.delay.pending === NO_LEVEL) this.#pending.delete(check)
    else this.#pending.add(check)
    if (mostSevereLevel(levels, check.present) !== check.level) this.#changed.push(check)
  }

  #settle(time: number): void {
    const { table, alarms } = this.#options
    const suppressionChanged = this.#suppressionChanged
    const changed = this.#changed
    if (suppressionChanged.length > 0) this.#suppressionChanged = []
    if (changed.length > 0) this.#changed = []
    for (const { number, id, spec, isSuppressed } of suppressionChanged) {
      const words = `${spec.suppressWhen} is ${isSuppressed ? 'true' : 'no longer true'}`
      alarms.setSuppressed(table.sensorAt(number)!.id, id, isSuppressed, words)
    }
    for (const check of changed) this.#report(check, time)
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
    const text = new QuantityText({ unit: sensor.unit, resolution: sensor.deadband?.absolute ?? null })
    const { finding, value, phrase } = check.detector.explain(level, text)
    alarms.report({
      sensor: sensor.id,
      check: check.id,
      checkType: check.spec.type,
      level,
      severity: check.spec.severity ?? defaultSeverity(level),
      time,
      message: `${subjectOf(sensor, value)} ${phrase}`,
      finding,
      rules: check.rules,
    })
  }
}

/** `Oil temperature 76.2 °C`, or the name alone. */
function subjectOf(sensor: Sensor, value: string | null): string {
  const name = sensor.description === '' ? sensor.id : sensor.description
  return value === null ? name : `${name} ${value}`
}

function emptyRows(size: number): (RunningCheck[] | undefined)[] {
  return Array.from<RunningCheck[] | undefined>({ length: size })
}

function addTo(rows: (RunningCheck[] | undefined)[], row: number, check: RunningCheck): void {
  const checks = rows[row]
  if (checks === undefined) rows[row] = [check]
  else checks.push(check)
}

function keyOf(sensor: SensorNumber, check: string): string {
  return `${sensor}/${check}`
}
