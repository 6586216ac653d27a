// The loss ledger of one uplink: what became of every record that the journal accepted. Pure.
// accepted = delivered + pending + filtered + dropped (by reason) + rejected, at every moment.
//
// Within this run's epoch everything is counted by position, so that a record that vanished from the journal before its turn
// shows as a gap. Of earlier epochs the journal says how many records it still has (`backlog`).

import type { Bookmark, Position } from '#domain/journal.ts'

/** The journal no longer had the record when its turn came: retention, disk budget, or `buffer.whenFull: dropOldest`. */
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
  /**
   * Records of earlier epochs that the journal still had from this batch on; null when the batch follows the one before
   * without a gap, or is of this run's epoch.
   */
  readonly stillKept: number | null
}

export interface LedgerStart {
  /** This run's epoch. */
  readonly epoch: number
  readonly bookmark: Bookmark
  /** Records of earlier epochs after the bookmark that the journal still has. */
  readonly backlog: number
}

/** Counts that are kept beside the cursor. */
interface Counts {
  delivered: number
  filtered: number
  rejected: number
  dropped: Record<string, number>
}

export class Ledger {
  readonly #epoch: number
  readonly #counts: Counts
  readonly #onDrop: (reason: string, count: number) => void
  #cursor: Position
  #backlog: number

  /** `onDrop` is told of each loss as it is counted. */
  constructor(start: LedgerStart, onDrop: (reason: string, count: number) => void = () => {}) {
    this.#epoch = start.epoch
    this.#cursor = { epoch: start.bookmark.epoch, seq: start.bookmark.seq }
    this.#backlog = start.backlog
    this.#counts = readNote(start.bookmark.note)
    this.#onDrop = onDrop
  }

  /** Position of the last settled record. */
  get cursor(): Position {
    return this.#cursor
  }

  get delivered(): number {
    return this.#counts.delivered
  }

  get filtered(): number {
    return this.#counts.filtered
  }

  get rejected(): number {
    return this.#counts.rejected
  }

  get dropped(): Readonly<Record<string, number>> {
    return { ...this.#counts.dropped }
  }

  /** Records that wait or are under way. `headSeq`: the newest position of this run's epoch. */
  pending(headSeq: number): number {
    return this.#backlog + headSeq - (this.#cursor.epoch === this.#epoch ? this.#cursor.seq : 0)
  }

  accepted(headSeq: number): number {
    const { delivered, filtered, rejected, dropped } = this.#counts
    const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0)
    return delivered + filtered + rejected + lost + this.pending(headSeq)
  }

  /** Moves the cursor to the end of `batch`; batches come in order. */
  settle(batch: SettledBatch): void {
    const expected = this.#cursor.epoch === batch.epoch ? this.#cursor.seq + 1 : 1
    const gap = batch.firstSeq - expected
    if (batch.epoch === this.#epoch) {
      this.#drop(GAP, gap + this.#backlog) // a backlog that is left when its turn is over has vanished
      this.#backlog = 0
    } else {
      const vanished = batch.stillKept === null ? 0 : Math.max(0, this.#backlog - batch.stillKept)
      this.#drop(GAP, Math.max(gap, vanished))
      this.#backlog = Math.max(0, this.#backlog - vanished - batch.length)
    }
    this.#drop(UNKNOWN_SENSOR, batch.unknown)
    this.#counts.delivered += batch.delivered
    this.#counts.filtered += batch.filtered
    this.#counts.rejected += batch.rejected
    this.#cursor = { epoch: batch.epoch, seq: batch.firstSeq + batch.length - 1 }
  }

  /** The counts as text, to be kept beside the cursor. */
  note(): string {
    return JSON.stringify(this.#counts)
  }

  #drop(reason: string, count: number): void {
    if (count <= 0) return
    this.#counts.dropped[reason] = (this.#counts.dropped[reason] ?? 0) + count
    this.#onDrop(reason, count)
  }
}

/** Counts of a note; zero for what is missing or makes no sense. */
function readNote(note: string | undefined): Counts {
  const counts: Counts = { delivered: 0, filtered: 0, rejected: 0, dropped: {} }
  const kept = parseObject(note)
  if (kept === null) return counts
  for (const key of ['delivered', 'filtered', 'rejected'] as const) counts[key] = countOf(kept[key])
  const dropped = kept.dropped
  if (typeof dropped !== 'object' || dropped === null) return counts
  for (const [reason, count] of Object.entries(dropped)) if (countOf(count) > 0) counts.dropped[reason] = countOf(count)
  return counts
}

function countOf(count: unknown): number {
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : 0
}

function parseObject(text: string | undefined): Record<string, unknown> | null {
  if (text === undefined) return null
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : null
  } catch {
    return null // a note of another version: the counts begin anew, the cursor stands
  }
}
