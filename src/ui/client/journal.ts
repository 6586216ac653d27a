// The journal as the API gives it, newest first.

import { decodePage, type Page } from './decode-page.ts'
import { decodeAlarm } from './decode.ts'
import { Fields } from './fields.ts'
import type { HttpClient } from './http.ts'
import type { Alarm } from './wire.ts'

export type EventSeverity = 'debug' | 'info' | 'warning' | 'error'

export type JournalEntry =
  | {
      readonly kind: 'alarm'
      readonly position: string
      /** Whose it is, as central tells; null: the gateway's that answers. */
      readonly gateway: string | null
      readonly time: number
      readonly change: string
      readonly by: string | null
      readonly comment: string | null
      readonly alarm: Alarm
    }
  | {
      readonly kind: 'event'
      readonly position: string
      /** Whose it is, as central tells; null: the gateway's that answers. */
      readonly gateway: string | null
      readonly time: number
      readonly type: string
      readonly severity: EventSeverity
      readonly source: string
      readonly by: string | null
      readonly message: string
    }

const EVENT_SEVERITIES = ['debug', 'info', 'warning', 'error'] as const

/** Filters in the words of the API; empty ones are left out. */
export async function readJournal(
  http: HttpClient,
  filters: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Page<JournalEntry>> {
  const given = Object.entries(filters).filter(([, value]) => value !== '')
  const query = new URLSearchParams(given).toString()
  return decodePage(decodeEntry)(await http.request(`/journal?${query}`, { signal }))
}

function decodeEntry(source: unknown): JournalEntry {
  const f = new Fields(source, 'entry')
  const common = {
    position: f.text('position'),
    gateway: f.textOrNull('gateway'),
    time: f.time('time'),
    by: f.textOrNull('by'),
  }
  return f.oneOf('kind', ['alarm', 'event']) === 'alarm'
    ? {
        kind: 'alarm',
        ...common,
        change: f.text('change'),
        comment: f.textOrNull('comment'),
        alarm: f.child('alarm', decodeAlarm),
      }
    : {
        kind: 'event',
        ...common,
        type: f.text('type'),
        severity: f.oneOf('severity', EVENT_SEVERITIES),
        source: f.text('source'),
        message: f.text('message'),
      }
}
