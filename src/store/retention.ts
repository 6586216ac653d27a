// What has to go: by age, for each kind of data; by size, first the fidelity of raw data (thinning.ts), then the oldest raw
// data and journal, rollups last. Pure decisions; maintenance.ts carries them out.

import type { DropReason, StoreSettings } from './protocol.ts'
import { THINNED_LEVEL, type Segment, type SegmentKind } from './segments.ts'
import type { StoreTables } from './tables.ts'

export interface Loss {
  readonly reason: 'age' | 'size'
  readonly segments: readonly Segment[]
  /** Journal blocks before this one go too; null: none. */
  readonly blocksBefore: number | null
  /** For the ledger; null when no reading is lost by it, only aggregates of it. */
  readonly dropped: { readonly reason: DropReason; readonly count: number } | null
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

/** The oldest raw segment that still has all its readings, while the file is over its budget; else null. */
export function nextToThin(tables: StoreTables, maxBytes: number): Segment | null {
  if (excessBytes(tables, maxBytes) <= 0) return null
  const whole = tables.segments.live.filter(({ kind, level }) => kind === 'raw' && level < THINNED_LEVEL)
  return whole.sort((a, b) => a.last_time - b.last_time)[0] ?? null
}

/** Bytes in use, without what is only waiting to be deleted, over what the budget allows; negative: there is room. */
function excessBytes({ db, segments }: StoreTables, maxBytes: number): number {
  const pragma = (name: string): number => Number(db.pragma(name, { simple: true }))
  const used = (pragma('page_count') - pragma('freelist_count')) * pragma('page_size')
  return used - segments.deadBytes - maxBytes * FILL_TARGET
}

/** The oldest data, as many as bring the file back under its budget. */
export function overBudget(tables: StoreTables, maxBytes: number): Loss[] {
  const { segments, journal, meta } = tables
  let excess = excessBytes(tables, maxBytes)
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
  if (block > journal.first) losses.push(journalLoss(tables, block))
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
    dropped: kind === 'raw' ? { reason, count: readings } : null,
    message: `${readings} ${what} up to ${upTo} ${why}`,
    data: { kind, reason, readings, upTo },
  }
}

function journalLoss({ journal }: StoreTables, before: number): Loss {
  const blocks = before - journal.first
  const records = (journal.row(before)?.before ?? journal.total) - journal.row(journal.first)!.before
  const message = `${records} records of the journal had to make room: the store reached store.maxSize; uplinks that had not forwarded them skip them`
  return {
    reason: 'size',
    segments: [],
    blocksBefore: before,
    dropped: { reason: 'journal', count: records },
    message,
    data: { kind: 'journal', reason: 'size', blocks, records },
  }
}

/** What thinning took, for the journal's readers. */
export function thinningLoss(segment: Segment, removed: number): Loss {
  const upTo = new Date(segment.last_time).toISOString()
  const message = `${removed} of ${segment.readings} raw readings up to ${upTo} were thinned to the extremes of each minute: the store reached store.maxSize`
  return {
    reason: 'size',
    segments: [],
    blocksBefore: null,
    dropped: { reason: 'thinned', count: removed },
    message,
    data: { kind: 'raw', reason: 'thinned', readings: removed, of: segment.readings, upTo },
  }
}
