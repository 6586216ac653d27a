// Alarms and events of the journal between the domain and the wire.

import { create, type JsonObject } from '@bufbuild/protobuf'
import { timestampFromMs, timestampMs, type Timestamp } from '@bufbuild/protobuf/wkt'
import type { AlarmChange, AlarmEntry, Entry, EventEntry, EventSeverity } from '#domain/alarm.ts'
import type { Severity } from '#domain/check.ts'
import { alarmOf, wireAlarm } from './alarms.ts'
import { WordTable } from './word-table.ts'
import {
  AlarmChange as WireChange,
  AlarmTransitionSchema,
  EventSchema,
  EventSeverity as WireEventSeverity,
  AlarmSeverity,
  type AlarmTransition,
  type Event,
} from './generated/telemetryx/v1/events_pb.js'

const CHANGES = new WordTable<AlarmChange, WireChange>({
  raised: WireChange.RAISED,
  level: WireChange.LEVEL,
  cleared: WireChange.CLEARED,
  acknowledged: WireChange.ACKNOWLEDGED,
  confirmed: WireChange.CONFIRMED,
  reset: WireChange.RESET,
  commented: WireChange.COMMENTED,
  shelved: WireChange.SHELVED,
  unshelved: WireChange.UNSHELVED,
  suppressed: WireChange.SUPPRESSED,
  unsuppressed: WireChange.UNSUPPRESSED,
  outOfService: WireChange.OUT_OF_SERVICE,
  inService: WireChange.IN_SERVICE,
})

const EVENT_SEVERITIES = new WordTable<EventSeverity, WireEventSeverity>({
  debug: WireEventSeverity.DEBUG,
  info: WireEventSeverity.INFO,
  warning: WireEventSeverity.WARNING,
  error: WireEventSeverity.ERROR,
})

export const SEVERITIES = new WordTable<Severity, AlarmSeverity>({
  low: AlarmSeverity.LOW,
  medium: AlarmSeverity.MEDIUM,
  high: AlarmSeverity.HIGH,
  urgent: AlarmSeverity.URGENT,
})

export function wireTransition({ alarm, by, change, comment, time }: AlarmEntry): AlarmTransition {
  return create(AlarmTransitionSchema, {
    change: CHANGES.wire(change),
    time: timestampFromMs(time),
    by: by ?? '',
    comment: comment ?? '',
    alarm: wireAlarm(alarm, SEVERITIES.wire(alarm.severity)),
  })
}

/** What this version does not know is shown as the nearest it has: a change as `level`, a severity as `low`. */
export function transitionOf(wire: AlarmTransition): AlarmEntry {
  const severity = SEVERITIES.word(wire.alarm?.severity) ?? 'low'
  return {
    kind: 'alarm',
    change: CHANGES.word(wire.change) ?? 'level',
    time: msOf(wire.time) ?? 0,
    by: wire.by === '' ? null : wire.by,
    comment: wire.comment === '' ? null : wire.comment,
    alarm: alarmOf(wire.alarm, severity),
  }
}

export function wireEvent({ data, message, severity, source, time, type }: EventEntry): Event {
  return create(EventSchema, {
    type,
    severity: EVENT_SEVERITIES.wire(severity),
    time: timestampFromMs(time),
    message,
    source,
    ...(data === undefined ? {} : { data: data as JsonObject }), // it was read from JSON
  })
}

export function eventOf({ data, message, severity, source, time, type }: Event): EventEntry {
  const entry = {
    kind: 'event',
    type,
    severity: EVENT_SEVERITIES.word(severity) ?? 'info',
    time: msOf(time) ?? 0,
    message,
    source,
  } as const
  return data === undefined ? entry : { ...entry, data }
}

/** The entry that a journal keeps as JSON; null when it is none. */
export function parseEntry(json: string | undefined): Entry | null {
  try {
    const parsed: unknown = JSON.parse(json ?? 'null')
    const kind = typeof parsed === 'object' && parsed !== null && 'kind' in parsed ? parsed.kind : null
    return kind === 'alarm' || kind === 'event' ? (parsed as Entry) : null // written by the pipeline
  } catch {
    return null
  }
}

/** Unix milliseconds; null when absent. */
export function msOf(timestamp: Timestamp | undefined): number | null {
  return timestamp === undefined ? null : timestampMs(timestamp)
}
