// What no schema can say about a sensor: values that contradict each other or make no sense for its type.

import type { CheckSpec } from '#domain/check.ts'
import type { ValueType } from '#domain/value.ts'
import { complain, refuse, writtenAt, type Subject } from './context.ts'
import type { Path } from './config-node.ts'

export const MIN_POLL_MS = 10
export const MAX_POLL_MS = 86_400_000

/** The common keys of a sensor, as far as rules look at them. */
export interface RuledSensor {
  readonly poll?: number | undefined
  readonly scale?: { readonly factor: number } | undefined
  readonly deadband?: object | undefined
  readonly checks: readonly CheckSpec[]
}

/** Reports every rule that the sensor breaks. `valueType`: before scaling. */
export function checkSensorRules(sensor: RuledSensor, valueType: ValueType, subject: Subject): void {
  if (sensor.poll !== undefined) checkPoll(sensor.poll, subject)
  if (sensor.scale) {
    if (valueType === 'string' || valueType === 'boolean')
      complain(subject, ['scale'], `${typeWords(valueType)} cannot be scaled`)
    if (sensor.scale.factor === 0)
      refuse(subject, ['scale', 'factor'], 'must not be 0: every reading would be the same')
  }
  if (valueType === 'string') {
    if (sensor.deadband) complain(subject, ['deadband'], 'a text has no deadband')
    if (sensor.checks.length > 0) complain(subject, ['checks'], 'a text cannot be checked')
  }
  for (const [index, check] of sensor.checks.entries()) {
    checkName(sensor.checks, index, subject)
    if (check.type === 'threshold') checkThreshold(check, ['checks', index], subject)
  }
}

/** Reports a poll interval outside of what the scheduler can do. */
export function checkPoll(pollMs: number, subject: Subject): void {
  if (pollMs < MIN_POLL_MS || pollMs > MAX_POLL_MS) refuse(subject, ['poll'], 'must be from 10ms to 1d')
}

function typeWords(valueType: 'string' | 'boolean'): string {
  return valueType === 'string' ? 'a text' : 'a true-or-false value'
}

/** An alarm is known by its sensor and its check's id: two checks of one name would be one alarm. */
function checkName(checks: readonly CheckSpec[], index: number, subject: Subject): void {
  const name = nameOf(checks[index])
  const first = checks.findIndex((check) => nameOf(check) === name)
  if (first === index) return
  const isNamed = checks[index]?.id !== undefined
  const where: Path = ['checks', index, ...(isNamed ? ['id'] : [])]
  const shown = isNamed ? writtenAt(subject, where) : (checks[index]?.type ?? '')
  complain(subject, where, `checks[${first}] is named "${shown}" too${isNamed ? '' : '; give one of them an id'}`)
}

function nameOf(check: CheckSpec | undefined): string | undefined {
  return check?.id ?? check?.type
}

const LIMITS = ['lowLow', 'low', 'high', 'highHigh'] as const

function checkThreshold(check: CheckSpec & { type: 'threshold' }, path: Path, subject: Subject): void {
  const given = LIMITS.filter((limit) => check[limit] !== undefined)
  if (given.length === 0) complain(subject, path, 'a threshold needs at least one of lowLow, low, high, highHigh')
  for (const [index, limit] of given.entries()) {
    const below = given[index - 1]
    if (below === undefined || check[limit]! > check[below]!) continue
    refuse(subject, [...path, limit], `must be greater than ${below} (${writtenAt(subject, [...path, below])})`)
    return
  }
  const floor = check.low ?? check.lowLow
  const ceiling = check.high ?? check.highHigh
  if (floor === undefined || ceiling === undefined || (check.hysteresis ?? 0) < ceiling - floor) return
  const band = `${check.low === undefined ? 'lowLow' : 'low'} and ${check.high === undefined ? 'highHigh' : 'high'}`
  refuse(
    subject,
    [...path, 'hysteresis'],
    `must be smaller than the distance between ${band}: no alarm would ever clear`,
  )
}
