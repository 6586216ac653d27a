// Reads the alarms of a period from the history, from now backwards, and gives them to the figures in order of time.

import type { AlarmEntry } from '#domain/alarm.ts'
import type { History } from '#domain/history.ts'
import type { AlarmRegister } from '#domain/views.ts'
import type { TimeRange } from '../time.ts'
import { AlarmPeriod, type PeriodFigures } from './alarm-period.ts'

/** Transitions asked for at a time, and at most: some hundred megabytes of journal are not read for one answer. */
const CHUNK = 1000
const MAX_TRANSITIONS = 200_000

export interface ReadPeriod {
  readonly figures: PeriodFigures
  /** What the figures are of: begins later than asked for when there were too many transitions. */
  readonly range: TimeRange
  readonly isTruncated: boolean
}

interface Sources {
  readonly history: History
  readonly alarms: AlarmRegister
}

/** `now`: Unix milliseconds; transitions after the period tell what stood at its end. */
export async function readPeriod(
  { history, alarms }: Sources,
  { range, now }: { readonly range: TimeRange; readonly now: number },
  signal: AbortSignal,
): Promise<ReadPeriod> {
  const entries: AlarmEntry[] = []
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<History['entries']>> = await history.entries(
      {
        kind: 'alarm',
        sensor: null,
        checkTypes: null,
        from: range.from,
        to: Math.max(range.to, now + 1),
        limit: CHUNK,
        cursor,
      },
      signal,
    )
    for (const { entry } of page.items) if (entry.kind === 'alarm') entries.push(entry)
    cursor = page.next
  } while (cursor !== null && entries.length < MAX_TRANSITIONS)
  const isTruncated = cursor !== null
  // The page that was cut may hold only a part of its last millisecond.
  const from = isTruncated ? Math.min(range.to - 1, entries.at(-1)!.time + 1) : range.from
  const period = new AlarmPeriod({ from, to: range.to })
  // Not by position: while the clock is not trusted, times and positions may disagree.
  for (const entry of entries.sort((a, b) => a.time - b.time)) period.take(entry)
  for (const alarm of alarms.list()) period.stands(alarm, Infinity)
  return { figures: period.figures(), range: { from, to: range.to }, isTruncated }
}
