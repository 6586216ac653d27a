// Alarms on the wire: in the register, in the history of a sensor, and live.

import { Type, type Static } from 'typebox'
import type { Alarm, AlarmComment } from '#domain/alarm.ts'
import { SEVERITIES } from '#domain/check.ts'
import { isoTime, isoTimeOrNull, NullableTimeSchema, TimeSchema } from '../time.ts'

const NullableString = Type.Union([Type.String(), Type.Null()])
const NullableNumber = Type.Union([Type.Number(), Type.Null()])

export const AlarmSchema = Type.Object(
  {
    id: Type.String({ description: 'Of this occurrence, from raise to clear.' }),
    sensor: Type.String(),
    machine: NullableString,
    check: Type.String({ description: 'Name of the check within its sensor.' }),
    checkType: Type.String({ examples: ['threshold', 'zscore'] }),
    level: Type.Enum(['lowLow', 'low', 'high', 'highHigh', 'anomaly', 'flatline', 'stale', 'expression', 'fault'], {
      description: '`fault`: of the gateway itself; its `sensor` is then `gateway.store` or the like.',
    }),
    severity: Type.Enum([...SEVERITIES]),
    active: Type.Boolean(),
    acknowledged: Type.Boolean(),
    shelvedUntil: NullableTimeSchema,
    raisedAt: TimeSchema,
    clearedAt: NullableTimeSchema,
    acknowledgedAt: NullableTimeSchema,
    acknowledgedBy: NullableString,
    message: Type.String(),
    value: NullableNumber,
    limit: NullableNumber,
    score: Type.Union([Type.Number(), Type.Null()], {
      description: 'Standard deviations from the mean; null for limits.',
    }),
    mean: NullableNumber,
    standardDeviation: NullableNumber,
    unit: NullableString,
    rate: Type.Union([Type.Number(), Type.Null()], { description: 'Change in a second; null but for `rate`.' }),
    seconds: Type.Union([Type.Number(), Type.Null()], {
      description: 'How long it had lasted when it was raised; null but for `flatline` and `stale`.',
    }),
    confirmed: Type.Union([Type.Boolean(), Type.Null()], {
      description: 'null when the check asks for no confirmation.',
    }),
    confirmedAt: NullableTimeSchema,
    confirmedBy: NullableString,
    latched: Type.Boolean({ description: 'It stays until it is reset.' }),
    shelving: Type.Union([Type.Enum(['timed', 'oneShot']), Type.Null()]),
    suppressed: Type.Boolean({ description: 'Kept, not shown: the `suppressWhen` of its check holds.' }),
    outOfService: Type.Boolean(),
    outOfServiceUntil: Type.Union([TimeSchema, Type.Null()], { description: 'null: until it is returned.' }),
    group: NullableString,
    firstOut: Type.Boolean({ description: 'It was raised while no other alarm of its group was active.' }),
    lastComment: Type.Union([Type.Object({ text: Type.String(), by: Type.String(), time: TimeSchema }), Type.Null()]),
  },
  { description: 'One occurrence of an alarm. machine and unit are those of the sensor today, null when it is gone.' },
)

export type AlarmShape = Static<typeof AlarmSchema>

/** Where the sensors of alarms stand today; a Model is one. */
export interface AlarmPlaces {
  sensor(id: string): { readonly machine: string; readonly unit: string } | undefined
}

export function alarmShape(alarm: Alarm, model: AlarmPlaces): AlarmShape {
  const sensor = model.sensor(alarm.sensor)
  return {
    id: alarm.id,
    sensor: alarm.sensor,
    machine: sensor?.machine ?? null,
    check: alarm.check,
    checkType: alarm.checkType,
    level: alarm.level,
    severity: alarm.severity,
    active: alarm.active,
    acknowledged: alarm.acknowledged,
    shelvedUntil: isoTimeOrNull(alarm.shelvedUntil),
    raisedAt: isoTime(alarm.raisedAt),
    clearedAt: isoTimeOrNull(alarm.clearedAt),
    acknowledgedAt: isoTimeOrNull(alarm.acknowledgedAt),
    acknowledgedBy: alarm.acknowledgedBy,
    message: alarm.message,
    value: finite(alarm.finding.value),
    limit: finite(alarm.finding.limit),
    score: finite(alarm.finding.score),
    mean: finite(alarm.finding.mean),
    standardDeviation: finite(alarm.finding.standardDeviation),
    unit: sensor?.unit ?? null,
    rate: finite(alarm.finding.rate),
    seconds: finite(alarm.finding.seconds),
    confirmed: alarm.confirmed ?? null,
    confirmedAt: isoTimeOrNull(alarm.confirmedAt ?? null),
    confirmedBy: alarm.confirmedBy ?? null,
    latched: alarm.latched ?? false,
    shelving: alarm.shelvedUntil === null ? null : (alarm.shelving ?? 'timed'),
    suppressed: alarm.suppressed ?? false,
    outOfService: alarm.outOfService ?? false,
    outOfServiceUntil: isoTimeOrNull(alarm.outOfServiceUntil ?? null),
    group: alarm.group ?? null,
    firstOut: alarm.firstOut ?? false,
    lastComment: commentShape(alarm.lastComment),
  }
}

function commentShape(comment: AlarmComment | undefined): AlarmShape['lastComment'] {
  return comment ? { text: comment.text, by: comment.by, time: isoTime(comment.time) } : null
}

/** JSON knows no infinities: a score over a spread of nearly 0 may be one. */
function finite(value: number | null | undefined): number | null {
  return value !== null && value !== undefined && Number.isFinite(value) ? value : null
}

/** Sort key: newest raise first. Times are below 10^15 ms. */
export function newestFirstKey(alarm: Alarm): string {
  return `${String(1e15 - alarm.raisedAt).padStart(16, '0')} ${alarm.id}`
}
