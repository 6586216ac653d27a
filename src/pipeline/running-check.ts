// One check of one sensor as it runs: its detector, its delays, and what the register knows of it.

import type { AlarmRules } from '#alarms/alarm-state.ts'
import type { AlarmBook } from '#alarms/register.ts'
import { ConditionDelay } from '#checks/condition-delay.ts'
import type { Detector } from '#checks/detector.ts'
import { NO_LEVEL, type LevelSet } from '#checks/level-set.ts'
import { createDetector, type SensorCheckSpec } from '#checks/registry.ts'
import type { CheckSpec, ConditionLevel } from '#domain/check.ts'
import type { Sensor, SensorNumber } from '#domain/sensor.ts'
import { memoryKey, type DetectorMemory } from './detector-memory.ts'
import { ExpressionDetector } from './expression-check.ts'
import { bindExpression, type BoundExpression, type SensorsById } from './operands.ts'
import type { SensorTable } from './sensor-table.ts'

export interface RunningCheck {
  readonly id: string
  readonly spec: CheckSpec
  /** The sensor that has the check, and bears its alarms. */
  readonly number: SensorNumber
  /** Sensors whose readings it judges. */
  readonly operands: readonly SensorNumber[]
  readonly detector: Detector
  /** The detector wants the monotonic time, and ticks. */
  readonly isTimed: boolean
  readonly delay: ConditionDelay
  readonly rules: AlarmRules
  /** While it is true the alarms are suppressed. */
  readonly suppressWhen: BoundExpression | undefined
  /** By the last good reading. */
  present: LevelSet
  /** What the register knows. */
  level: ConditionLevel | null
  isSuppressed: boolean
}

export interface StartOptions {
  readonly table: SensorTable
  readonly alarms: AlarmBook
  readonly sensors: SensorsById
  /** What the last run learnt. */
  readonly memory?: DetectorMemory | undefined
}

/** A check in its start state, or in that of the alarm that stands under its id. */
export function startCheck(sensor: Sensor, id: string, spec: CheckSpec, options: StartOptions): RunningCheck {
  const { table } = options
  let detector: Detector
  let operands: readonly SensorNumber[] = [sensor.number]
  if (spec.type === 'expression') {
    const expression = bindExpression(spec.when, sensor.id, options)
    detector = new ExpressionDetector({ table, number: sensor.number, when: spec.when, expression })
    operands = expression?.operands ?? []
  } else {
    detector = startDetector(sensor, id, spec, options.memory)
  }
  const check: RunningCheck = {
    id,
    spec,
    number: sensor.number,
    operands,
    detector,
    isTimed: detector.tick !== undefined,
    delay: new ConditionDelay({ onDelayMs: spec.onDelay ?? 0, offDelayMs: spec.offDelay ?? 0 }),
    rules: { confirm: spec.confirm ?? false, latch: spec.latch ?? false, group: spec.group ?? null },
    suppressWhen: spec.suppressWhen === undefined ? undefined : bindExpression(spec.suppressWhen, sensor.id, options),
    present: NO_LEVEL,
    level: null,
    isSuppressed: options.alarms.isSuppressed(sensor.id, id),
  }
  takeUpAlarm(check, sensor, options.alarms)
  return check
}

function startDetector(
  sensor: Sensor,
  id: string,
  spec: SensorCheckSpec,
  memory: DetectorMemory | undefined,
): Detector {
  const detector = createDetector(spec)
  const learnt = detector.restore && memory?.take(memoryKey(sensor, id, spec))
  if (learnt === undefined || detector.restore!(learnt)) return detector
  return createDetector(spec)
}

function takeUpAlarm(check: RunningCheck, sensor: Sensor, alarms: AlarmBook): void {
  const alarm = alarms.ofCheck(sensor.id, check.id)
  if (!alarm?.active || alarm.checkType !== check.spec.type) return
  const levels = check.detector.resume(alarm.level)
  check.delay.resume(levels)
  check.present = levels
  check.level = levels === NO_LEVEL ? null : alarm.level
}

/**
 * True when a reload may keep the check as it runs: it is the same, and every sensor that it looks at is still there. A
 * number stands for one id and value type for good, so that what an expression is bound to holds on.
 */
export function isKept(check: RunningCheck, spec: CheckSpec, hasNumber: (sensor: SensorNumber) => boolean): boolean {
  if (JSON.stringify(check.spec) !== JSON.stringify(spec)) return false
  const isBound = spec.type !== 'expression' || check.operands.length > 0
  const isSuppressible = spec.suppressWhen === undefined || check.suppressWhen !== undefined
  const operands = [...check.operands, ...(check.suppressWhen?.operands ?? [])]
  return isBound && isSuppressible && operands.every(hasNumber)
}

/** Each check with its id: its type when none is configured, numbered from the second of the same id on. */
export function withIds(specs: readonly CheckSpec[]): { id: string; spec: CheckSpec }[] {
  const taken = new Map<string, number>()
  return specs.map((spec) => {
    const id = spec.id ?? spec.type
    const times = (taken.get(id) ?? 0) + 1
    taken.set(id, times)
    return { id: times === 1 ? id : `${id}-${times}`, spec }
  })
}
