// Alarms: states and transitions after OPC UA Part 9 (AlarmConditionType). What is kept here is the vocabulary;
// the state machine stands in src/alarms.

import type { CheckType, ConditionLevel, Finding, Severity } from './check.ts'

/** What happened to an alarm. Each transition is one journal entry. */
export type AlarmChange =
  | 'raised'
  | 'level'
  | 'cleared'
  | 'acknowledged'
  | 'confirmed'
  | 'reset'
  | 'commented'
  | 'shelved'
  | 'unshelved'
  | 'suppressed'
  | 'unsuppressed'
  | 'outOfService'
  | 'inService'

/** What an operator wrote at an alarm. */
export interface AlarmComment {
  readonly text: string
  readonly by: string
  /** Unix milliseconds. */
  readonly time: number
}

export interface Alarm {
  /** Unique within the gateway, for one occurrence (raise to clear): `epoch-n`. */
  readonly id: string
  /** Full sensor id. */
  readonly sensor: string
  /** The check's id within its sensor. */
  readonly check: string
  readonly checkType: CheckType
  readonly level: ConditionLevel
  readonly severity: Severity
  readonly active: boolean
  readonly acknowledged: boolean
  /** Unix milliseconds until which it is shelved; null: not shelved. */
  readonly shelvedUntil: number | null
  /** Unix milliseconds, the time of the reading that raised it. */
  readonly raisedAt: number
  readonly clearedAt: number | null
  readonly acknowledgedAt: number | null
  readonly acknowledgedBy: string | null
  /** For people: what is wrong, with value, limit and unit. */
  readonly message: string
  readonly finding: Finding
  /** Present when the check asks for a confirmation: false until it is given. */
  readonly confirmed?: boolean
  readonly confirmedAt?: number | null
  readonly confirmedBy?: string | null
  /** Present when the check latches: true until it is reset. */
  readonly latched?: boolean
  /** How it is shelved; present while it is. A one-shot shelving also ends when the alarm clears. */
  readonly shelving?: 'timed' | 'oneShot'
  /** True while the check's `suppressWhen` holds: kept, not shown to operators. */
  readonly suppressed?: boolean
  /** True while an operator has taken the check out of service. */
  readonly outOfService?: boolean
  /** Unix milliseconds at which it returns to service by itself; absent: when somebody returns it. */
  readonly outOfServiceUntil?: number
  /** True for no occurrence at all: it stands for a check that was taken out of service while it had no alarm. */
  readonly neverRaised?: boolean
  /** Group in which the first alarm to come is marked. */
  readonly group?: string
  /** True for the alarm that was raised while none of its group was active. */
  readonly firstOut?: boolean
  readonly lastComment?: AlarmComment
}

/** Nothing is left for an operator to do, as far as this occurrence goes. */
export function isDone(alarm: Alarm): boolean {
  return alarm.acknowledged && alarm.confirmed !== false && alarm.latched !== true
}

/** True when operators are not to be bothered with it. Shelving is not among this: a shelved alarm is acknowledged later. */
export function isSilent(alarm: Pick<Alarm, 'suppressed' | 'outOfService'>): boolean {
  return alarm.suppressed === true || alarm.outOfService === true
}

/** True when operators see it: neither shelved, suppressed nor out of service. */
export function isShown(alarm: Alarm): boolean {
  return !isSilent(alarm) && alarm.shelvedUntil === null
}

/** True while the register keeps it: its last transition is given back at the next start. */
export function isOpen(alarm: Alarm): boolean {
  return alarm.active || !isDone(alarm) || alarm.shelvedUntil !== null || alarm.outOfService === true
}

/** Journal entry of an alarm's change: the alarm as it is after it. */
export interface AlarmEntry {
  readonly kind: 'alarm'
  readonly change: AlarmChange
  /** Unix milliseconds. */
  readonly time: number
  /** Who did it; null when the gateway itself. */
  readonly by: string | null
  readonly comment: string | null
  readonly alarm: Alarm
}

export type EventSeverity = 'debug' | 'info' | 'warning' | 'error'

/** Journal entry of something that happened: a start, a gap, a clock step, a full ring, an application's message. */
export interface EventEntry {
  readonly kind: 'event'
  /** Stable word for programs: `gateway-started`, `store-quarantined`, `ring-blocked`, … */
  readonly type: string
  readonly severity: EventSeverity
  /** Unix milliseconds. */
  readonly time: number
  readonly message: string
  /** `gateway`, or the device's id. */
  readonly source: string
  readonly data?: Readonly<Record<string, unknown>>
}

export type Entry = AlarmEntry | EventEntry
