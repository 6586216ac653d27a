// What has to go: by age, for each kind of data; by size, the oldest raw data and journal first, rollups last. Pure
// decisions; maintenance.ts carries them out.

import type { StoreSettings } from './protocol.ts'
import type { Segment, SegmentKind } from './segments.ts'
import type { StoreTables } from './tables.ts'

export interface Loss {
  readonly reason: 'age' | 'size'
  readonly segments: readonly Segment[]
  /** Journal blocks before this one go too; null: none. */
  readonly blocksBefore: number | null
  readonly message: string
  readonly data: Readonly<Record<string, unknown>>
}

const FILL_TARGET = 0.95 // of maxBytes; above, the oldest data go
const KINDS: readonly SegmentKind[] = ['raw', 'minute', 'hour']

/** Segments whose newest reading is older than their kind is kept. */
export function expired(live: readonly Segment[], retention: StoreSettings['retention'], now: number): Loss[] {
  const keptMs = { raw: retention.rawMs, minute: retention.minuteMs, hour: retention.hourMs }
  return KINDS.flatMap((kind) => {
    // Minutes that no merge has seen are not in an hour segment yet: they stay until they are.
    const gone = live.filter(
      (s) => s.kind === kind && s.last_time < now - keptMs[kind] && !(kind === 'minute' && s.level === 0),
    )
    return gone.length === 0 ? [] : [lossOf('age', kind, gone)]
  })
}

/** The oldest data, as many as bring the file back under its budget. */
export function overBudget(tables: StoreTables, maxBytes: number): Loss[] {
  const { db, segments, journal, meta } = tables
  const pages =
    Number(db.pragma('page_count', { simple: true })) - Number(db.pragma('freelist_count', { simple: true }))
  let excess = pages * Number(db.pragma('page_size', { simple: true })) - segments.deadBytes - maxBytes * FILL_TARGET
  const losses: Loss[] = []
  const compacted = Math.min(meta.get('compacted'), journal.end)
  let block = journal.first
  for (const kind of KINDS) {
    const gone: Segment[] = []
    const candidates = segments.live
      .filter((segment) => segment.kind === kind)
      .sort((a, b) => a.last_time - b.last_time)
    for (const segment of candidates) {
      while (excess > 0 && kind === 'raw' && block < compacted && journal.row(block)!.last_time <= segment.last_time) {
        excess -= journal.bytes(block, block + 1)
        block += 1
      }
      if (excess <= 0) break
      gone.push(segment)
      excess -= segment.bytes
    }
    if (gone.length > 0) losses.push(lossOf('size', kind, gone))
  }
  if (block > journal.first) losses.push(journalLoss(journal.first, block))
  return losses
}

function lossOf(reason: Loss['reason'], kind: SegmentKind, segments: readonly Segment[]): Loss {
  const upTo = new Date(Math.max(...segments.map((segment) => segment.last_time))).toISOString()
  const readings = segments.reduce((sum, segment) => sum + segment.readings, 0)
  const why = reason === 'age' ? 'are older than they are kept' : 'had to make room: the store reached store.maxSize'
  const what = kind === 'raw' ? 'raw readings' : `${kind} aggregates`
  return {
    reason,
    segments,
    blocksBefore: null,
    message: `${readings} ${what} up to ${upTo} ${why}`,
    data: { kind, reason, readings, upTo },
  }
}

function journalLoss(first: number, before: number): Loss {
  const blocks = before - first
  const message = `${blocks} blocks of the journal had to make room: the store reached store.maxSize; uplinks that had not forwarded them skip them`
  return {
    reason: 'size',
    segments: [],
    blocksBefore: before,
    message,
    data: { kind: 'journal', reason: 'size', blocks },
  }
}
