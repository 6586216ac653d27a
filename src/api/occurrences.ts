// The alarms of one sensor in a time range, one item for each time that one was raised: from the transitions in the history
// and, for what is not over yet, from the register. Newest raise first.

import type { Alarm } from '#domain/alarm.ts'
import type { History } from '#domain/history.ts'
import type { AlarmRegister } from '#domain/views.ts'
import { decodeCursor, encodeCursor } from './paging.ts'
import { newestFirstKey } from './shapes/alarm-shape.ts'
import type { TimeRange } from './time.ts'

/** Transitions asked for at a time. */
const CHUNK = 1000

export interface OccurrenceQuery extends TimeRange {
  readonly sensor: string
  readonly checkTypes: readonly string[]
  readonly limit: number
  readonly cursor: string | undefined
  /** Unix milliseconds; transitions after `to` still say how an occurrence stands. */
  readonly now: number
}

interface Sources {
  readonly history: History
  readonly alarms: AlarmRegister
}

/** What was found so far, newest transition first. */
class Found {
  /** By alarm id and raise: an alarm that is raised again before it is acknowledged keeps its id. */
  readonly occurrences = new Map<string, Alarm>()
  readonly #latest = new Map<string, Alarm>()

  /** `alarm` as it was after a transition; earlier transitions of the same raise say nothing new. */
  add(alarm: Alarm): void {
    if (alarm.neverRaised) return
    const latest = this.#latest.get(alarm.id)
    if (!latest) this.#latest.set(alarm.id, alarm)
    const key = newestFirstKey(alarm)
    if (this.occurrences.has(key)) return
    // Finding, times and level are those of the raise; what operators did goes for the alarm as it is now.
    const { level, severity, message, finding, active, raisedAt, clearedAt, firstOut } = alarm
    const raise = { level, severity, message, finding, active, raisedAt, clearedAt }
    this.occurrences.set(key, { ...(latest ?? alarm), ...raise, ...(firstOut !== undefined && { firstOut }) })
  }
}

/**
 * Occurrences that were active at some moment of [from, to), as they are now. Reads transitions from now backwards and
 * stops as soon as everything older must sort behind the page: an occurrence not seen by then was raised before.
 */
export async function occurrences(
  sources: Sources,
  query: OccurrenceQuery,
  signal: AbortSignal,
): Promise<{ items: Alarm[]; next: string | null }> {
  const after = query.cursor === undefined ? '' : decodeCursor(query.cursor)
  const found = new Found()
  for (const alarm of sources.alarms.list()) {
    if (alarm.sensor === query.sensor && query.checkTypes.includes(alarm.checkType)) found.add(alarm)
  }
  const { sensor, checkTypes, from } = query
  let cursor: string | null = null
  do {
    const to = Math.max(query.to, query.now + 1)
    const page: Awaited<ReturnType<History['entries']>> = await sources.history.entries(
      { kind: 'alarm', sensor, checkTypes, from, to, limit: CHUNK, cursor },
      signal,
    )
    let scannedTo = from
    for (const { entry } of page.items) {
      if (entry.kind !== 'alarm') continue
      scannedTo = entry.time
      found.add(entry.alarm)
    }
    cursor = page.next
    if (cursor !== null && pageIsComplete(found, query, after, scannedTo)) break
  } while (cursor !== null)
  return slice(found, query, after)
}

function pageIsComplete(found: Found, query: OccurrenceQuery, after: string, scannedTo: number): boolean {
  let sure = 0
  for (const [key, alarm] of found.occurrences) {
    if (alarm.raisedAt > scannedTo && overlaps(alarm, query) && key > after) sure += 1
  }
  return sure > query.limit
}

function slice(found: Found, query: OccurrenceQuery, after: string): { items: Alarm[]; next: string | null } {
  const rows = [...found.occurrences]
    .map(([key, alarm]) => ({ key, alarm }))
    .filter(({ key, alarm }) => key > after && overlaps(alarm, query))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
  const page = rows.slice(0, query.limit)
  return {
    items: page.map((row) => row.alarm),
    next: rows.length > query.limit ? encodeCursor(page.at(-1)!.key) : null,
  }
}

function overlaps(alarm: Alarm, range: TimeRange): boolean {
  return alarm.raisedAt < range.to && (alarm.clearedAt === null || alarm.clearedAt >= range.from)
}
