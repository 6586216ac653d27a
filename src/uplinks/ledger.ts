// The loss ledger of one uplink: what became of every record that the journal accepted. Pure.
// accepted = delivered + pending + filtered + dropped (by reason) + rejected, at every moment and across restarts.
//
// Within this run's epoch everything is counted by position, so that a record that vanished from the journal before its turn
// shows as a gap. Of earlier epochs (`earlier`) the ledger knows how many are owed and the journal how many it still has.
// With `liveFirst` the ranges that were left behind are the backlog's (backlog.ts); everything here is the live lane's then.

import type { Bookmark, Position } from '#domain/journal.ts'
import { Backlog } from './backlog.ts'
import { MAX_RANGES, readLedgerNote, writeLedgerNote } from './ledger-note.ts'

/** No longer in the journal when its turn came: retention, disk budget, `whenFull: dropOldest`, or a crash before it was durable. */
export const GAP = 'gap'
/** A dead letter was thrown away by somebody. */
export const DISCARDED = 'discarded'
/** A dead letter was given up to make room for newer ones. */
export const LETTERS_FULL = 'dead-letters-full'
/** The sensor is no longer configured, so that the record has no topic, unit or machine. */
export const UNKNOWN_SENSOR = 'unknown-sensor'

/** What became of one batch. `delivered + filtered + rejected + unknown` is its length. */
export interface SettledBatch {
  readonly epoch: number
  readonly firstSeq: number
  readonly length: number
  readonly delivered: number
  readonly filtered: number
  readonly rejected: number
  /** Rows of sensors that are no longer configured. */
  readonly unknown: number
  /** For a batch of an earlier epoch: how many records of earlier epochs the journal has from this batch on; null: not asked. */
  readonly stillKept: number | null
}

export interface LedgerStart {
  /** This run's epoch. */
  readonly epoch: number
  readonly bookmark: Bookmark
  /** Records of earlier epochs after the note's `live` that the journal still has. */
  readonly kept: number
  /** Records of earlier epochs after `note.head` that the journal still has. */
  readonly keptAfterNote: number
  /** Records that the journal still has of each range of the note. */
  readonly keptOfRanges?: readonly number[]
}

export class Ledger {
  readonly #epoch: number
  readonly #onDrop: (reason: string, count: number) => void
  readonly #dropped: Record<string, number>
  #delivered: number
  #filtered: number
  #rejected: number
  #cursor: Position
  #earlier: number
  /** What the live lane has left behind. */
  readonly backlog: Backlog

  /** `onDrop` is told of each loss as it is counted. */
  constructor(
    { epoch, bookmark, kept, keptAfterNote, keptOfRanges }: LedgerStart,
    onDrop: (reason: string, count: number) => void = () => {},
  ) {
    const note = readLedgerNote(bookmark)
    this.#epoch = epoch
    this.#cursor = note.live
    this.#delivered = note.delivered
    this.#filtered = note.filtered
    this.#rejected = note.rejected
    this.#dropped = note.dropped
    this.#onDrop = onDrop
    this.#earlier = kept
    const owedByNote = note.head.epoch === epoch ? note.pending - this.#ofThisEpoch(note.head.seq) : note.pending
    this.#drop(GAP, owedByNote + keptAfterNote - kept)
    this.backlog = new Backlog(epoch, note.ranges, (count) => this.#drop(GAP, count))
    this.backlog.ranges.forEach((range, index) => this.backlog.found(range, keptOfRanges?.[index] ?? range.owed))
  }

  /** Position of the last settled record of the live (or only) lane. */
  get cursor(): Position {
    return this.#cursor
  }

  /** Everything up to here is settled, in all lanes. */
  get settledUpTo(): Position {
    return this.backlog.ranges[0]?.cursor ?? this.#cursor
  }

  get delivered(): number {
    return this.#delivered
  }

  get filtered(): number {
    return this.#filtered
  }

  get rejected(): number {
    return this.#rejected
  }

  get dropped(): Readonly<Record<string, number>> {
    return { ...this.#dropped }
  }

  /** Records that wait or are under way. `headSeq`: the newest position of this run's epoch. */
  pending(headSeq: number): number {
    return this.backlog.pending + this.livePending(headSeq)
  }

  /** Those of them that are the live (or only) lane's. */
  livePending(headSeq: number): number {
    return this.#earlier + this.#ofThisEpoch(headSeq)
  }

  accepted(headSeq: number): number {
    const lost = Object.values(this.#dropped).reduce((sum, count) => sum + count, 0)
    return this.#delivered + this.#filtered + this.#rejected + lost + this.pending(headSeq)
  }

  /** The live lane goes on after `headSeq`; what waits is left behind as backlog. False when there are too many ranges. */
  leaveBehind(headSeq: number): boolean {
    if (this.backlog.ranges.length >= MAX_RANGES) return false
    const to = { epoch: this.#epoch, seq: headSeq }
    this.backlog.add(this.#cursor, to, this.livePending(headSeq))
    this.#cursor = to
    this.#earlier = 0
    return true
  }

  /** Counts what became of records of the backlog; their places are the backlog's. */
  count(counts: Pick<SettledBatch, 'delivered' | 'filtered' | 'rejected' | 'unknown'>): void {
    this.#drop(UNKNOWN_SENSOR, counts.unknown)
    this.#delivered += counts.delivered
    this.#filtered += counts.filtered
    this.#rejected += counts.rejected
  }

  /** A dead letter arrived after all. */
  redeliver(): void {
    this.#rejected = Math.max(0, this.#rejected - 1)
    this.#delivered += 1
  }

  /** Dead letters were given up: by somebody (`discarded`), or to make room (`dead-letters-full`). */
  giveUpLetters(reason: string, count: number): void {
    const given = Math.min(count, this.#rejected)
    this.#rejected -= given
    this.#drop(reason, given)
  }

  /** Moves the cursor to the end of `batch`; batches come in order. */
  settle(batch: SettledBatch): void {
    if (batch.epoch === this.#epoch) {
      const expected = this.#cursor.epoch === batch.epoch ? this.#cursor.seq + 1 : 1
      // What is left of the backlog when its turn is over has vanished.
      this.#drop(GAP, batch.firstSeq - expected + this.#earlier)
      this.#earlier = 0
    } else {
      const vanished = batch.stillKept === null ? 0 : Math.max(0, this.#earlier - batch.stillKept)
      this.#drop(GAP, vanished)
      this.#earlier = Math.max(0, this.#earlier - vanished - batch.length)
    }
    this.count(batch)
    this.#cursor = { epoch: batch.epoch, seq: batch.firstSeq + batch.length - 1 }
  }

  /** The ledger as text, to be kept beside the cursor. */
  note(headSeq: number): string {
    return writeLedgerNote({
      delivered: this.#delivered,
      filtered: this.#filtered,
      rejected: this.#rejected,
      dropped: this.#dropped,
      pending: this.livePending(headSeq),
      head: { epoch: this.#epoch, seq: headSeq },
      live: this.#cursor,
      ranges: [...this.backlog.ranges],
    })
  }

  /** Records of this run's epoch after the cursor, up to `headSeq`. */
  #ofThisEpoch(headSeq: number): number {
    return headSeq - (this.#cursor.epoch === this.#epoch ? this.#cursor.seq : 0)
  }

  #drop(reason: string, count: number): void {
    if (count <= 0) return
    this.#dropped[reason] = (this.#dropped[reason] ?? 0) + count
    this.#onDrop(reason, count)
  }
}
