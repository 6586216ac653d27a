// An alarm's occurrence between the domain and the wire.

import { create } from '@bufbuild/protobuf'
import { timestampFromMs, timestampMs, type Timestamp } from '@bufbuild/protobuf/wkt'
import type { Alarm, AlarmComment } from '#domain/alarm.ts'
import type { CheckType, ConditionLevel, Finding, Severity } from '#domain/check.ts'
import {
  AlarmSchema,
  FindingSchema,
  type Alarm as WireAlarm,
  type AlarmSeverity,
  type Finding as WireFinding,
} from './generated/telemetryx/v1/events_pb.js'

export function wireAlarm(alarm: Alarm, severity: AlarmSeverity): WireAlarm {
  const { lastComment } = alarm
  return create(AlarmSchema, {
    id: alarm.id,
    sensor: alarm.sensor,
    check: alarm.check,
    checkType: alarm.checkType,
    level: alarm.level,
    severity,
    active: alarm.active,
    acknowledged: alarm.acknowledged,
    ...timeField('raisedAt', alarm.raisedAt),
    ...timeField('clearedAt', alarm.clearedAt),
    ...timeField('acknowledgedAt', alarm.acknowledgedAt),
    acknowledgedBy: alarm.acknowledgedBy ?? '',
    ...timeField('shelvedUntil', alarm.shelvedUntil),
    message: alarm.message,
    finding: wireFinding(alarm.finding),
    ...(alarm.confirmed === undefined ? {} : { confirmed: alarm.confirmed }),
    ...timeField('confirmedAt', alarm.confirmedAt ?? null),
    confirmedBy: alarm.confirmedBy ?? '',
    ...(alarm.latched === undefined ? {} : { latched: alarm.latched }),
    suppressed: alarm.suppressed ?? false,
    outOfService: alarm.outOfService ?? false,
    ...timeField('outOfServiceUntil', alarm.outOfServiceUntil ?? null),
    neverRaised: alarm.neverRaised ?? false,
    group: alarm.group ?? '',
    firstOut: alarm.firstOut ?? false,
    shelvedOnce: alarm.shelving === 'oneShot',
    ...(lastComment === undefined
      ? {}
      : { lastComment: { text: lastComment.text, by: lastComment.by, time: timestampFromMs(lastComment.time) } }),
  })
}

/** An absent alarm gives an empty one. */
export function alarmOf(wire: WireAlarm | undefined, severity: Severity): Alarm {
  const alarm = wire ?? create(AlarmSchema)
  return {
    id: alarm.id,
    sensor: alarm.sensor,
    check: alarm.check,
    checkType: alarm.checkType as CheckType, // words of the sender; a later version may have more
    level: alarm.level as ConditionLevel,
    severity,
    active: alarm.active,
    acknowledged: alarm.acknowledged,
    shelvedUntil: timeOf(alarm.shelvedUntil),
    raisedAt: timeOf(alarm.raisedAt) ?? 0,
    clearedAt: timeOf(alarm.clearedAt),
    acknowledgedAt: timeOf(alarm.acknowledgedAt),
    acknowledgedBy: wordOf(alarm.acknowledgedBy),
    message: alarm.message,
    finding: findingOf(alarm.finding),
    ...optionalParts(alarm),
  }
}

/** The parts that are absent unless they apply. */
function optionalParts(alarm: WireAlarm): Partial<Alarm> {
  const { confirmed, latched, lastComment, outOfServiceUntil, shelvedUntil } = alarm
  const comment: AlarmComment | undefined = lastComment && {
    text: lastComment.text,
    by: lastComment.by,
    time: timeOf(lastComment.time) ?? 0,
  }
  return {
    ...(confirmed === undefined
      ? {}
      : { confirmed, confirmedAt: timeOf(alarm.confirmedAt), confirmedBy: wordOf(alarm.confirmedBy) }),
    ...(latched === undefined ? {} : { latched }),
    ...(shelvedUntil === undefined ? {} : { shelving: alarm.shelvedOnce ? ('oneShot' as const) : ('timed' as const) }),
    ...(alarm.suppressed ? { suppressed: true } : {}),
    ...(alarm.outOfService ? { outOfService: true } : {}),
    ...(outOfServiceUntil === undefined ? {} : { outOfServiceUntil: timestampMs(outOfServiceUntil) }),
    ...(alarm.neverRaised ? { neverRaised: true } : {}),
    ...(alarm.group === '' ? {} : { group: alarm.group, firstOut: alarm.firstOut }),
    ...(comment === undefined ? {} : { lastComment: comment }),
  }
}

function wireFinding({ value, limit, ...measures }: Finding): WireFinding {
  return create(FindingSchema, {
    ...measures,
    ...(value === null ? {} : { value }),
    ...(limit === null ? {} : { limit }),
  })
}

function findingOf(wire: WireFinding | undefined): Finding {
  const { value, limit, score, mean, standardDeviation, window, rate, seconds } = wire ?? create(FindingSchema)
  return {
    value: value ?? null,
    limit: limit ?? null,
    ...(score === undefined ? {} : { score }),
    ...(mean === undefined ? {} : { mean }),
    ...(standardDeviation === undefined ? {} : { standardDeviation }),
    ...(window === undefined ? {} : { window }),
    ...(rate === undefined ? {} : { rate }),
    ...(seconds === undefined ? {} : { seconds }),
  }
}

function timeField<K extends string>(name: K, time: number | null): { [name in K]?: Timestamp } {
  return (time === null ? {} : { [name]: timestampFromMs(time) }) as { [name in K]?: Timestamp }
}

function timeOf(time: Timestamp | undefined): number | null {
  return time === undefined ? null : timestampMs(time)
}

function wordOf(text: string): string | null {
  return text === '' ? null : text
}
