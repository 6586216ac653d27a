// How a sensor and a machine stand, worst first: one rule for every page, so that a colour means the same everywhere. Pure.

import { SEVERITIES, type Alarm, type DeviceState, type Latest, type Severity } from '../client/wire.ts'

/** From the worst to the best; `alarm-…` is an active alarm of that priority. */
export const CONDITIONS = [
  'alarm-urgent',
  'alarm-high',
  'bad',
  'alarm-medium',
  'alarm-low',
  'stale',
  'uncertain',
  'waiting',
  'normal',
] as const
export type Condition = (typeof CONDITIONS)[number]

export function worst(conditions: Iterable<Condition>): Condition {
  let rank: number = CONDITIONS.length - 1
  for (const condition of conditions) rank = Math.min(rank, CONDITIONS.indexOf(condition))
  return CONDITIONS[rank]!
}

/** Worse conditions are smaller. */
export function conditionRank(condition: Condition): number {
  return CONDITIONS.indexOf(condition)
}

export interface Freshness {
  /** The page is connected and the device that feeds the sensor is up. */
  readonly isConnected: boolean
  /** The gateway's present time in Unix milliseconds. */
  readonly now: number
  /** Longest pause between two readings that was seen from this sensor; null while unknown. */
  readonly longestPauseMs: number | null
}

const LEAST_STALE_MS = 15_000
const PAUSES_UNTIL_STALE = 3

/**
 * A value is stale when nothing can be arriving, or when nothing has for three times the longest pause seen so far (at least
 * 15 s): sensors with a deadband are silent for long by intention, and the API does not tell their interval.
 */
export function isStale(latest: Latest, freshness: Freshness): boolean {
  if (latest.receivedAt === null) return false
  if (!freshness.isConnected) return true
  if (freshness.longestPauseMs === null) return false
  return freshness.now - latest.receivedAt > Math.max(LEAST_STALE_MS, freshness.longestPauseMs * PAUSES_UNTIL_STALE)
}

/** `alarm`: the worst active alarm of the sensor that is not shelved. */
export function sensorCondition(latest: Latest, alarm: Alarm | null, freshness: Freshness): Condition {
  const value = valueCondition(latest, freshness)
  return alarm === null ? value : worst([`alarm-${alarm.severity}`, value])
}

/** Condition of the value alone, without its alarms. */
export function valueCondition(latest: Latest, freshness: Freshness): Condition {
  if (latest.receivedAt === null) return 'waiting'
  if (latest.quality === 'bad') return 'bad'
  if (isStale(latest, freshness)) return 'stale'
  return latest.quality === 'uncertain' ? 'uncertain' : 'normal'
}

export function deviceCondition(state: DeviceState): Condition {
  return state === 'up' ? 'normal' : state === 'connecting' ? 'waiting' : 'bad'
}

export function isShelved(alarm: Alarm, now: number): boolean {
  return alarm.shelvedUntil !== null && alarm.shelvedUntil > now
}

/** Kept, but not for operators to act on: its check is suppressed or out of service. */
export function isSilent(alarm: Alarm): boolean {
  return alarm.suppressed || alarm.outOfService
}

/** It stands among what operators look at: neither shelved nor silent. */
export function isShown(alarm: Alarm, now: number): boolean {
  return !isShelved(alarm, now) && !isSilent(alarm)
}

/** Nothing is left to do: the gateway's register forgets it then. */
export function isOver(alarm: Alarm): boolean {
  return (
    !alarm.active &&
    alarm.acknowledged &&
    alarm.confirmed !== false &&
    !alarm.latched &&
    alarm.shelvedUntil === null &&
    !alarm.outOfService
  )
}

/** It stands for a check that was taken out of service while it had no alarm. */
export function wasNeverRaised(alarm: Alarm): boolean {
  return !alarm.active && alarm.clearedAt === alarm.raisedAt
}

export function severityRank(severity: Severity): number {
  return SEVERITIES.indexOf(severity)
}

/** By priority, then the newest first: the order in which an operator should look. */
export function compareAlarms(a: Alarm, b: Alarm): number {
  return severityRank(a.severity) - severityRank(b.severity) || b.raisedAt - a.raisedAt
}

/** The worst active, unshelved alarm of each sensor. */
export function worstAlarmBySensor(alarms: Iterable<Alarm>, now: number): ReadonlyMap<string, Alarm> {
  const worstOf = new Map<string, Alarm>()
  for (const alarm of alarms) {
    if (!alarm.active || !isShown(alarm, now)) continue
    const known = worstOf.get(alarm.sensor)
    if (known === undefined || compareAlarms(alarm, known) < 0) worstOf.set(alarm.sensor, alarm)
  }
  return worstOf
}
