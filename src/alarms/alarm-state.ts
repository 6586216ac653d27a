// The alarm state machine, pure: an alarm and what happens to it give the alarm after it. After OPC UA Part 9
// (AlarmConditionType: Active-, Acked-, Confirmed-, Latched-, Shelving-, Suppressed-, OutOfServiceState) without branches,
// and ISA-18.2 where that is silent.
//
//   raise ──▶ active, unacknowledged ──clear──▶ cleared, unacknowledged ──acknowledge──▶ closed
//                  │        ▲                        │ raise again: the same alarm becomes active and unacknowledged
//             acknowledge   └────────────────────────┘
//                  ▼
//             active, acknowledged ──clear──▶ closed         a graver level: unacknowledged again
//
// Where the check asks for it, `confirm` follows the acknowledgement, and a latched alarm closes only when it is reset.
//
// An occurrence keeps its id from its first raise until it is over and done with, so that a chattering sensor has one alarm
// to acknowledge and not hundreds. Shelving, suppression and being out of service lie beside these states. A shelved alarm
// and one out of service stay in the register when they are closed, and an occurrence that follows inherits both. What is
// raised while suppressed or out of service asks for no acknowledgement, unless it still is active when that ends.

import { isDone, isSilent, type Alarm } from '#domain/alarm.ts'
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
  /** What the check asks for. */
  readonly rules?: AlarmRules
}

export interface AlarmRules {
  readonly confirm: boolean
  readonly latch: boolean
  readonly group: string | null
}

/** How a new occurrence comes about. */
export interface RaiseContext {
  /** Open alarm of the same check; must not be active. */
  readonly previous: Alarm | undefined
  readonly newId: string
  readonly isSuppressed: boolean
  /** No other alarm of its group is active. */
  readonly isFirst: boolean
}

/** Longest shelving: an alarm must not be forgotten for good (ISA-18.2 §11.7 asks for a limit). */
export const MAX_SHELVING_MS = 7 * 86_400_000

/** Longest time out of service that ends by itself. */
export const MAX_OUT_OF_SERVICE_MS = 365 * 86_400_000

/** A check without an alarm. */
export type QuietCheck = Pick<Condition, 'sensor' | 'check' | 'checkType' | 'level' | 'severity' | 'message'>

/** What stands for a check that is taken out of service while it has no alarm: nothing to see, nothing to do. */
export function standIn(check: QuietCheck, id: string, now: number): Alarm {
  return {
    ...check,
    id,
    finding: { value: null, limit: null },
    active: false,
    acknowledged: true,
    shelvedUntil: null,
    raisedAt: now,
    clearedAt: now,
    acknowledgedAt: null,
    acknowledgedBy: null,
    neverRaised: true,
  }
}

/** A new occurrence, or the one before again while it is not done with. */
export function raise(condition: Condition, context: RaiseContext): Alarm {
  const { previous, isSuppressed } = context
  const isSame = previous !== undefined && !isDone(previous)
  const { time, rules, ...rest } = condition
  const outOfService = previous?.outOfService === true
  const isQuiet = isSuppressed || outOfService
  return {
    ...rest,
    id: isSame ? previous.id : context.newId,
    active: true,
    acknowledged: isQuiet && (!isSame || previous.acknowledged),
    shelvedUntil: previous?.shelvedUntil ?? null,
    raisedAt: time,
    clearedAt: null,
    acknowledgedAt: null,
    acknowledgedBy: null,
    ...(previous?.shelving && { shelving: previous.shelving }),
    ...(rules?.confirm && { confirmed: isQuiet, confirmedAt: null, confirmedBy: null }),
    ...(rules?.latch && { latched: !isQuiet || (isSame && previous.latched === true) }),
    ...(isSuppressed && { suppressed: true }),
    ...(outOfService && { outOfService }),
    ...(previous?.outOfServiceUntil !== undefined && { outOfServiceUntil: previous.outOfServiceUntil }),
    ...(rules?.group && { group: rules.group, firstOut: context.isFirst && !isQuiet }),
    ...(isSame && previous.lastComment && { lastComment: previous.lastComment }),
  }
}

/** Another level of an active alarm. Unless it is the milder limit of the same side, the operator must look again. */
export function changeLevel(alarm: Alarm, condition: Condition): Alarm {
  const isMilder =
    (alarm.level === 'highHigh' && condition.level === 'high') ||
    (alarm.level === 'lowLow' && condition.level === 'low')
  const { level, severity, message, finding } = condition
  const changed = { ...alarm, level, severity, message, finding }
  return isMilder || isSilent(alarm) ? changed : asksAgain(changed)
}

/** `time`: Unix milliseconds. The message and finding stay those of the alarm. */
export function clear(alarm: Alarm, time: number): Alarm {
  return { ...alarm, active: false, clearedAt: time }
}

/** Throws CONFLICT when it is acknowledged already. */
export function acknowledge(alarm: Alarm, time: number, by: string): Alarm {
  if (alarm.acknowledged) throw conflict(alarm, 'is already acknowledged')
  return { ...alarm, acknowledged: true, acknowledgedAt: time, acknowledgedBy: by }
}

/** Throws CONFLICT unless it is acknowledged and waits for a confirmation. */
export function confirm(alarm: Alarm, time: number, by: string): Alarm {
  if (alarm.confirmed === undefined) throw conflict(alarm, 'asks for no confirmation')
  if (alarm.confirmed) throw conflict(alarm, 'is already confirmed')
  if (!alarm.acknowledged) throw conflict(alarm, 'must be acknowledged before it is confirmed')
  return { ...alarm, confirmed: true, confirmedAt: time, confirmedBy: by }
}

/** Throws CONFLICT unless it is latched, over, acknowledged and, if asked for, confirmed (Part 9 §5.8.16 Reset). */
export function reset(alarm: Alarm): Alarm {
  if (alarm.latched !== true) throw conflict(alarm, 'is not latched')
  if (alarm.active) throw conflict(alarm, 'is still active')
  if (!alarm.acknowledged) throw conflict(alarm, 'must be acknowledged before it is reset')
  if (alarm.confirmed === false) throw conflict(alarm, 'must be confirmed before it is reset')
  return { ...alarm, latched: false }
}

/** Shelves until `until`; a shelved one gets the new end. Throws OUT_OF_RANGE unless now < until ≤ now + MAX_SHELVING_MS. */
export function shelve(alarm: Alarm, now: number, until: number, mode: 'timed' | 'oneShot' = 'timed'): Alarm {
  if (!(until > now && until <= now + MAX_SHELVING_MS)) {
    throw new TelemetryError('OUT_OF_RANGE', 'An alarm can be shelved for at most 7 days from now', {
      context: { alarm: alarm.id, until, maxMs: MAX_SHELVING_MS },
    })
  }
  return { ...alarm, shelvedUntil: Math.trunc(until), shelving: mode }
}

/** Throws CONFLICT when it is not shelved. */
export function unshelve(alarm: Alarm): Alarm {
  if (alarm.shelvedUntil === null) throw conflict(alarm, 'is not shelved')
  const { shelving: _, ...rest } = alarm
  return { ...rest, shelvedUntil: null }
}

export function suppress(alarm: Alarm): Alarm {
  return { ...alarm, suppressed: true }
}

export function unsuppress(alarm: Alarm): Alarm {
  const { suppressed: _, ...rest } = alarm
  return speakUp(rest)
}

/** `until` in Unix milliseconds; null: until it is returned. Throws CONFLICT when it is out of service already, OUT_OF_RANGE. */
export function takeOutOfService(alarm: Alarm, now: number, until: number | null = null): Alarm {
  if (alarm.outOfService) throw conflict(alarm, 'is already out of service')
  if (until === null) return { ...alarm, outOfService: true }
  if (!(until > now && until <= now + MAX_OUT_OF_SERVICE_MS)) {
    throw new TelemetryError('OUT_OF_RANGE', 'A check can be out of service for at most 365 days from now', {
      context: { alarm: alarm.id, until, maxMs: MAX_OUT_OF_SERVICE_MS },
    })
  }
  return { ...alarm, outOfService: true, outOfServiceUntil: Math.trunc(until) }
}

/** Throws CONFLICT when it is not out of service. */
export function returnToService(alarm: Alarm): Alarm {
  if (!alarm.outOfService) throw conflict(alarm, 'is not out of service')
  const { outOfService: _, outOfServiceUntil: _until, ...rest } = alarm
  return speakUp(rest)
}

/** Raised in silence and still active: now an operator must see it. */
function speakUp(alarm: Alarm): Alarm {
  const isUnseen = alarm.active && alarm.acknowledgedAt === null && !isSilent(alarm)
  return isUnseen ? asksAgain(alarm) : alarm
}

function asksAgain(alarm: Alarm): Alarm {
  return {
    ...alarm,
    acknowledged: false,
    acknowledgedAt: null,
    acknowledgedBy: null,
    ...(alarm.confirmed !== undefined && { confirmed: false, confirmedAt: null, confirmedBy: null }),
    ...(alarm.latched !== undefined && { latched: true }),
  }
}

function conflict(alarm: Alarm, words: string): TelemetryError {
  return new TelemetryError('CONFLICT', `Alarm ${alarm.id} ${words}`, { context: { alarm: alarm.id } })
}
