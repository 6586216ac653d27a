// The second lane's places: ranges of the journal that were left behind when the live lane jumped to the newest record, oldest
// first. Of each range its alarms and events go ahead (`scan`), then its readings (`settle`). Pure.
//
// A range knows how many records it owes. Gaps within this run's epoch show by position; of earlier epochs some were counted
// at a start, so that what vanished there shows at the next start or at the range's end, as what is left of `owed`.

import { comparePositions, type Position } from '#domain/journal.ts'
import type { BacklogRange } from './ledger-note.ts'

export interface RangeBatch {
  readonly epoch: number
  readonly firstSeq: number
  readonly length: number
}

export class Backlog {
  readonly #epoch: number
  readonly #ranges: BacklogRange[]
  /** Told of records that are no longer there. */
  readonly #onGap: (count: number) => void

  /** `epoch`: this run's. */
  constructor(epoch: number, ranges: readonly BacklogRange[], onGap: (count: number) => void) {
    this.#epoch = epoch
    this.#ranges = ranges.map((range) => ({ ...range }))
    this.#onGap = onGap
  }

  get ranges(): readonly BacklogRange[] {
    return this.#ranges
  }

  /** Records that wait. */
  get pending(): number {
    return this.#ranges.reduce((sum, { owed, ahead }) => sum + owed - ahead, 0)
  }

  /** Leaves the records after `from`, up to `to`, behind. */
  add(from: Position, to: Position, owed: number): void {
    this.#ranges.push({ cursor: from, to, owed, scanned: from, ahead: 0 })
  }

  /** At a start of the gateway: the journal has only `kept` records of a range. */
  found(range: BacklogRange, kept: number): void {
    this.#gap(range, range.owed - kept)
  }

  /** The alarms and events up to `end` were accounted for, `entries` of them. */
  scan(range: BacklogRange, end: Position, entries: number): void {
    range.scanned = end
    range.ahead += entries
  }

  /** A batch was accounted for, except for `skipped` entries in it that had gone ahead. */
  settle(range: BacklogRange, { epoch, firstSeq, length }: RangeBatch, skipped: number): void {
    if (epoch === this.#epoch && epoch === range.cursor.epoch) this.#gap(range, firstSeq - range.cursor.seq - 1)
    const known = Math.min(skipped, range.ahead)
    // Entries that a gap was counted on, and that are there after all: then the gap was readings.
    this.#onGap(skipped - known)
    range.ahead -= known
    range.owed = Math.max(range.ahead, range.owed - length)
    range.cursor = { epoch, seq: firstSeq + length - 1 }
  }

  /** Nothing more is there of a range: what it still owes has vanished. */
  finish(range: BacklogRange): void {
    this.#gap(range, range.owed)
    const at = this.#ranges.indexOf(range)
    if (at !== -1) this.#ranges.splice(at, 1)
  }

  /** Of what vanished, entries that had gone ahead are no loss; which records they were nobody knows any more. */
  #gap(range: BacklogRange, vanished: number): void {
    const count = Math.min(Math.max(0, vanished), range.owed)
    const sent = Math.min(count, range.ahead)
    range.ahead -= sent
    range.owed -= count
    this.#onGap(count - sent)
  }
}

/** True when nothing of a range is left for its alarms and events to go ahead of. */
export function isScanned({ scanned, to }: BacklogRange): boolean {
  return comparePositions(scanned, to) >= 0
}
