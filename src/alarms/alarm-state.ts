// The alarm state machine, pure: an alarm and what happens to it give the alarm after it. After OPC UA Part 9
// (AlarmConditionType: ActiveState, AckedState, ShelvingState) without branches, and ISA-18.2 where that is silent.
//
//   raise ──▶ active, unacknowledged ──clear──▶ cleared, unacknowledged ──acknowledge──▶ closed
//                  │        ▲                        │ raise again: the same alarm becomes active and unacknowledged
//             acknowledge   └────────────────────────┘
//                  ▼
//             active, acknowledged ──clear──▶ closed         a graver level: unacknowledged again
//
// An occurrence keeps its id from its first raise until it is cleared and acknowledged, so that a chattering sensor has
// one alarm to acknowledge and not hundreds. Shelving lies beside these states: a shelved alarm stays in the register
// when it is closed, and an occurrence that follows inherits the shelving.

import type { Alarm } from '#domain/alarm.ts'
import type { CheckType, ConditionLevel, Finding, Severity } from '#domain/check.ts'
import { TelemetryError } from '#domain/errors.ts'

/** What a check found, in the words of the register. */
export interface Condition {
  /** Full sensor id. */
  readonly sensor: string
  /** The check's id within its sensor. */
  readonly check: string
  readonly checkType: CheckType
  readonly level: ConditionLevel
  readonly severity: Severity
  /** Unix milliseconds, the time of the reading. */
  readonly time: number
  readonly message: string
  readonly finding: Finding
}

/** Longest shelving: an alarm must not be forgotten for good (ISA-18.2 §11.7 asks for a limit). */
export const MAX_SHELVING_MS = 7 * 86_400_000

/** True while the register keeps it: it is active, unacknowledged or shelved. */
export function isOpen(alarm: Alarm): boolean {
  return alarm.active || !alarm.acknowledged || alarm.shelvedUntil !== null
}

/** A new occurrence, or the one before again while it has not been acknowledged. `previous` must not be active. */
export function raise(previous: Alarm | undefined, newId: string, condition: Condition): Alarm {
  const isSame = previous !== undefined && !previous.acknowledged
  const { time, ...rest } = condition
  return {
    ...rest,
    id: isSame ? previous.id : newId,
    active: true,
    acknowledged: false,
    shelvedUntil: previous?.shelvedUntil ?? null,
    raisedAt: time,
    clearedAt: null,
    acknowledgedAt: null,
    acknowledgedBy: null,
  }
}

/** Another level of an active alarm. Unless it is the milder limit of the same side, the operator must look again. */
export function changeLevel(alarm: Alarm, condition: Condition): Alarm {
  const isMilder =
    (alarm.level === 'highHigh' && condition.level === 'high') ||
    (alarm.level === 'lowLow' && condition.level === 'low')
  const { level, severity, message, finding } = condition
  const changed = { ...alarm, level, severity, message, finding }
  return isMilder ? changed : { ...changed, acknowledged: false, acknowledgedAt: null, acknowledgedBy: null }
}

/** `time`: Unix milliseconds. The message and finding stay those of the alarm. */
export function clear(alarm: Alarm, time: number): Alarm {
  return { ...alarm, active: false, clearedAt: time }
}

/** Throws CONFLICT when it is acknowledged already. */
export function acknowledge(alarm: Alarm, time: number, by: string): Alarm {
  if (alarm.acknowledged) {
    throw new TelemetryError('CONFLICT', `Alarm ${alarm.id} is already acknowledged`, { context: { alarm: alarm.id } })
  }
  return { ...alarm, acknowledged: true, acknowledgedAt: time, acknowledgedBy: by }
}

/** Shelves until `until`; a shelved one gets the new end. Throws OUT_OF_RANGE unless now < until ≤ now + MAX_SHELVING_MS. */
export function shelve(alarm: Alarm, now: number, until: number): Alarm {
  if (!(until > now && until <= now + MAX_SHELVING_MS)) {
    throw new TelemetryError('OUT_OF_RANGE', 'An alarm can be shelved for at most 7 days from now', {
      context: { alarm: alarm.id, until, maxMs: MAX_SHELVING_MS },
    })
  }
  return { ...alarm, shelvedUntil: Math.trunc(until) }
}

/** Throws CONFLICT when it is not shelved. */
export function unshelve(alarm: Alarm): Alarm {
  if (alarm.shelvedUntil === null) {
    throw new TelemetryError('CONFLICT', `Alarm ${alarm.id} is not shelved`, { context: { alarm: alarm.id } })
  }
  return { ...alarm, shelvedUntil: null }
}
