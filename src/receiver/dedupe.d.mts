// Drops repeats by (gateway, epoch, seq): what a receiver needs so that at-least-once delivery becomes exactly once. See README.md.

/** First and last position, both within. */
export type SeqRange = readonly [first: number, last: number]

/** What is kept of one epoch; plain JSON. */
export interface EpochState {
  readonly epoch: number
  readonly ranges: readonly SeqRange[]
}

export interface TakenBatch {
  readonly epoch: number
  /** Positions of its records, rising. */
  readonly seqs: ArrayLike<number> & Iterable<number>
  /** Positions that the receiver refused: they may come again. */
  readonly refused?: readonly number[]
  /** Batch.first_seq; 0 or absent: the batch covers its records only. */
  readonly firstSeq?: number
  /** Batch.last_seq. */
  readonly lastSeq?: number
  /** Batch.open_seqs. */
  readonly openSeqs?: readonly number[]
}

/** Which positions of one gateway have arrived. Keep one for each gateway. */
export class ReceivedPositions {
  /** @param state what `toJSON` gave. */
  constructor(state?: readonly EpochState[])
  /** Has this record arrived? */
  has(epoch: number, seq: number): boolean
  /**
   * Indices of the seqs that have not arrived yet; of one seq that comes twice only the first. Remembers nothing. Throws
   * RangeError for what is no position.
   */
  fresh(epoch: number, seqs: ArrayLike<number>): number[]
  /** Remembers the positions from `first` to `last`. Call it in the same transaction that keeps the records. */
  add(epoch: number, first: number, last?: number): void
  /** Remembers a batch: its records, but for those that were refused, and what it covers. Returns the ranges that it added. */
  addBatch(batch: TakenBatch): SeqRange[]
  /** Positions between the first and the last of an epoch that have not arrived: still to come, refused, or lost at the gateway. */
  gaps(epoch: number): SeqRange[]
  /** Epochs of which anything has arrived, in order. */
  epochs(): number[]
  /** Last position of an epoch that has arrived; 0 when none. */
  last(epoch: number): number
  /** How many ranges are kept: what this costs. */
  readonly rangeCount: number
  /** Forgets an epoch of which nothing will come any more. A repeat of it would be taken as new. */
  forget(epoch: number): boolean
  toJSON(): EpochState[]
}
