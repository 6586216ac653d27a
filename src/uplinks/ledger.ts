// The loss ledger of one uplink: what became of every record that the journal accepted. Pure.
// accepted = delivered + pending + filtered + dropped (by reason) + rejected, at every moment and across restarts.
//
// Within this run's epoch everything is counted by position, so that a record that vanished from the journal before its turn
// shows as a gap. Of earlier epochs (`backlog`) the ledger knows how many are owed and the journal how many it still has.

import { comparePositions, type Bookmark, type Position } from '#domain/journal.ts'

/** No longer in the journal when its turn came: retention, disk budget, `whenFull: dropOldest`, or a crash before it was durable. */
export const GAP = 'gap'
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
  /** Records of earlier epochs after the bookmark that the journal still has. */
  readonly kept: number
  /** Records of earlier epochs after `note.head` that the journal still has. */
  readonly keptAfterNote: number
}

/** What is kept beside the cursor. */
export interface LedgerNote {
  delivered: number
  filtered: number
  rejected: number
  dropped: Record<string, number>
  /** Records that waited when the note was written, up to `head`. */
  pending: number
  head: Position
}

export class Ledger {
  readonly #epoch: number
  readonly #onDrop: (reason: string, count: number) => void
  readonly #dropped: Record<string, number>
  #delivered: number
  #filtered: number
  #rejected: number
  #cursor: Position
  #backlog: number

  /** `onDrop` is told of each loss as it is counted. */
  constructor(
    { epoch, bookmark, kept, keptAfterNote }: LedgerStart,
    onDrop: (reason: string, count: number) => void = () => {},
  ) {
    const note = readLedgerNote(bookmark)
    this.#epoch = epoch
    this.#cursor = { epoch: bookmark.epoch, seq: bookmark.seq }
    this.#delivered = note.delivered
    this.#filtered = note.filtered
    this.#rejected = note.rejected
    this.#dropped = note.dropped
    this.#onDrop = onDrop
    this.#backlog = kept
    const owedByNote = note.head.epoch === epoch ? note.pending - this.#ofThisEpoch(note.head.seq) : note.pending
    this.#drop(GAP, owedByNote + keptAfterNote - kept)
  }

  /** Position of the last settled record. */
  get cursor(): Position {
    return this.#cursor
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
    return this.#backlog + this.#ofThisEpoch(headSeq)
  }

  accepted(headSeq: number): number {
    const lost = Object.values(this.#dropped).reduce((sum, count) => sum + count, 0)
    return this.#delivered + this.#filtered + this.#rejected + lost + this.pending(headSeq)
  }

  /** Moves the cursor to the end of `batch`; batches come in order. */
  settle(batch: SettledBatch): void {
    if (batch.epoch === this.#epoch) {
      const expected = this.#cursor.epoch === batch.epoch ? this.#cursor.seq + 1 : 1
      // What is left of the backlog when its turn is over has vanished.
      this.#drop(GAP, batch.firstSeq - expected + this.#backlog)
      this.#backlog = 0
    } else {
      const vanished = batch.stillKept === null ? 0 : Math.max(0, this.#backlog - batch.stillKept)
      this.#drop(GAP, vanished)
      this.#backlog = Math.max(0, this.#backlog - vanished - batch.length)
    }
    this.#drop(UNKNOWN_SENSOR, batch.unknown)
    this.#delivered += batch.delivered
    this.#filtered += batch.filtered
    this.#rejected += batch.rejected
    this.#cursor = { epoch: batch.epoch, seq: batch.firstSeq + batch.length - 1 }
  }

  /** The ledger as text, to be kept beside the cursor. */
  note(headSeq: number): string {
    const note: LedgerNote = {
      delivered: this.#delivered,
      filtered: this.#filtered,
      rejected: this.#rejected,
      dropped: this.#dropped,
      pending: this.pending(headSeq),
      head: { epoch: this.#epoch, seq: headSeq },
    }
    return JSON.stringify(note)
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

/** The note beside a bookmark; zeros for what is missing or makes no sense (another version's note: the cursor still stands). */
export function readLedgerNote(bookmark: Bookmark): LedgerNote {
  const kept = parseObject(bookmark.note)
  const head = kept.head as Partial<Record<keyof Position, unknown>> | null | undefined
  const position = { epoch: countOf(head?.epoch), seq: countOf(head?.seq) }
  const isUsable = comparePositions(position, bookmark) >= 0
  const dropped: Record<string, number> = {}
  for (const [reason, count] of Object.entries(kept.dropped ?? {}))
    if (countOf(count) > 0) dropped[reason] = countOf(count)
  return {
    delivered: countOf(kept.delivered),
    filtered: countOf(kept.filtered),
    rejected: countOf(kept.rejected),
    dropped,
    pending: isUsable ? countOf(kept.pending) : 0,
    head: isUsable ? position : { epoch: bookmark.epoch, seq: bookmark.seq },
  }
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
