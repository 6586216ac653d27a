// What no schema can say about a sensor: values that contradict each other or make no sense for its type. Rules read the
// nodes and not the decoded sensor, so that they speak up whatever else is wrong with it.

import type { ValueType } from '#domain/value.ts'
import { elementsOf, nodeAt, textAt, type Path } from './config-node.ts'
import { complain, refuse, writtenAt, type Subject } from './subject.ts'
import { durationAt, numberAt } from './value-at.ts'

const MIN_POLL_MS = 10
const MAX_POLL_MS = 86_400_000
const MIN_VALID_MS = 100
const MAX_VALID_MS = 15_000

/** Rules that need no driver. */
export function checkSensorRules(subject: Subject): void {
  checkPoll(subject)
  checkWriteLimits(subject)
  if (numberAt(subject.node, ['scale', 'factor']) === 0) {
    refuse(subject, ['scale', 'factor'], 'must not be 0, or every reading would be the same')
  }
  const names = new Map<string, number>()
  for (const [index, check] of elementsOf(nodeAt(subject.node, ['checks'])).entries()) {
    checkName(names, index, subject)
    const type = textAt(check, ['type'])
    if (type === 'threshold') checkThreshold(['checks', index], subject)
    if (type === 'rate') checkRate(['checks', index], subject)
    if ((type === 'flatline' || type === 'stale') && durationAt(check, ['for']) === 0) {
      refuse(subject, ['checks', index, 'for'], 'must be longer than 0')
    }
  }
}

/** Rules about the type of the raw value, which only the driver knows. */
export function checkTypeRules(valueType: ValueType, subject: Subject): void {
  const has = (key: string): boolean => nodeAt(subject.node, [key]) !== undefined
  if (valueType === 'boolean' && has('scale'))
    complain(subject, ['scale'], 'a value that is true or false cannot be scaled')
  if (valueType === 'boolean' || valueType === 'string') {
    for (const limit of ['min', 'max'])
      if (nodeAt(subject.node, ['writeLimits', limit]) !== undefined)
        complain(subject, ['writeLimits', limit], 'only a number has limits')
  }
  if (valueType !== 'string') return
  if (has('scale')) complain(subject, ['scale'], 'a text cannot be scaled')
  if (has('deadband')) complain(subject, ['deadband'], 'a text has no deadband')
  if (elementsOf(nodeAt(subject.node, ['checks'])).length > 0) complain(subject, ['checks'], 'a text cannot be checked')
}

/** Reports a poll interval, of a device or a sensor, outside of what the scheduler can do. */
export function checkPoll(subject: Subject): void {
  const pollMs = durationAt(subject.node, ['poll'])
  if (pollMs !== undefined && (pollMs < MIN_POLL_MS || pollMs > MAX_POLL_MS))
    refuse(subject, ['poll'], 'must be from 10ms to 1d')
}

function checkWriteLimits(subject: Subject): void {
  if (nodeAt(subject.node, ['writeLimits']) === undefined) return
  const writable = nodeAt(subject.node, ['writable'])
  if (
    writable === undefined ||
    (writable.kind === 'scalar' && (writable.value === false || writable.value === 'false'))
  )
    complain(subject, ['writeLimits'], 'has no effect: the sensor is not writable (writable: true)')
  const [min, max] = [numberAt(subject.node, ['writeLimits', 'min']), numberAt(subject.node, ['writeLimits', 'max'])]
  if (min !== undefined && max !== undefined && min > max)
    refuse(subject, ['writeLimits', 'max'], `must not be less than min (${writtenAt(subject, ['writeLimits', 'min'])})`)
  const validMs = durationAt(subject.node, ['writeLimits', 'validFor'])
  if (validMs !== undefined && (validMs < MIN_VALID_MS || validMs > MAX_VALID_MS))
    refuse(subject, ['writeLimits', 'validFor'], 'must be from 100ms to 15s')
}

/** An alarm is known by its sensor and its check's id: two checks of one name would be one alarm. */
function checkName(names: Map<string, number>, index: number, subject: Subject): void {
  const isNamed = nodeAt(subject.node, ['checks', index, 'id']) !== undefined
  const at: Path = ['checks', index, isNamed ? 'id' : 'type']
  const name = textAt(subject.node, at)
  if (name === undefined) return
  const first = names.get(name)
  if (first === undefined) names.set(name, index)
  else {
    const words = `the check checks[${first}] is named "${writtenAt(subject, at)}" too`
    complain(subject, at, isNamed ? words : `${words}, after its type; give one of them an id`)
  }
}

const DAY_MS = 86_400_000

function checkRate(path: Path, subject: Subject): void {
  const has = (key: string): boolean => nodeAt(subject.node, [...path, key]) !== undefined
  if (!has('low') && !has('high')) complain(subject, path, 'a rate needs at least one of low, high')
  const [low, high] = [numberAt(subject.node, [...path, 'low']), numberAt(subject.node, [...path, 'high'])]
  if (low !== undefined && high !== undefined && low >= high) {
    refuse(subject, [...path, 'high'], `must be greater than low (${writtenAt(subject, [...path, 'low'])})`)
  }
  const overMs = durationAt(subject.node, [...path, 'over'])
  if (overMs !== undefined && (overMs < 1 || overMs > DAY_MS))
    refuse(subject, [...path, 'over'], 'must be from 1ms to 1d')
}

const LIMITS = ['lowLow', 'low', 'high', 'highHigh'] as const

function checkThreshold(path: Path, subject: Subject): void {
  const present = LIMITS.filter((limit) => nodeAt(subject.node, [...path, limit]) !== undefined)
  if (present.length === 0) complain(subject, path, 'a threshold needs at least one of lowLow, low, high, highHigh')
  const given = present.map((name) => ({ name, value: numberAt(subject.node, [...path, name]) ?? Number.NaN }))
  for (const [index, { name, value }] of given.entries()) {
    const below = given[index - 1]
    if (below === undefined || !(value <= below.value)) continue
    refuse(
      subject,
      [...path, name],
      `must be greater than ${below.name} (${writtenAt(subject, [...path, below.name])})`,
    )
    return
  }
  const floor = given.findLast(({ name }) => name === 'lowLow' || name === 'low')
  const ceiling = given.find(({ name }) => name === 'high' || name === 'highHigh')
  if (!floor || !ceiling) return
  for (const { name } of [floor, ceiling]) {
    const own = `${name}Hysteresis`
    const key = nodeAt(subject.node, [...path, own]) === undefined ? 'hysteresis' : own
    const hysteresis = numberAt(subject.node, [...path, key])
    if (hysteresis === undefined || !(hysteresis >= ceiling.value - floor.value)) continue
    const rule = `must be smaller than the distance from ${floor.name} to ${ceiling.name}, or no alarm would ever clear`
    refuse(subject, [...path, key], rule)
    return
  }
}
