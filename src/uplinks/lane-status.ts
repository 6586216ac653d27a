// The lanes of an uplink as the API shows them.

import type { Position } from '#domain/journal.ts'
import type { LaneStatus } from '#domain/uplink.ts'
import type { Ledger } from './ledger.ts'

export function laneStatuses(ledger: Ledger, order: 'inOrder' | 'liveFirst', headSeq: number): LaneStatus[] {
  const { cursor, backlog, settledUpTo } = ledger
  const isSplit = order === 'liveFirst'
  const first = { cursor: positionText(cursor), pending: ledger.livePending(headSeq) }
  const lanes: LaneStatus[] = [{ lane: isSplit ? 'live' : 'inOrder', ...first }]
  // Also with inOrder, as long as there is something left of a liveFirst before it.
  if (isSplit || backlog.ranges.length > 0)
    lanes.push({ lane: 'backlog', cursor: positionText(settledUpTo), pending: backlog.pending })
  return lanes
}

/** `epoch/seq` */
export function positionText({ epoch, seq }: Position): string {
  return `${epoch}/${seq}`
}
