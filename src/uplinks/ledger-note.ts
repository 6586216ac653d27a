// What an uplink keeps beside its cursor: its ledger, and with `liveFirst` where its live lane is and which ranges still wait.
// One text (at most 4 KiB), written with the cursor or not at all, so that the counts always belong to the places.

import { comparePositions, type Bookmark, type Position } from '#domain/journal.ts'

/** Records that wait behind the live lane: after `cursor`, up to and including `to`. */
export interface BacklogRange {
  cursor: Position
  readonly to: Position
  /** Records in it that are not accounted for by this range's cursor, those that have vanished unseen included. */
  owed: number
  /** Up to here its alarms and events have been sent ahead of its readings. */
  scanned: Position
  /** How many of `owed` are such alarms and events. */
  ahead: number
}

export interface LedgerNote {
  delivered: number
  filtered: number
  rejected: number
  dropped: Record<string, number>
  /** Records that waited beyond `live` when the note was written, up to `head`. */
  pending: number
  head: Position
  /** Where the live lane (or the only one) is. */
  live: Position
  /** In order of position; all before `live`. */
  ranges: BacklogRange[]
}

/** Most ranges that are kept; more outages than these make the live lane wait instead. 8 numbers each. */
export const MAX_RANGES = 16

export function writeLedgerNote({ ranges, ...note }: LedgerNote): string {
  const rows = ranges.map(({ cursor, to, owed, scanned, ahead }) => {
    const places = [cursor.epoch, cursor.seq, to.epoch, to.seq]
    return places.concat(owed, scanned.epoch, scanned.seq, ahead)
  })
  return JSON.stringify({ ...note, ranges: rows })
}

/** The note beside a bookmark; zeros for what is missing or makes no sense (another version's note: the cursor still stands). */
export function readLedgerNote(bookmark: Bookmark): LedgerNote {
  const kept = parseObject(bookmark.note)
  const place = { epoch: bookmark.epoch, seq: bookmark.seq }
  const head = positionOf(kept.head) ?? { epoch: 0, seq: 0 }
  const isUsable = comparePositions(head, bookmark) >= 0
  const dropped: Record<string, number> = {}
  for (const [reason, count] of Object.entries(kept.dropped ?? {}))
    if (countOf(count) > 0) dropped[reason] = countOf(count)
  const places = isUsable ? readPlaces(kept, place) : null
  return {
    delivered: countOf(kept.delivered),
    filtered: countOf(kept.filtered),
    rejected: countOf(kept.rejected),
    dropped,
    pending: isUsable ? countOf(kept.pending) : 0,
    head: isUsable ? head : place,
    live: places?.live ?? place,
    ranges: places?.ranges ?? [],
  }
}

/** null when there is only the cursor, or when the ranges do not fit it: then everything after the cursor is sent again. */
function readPlaces(kept: Record<string, unknown>, low: Position): { live: Position; ranges: BacklogRange[] } | null {
  const live = positionOf(kept.live)
  if (live === null || !Array.isArray(kept.ranges)) return null
  const ranges: BacklogRange[] = []
  let before = low
  for (const row of kept.ranges as readonly unknown[]) {
    const range = rangeOf(row)
    if (range === null || comparePositions(range.cursor, before) < 0) return null
    ranges.push(range)
    before = range.to
  }
  return comparePositions(live, before) < 0 ? null : { live, ranges }
}

function rangeOf(row: unknown): BacklogRange | null {
  if (!Array.isArray(row) || row.length !== 8) return null
  const [epoch, seq, toEpoch, toSeq, owed, scannedEpoch, scannedSeq, ahead] = row.map(countOf)
  const range = {
    cursor: { epoch: epoch!, seq: seq! },
    to: { epoch: toEpoch!, seq: toSeq! },
    owed: owed!,
    scanned: { epoch: scannedEpoch!, seq: scannedSeq! },
    ahead: ahead!,
  }
  return comparePositions(range.to, range.cursor) < 0 || range.ahead > range.owed ? null : range
}

function positionOf(value: unknown): Position | null {
  if (typeof value !== 'object' || value === null) return null
  const { epoch, seq } = value as Partial<Record<keyof Position, unknown>>
  return { epoch: countOf(epoch), seq: countOf(seq) }
}

function countOf(count: unknown): number {
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : 0
}

function parseObject(text: string | undefined): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text ?? '{}')
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
