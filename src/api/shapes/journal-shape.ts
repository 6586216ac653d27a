// Entries of the journal on the wire: what happened to alarms, and events.

import { Type, type Static } from 'typebox'
import type { AlarmEntry, EventEntry } from '#domain/alarm.ts'
import type { StoredEntry } from '#domain/history.ts'
import { isoTime, TimeSchema } from '../time.ts'
import { AlarmSchema, alarmShape, type AlarmPlaces } from './alarm-shape.ts'

export const EVENT_SEVERITIES = ['debug', 'info', 'warning', 'error'] as const
const NullableText = Type.Union([Type.String(), Type.Null()])

export const AlarmEntrySchema = Type.Object({
  kind: Type.Literal('alarm'),
  position: Type.String({ description: '`epoch/seq`.' }),
  time: TimeSchema,
  change: Type.String({ examples: ['raised', 'acknowledged'] }),
  by: Type.Union([Type.String(), Type.Null()], { description: 'null: the gateway itself.' }),
  comment: NullableText,
  alarm: AlarmSchema,
})

export const EventEntrySchema = Type.Object({
  kind: Type.Literal('event'),
  position: Type.String(),
  time: TimeSchema,
  type: Type.String({ examples: ['gateway-started', 'sensor-written'] }),
  severity: Type.Enum([...EVENT_SEVERITIES]),
  source: Type.String({ description: '`gateway`, or the id of a device or an uplink.' }),
  by: NullableText,
  message: Type.String(),
})

export type JournalShape = Static<typeof AlarmEntrySchema> | Static<typeof EventEntrySchema>

/** Events tell it in their data, if anyone did it. */
export function byOf(entry: AlarmEntry | EventEntry): string | null {
  const by = entry.kind === 'alarm' ? entry.by : entry.data?.['by']
  return typeof by === 'string' ? by : null
}

export function journalShape({ position, entry }: StoredEntry, model: AlarmPlaces): JournalShape {
  const common = { position: `${position.epoch}/${position.seq}`, time: isoTime(entry.time), by: byOf(entry) }
  if (entry.kind === 'event') {
    const { type, severity, source, message } = entry
    return { kind: 'event', ...common, type, severity, source, message }
  }
  const { change, comment, alarm } = entry
  return { kind: 'alarm', ...common, change, comment, alarm: alarmShape(alarm, model) }
}
