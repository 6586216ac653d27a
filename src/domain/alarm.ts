// Alarms: states and transitions after OPC UA Part 9 (AlarmConditionType). What is kept here is the vocabulary;
// the state machine stands in src/alarms.

import type { CheckType, ConditionLevel, Finding, Severity } from './check.ts'

/** What happened to an alarm. Each transition is one journal entry. */
export type AlarmChange = 'raised' | 'level' | 'cleared' | 'acknowledged' | 'shelved' | 'unshelved'

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
