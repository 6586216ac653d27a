// The lane that follows the newest records: the only one with `inOrder`, the live one with `liveFirst`.

import { comparePositions, type Journal, type Position } from '#domain/journal.ts'
import type { RecordBatch } from '#domain/reading.ts'
import type { Model } from '#domain/sensor.ts'
import type { Lane } from '#domain/uplink.ts'
import type { Clock } from '#kit/clock.ts'
import { deliveriesOf } from './deliveries.ts'
import type { LaneSource, Lease } from './delivery-window.ts'
import type { Ledger } from './ledger.ts'
import type { ReplayThrottle } from './replay-throttle.ts'
import type { RowFilter } from './row-filter.ts'
import type { SensorMap } from './sensor-map.ts'

export interface LaneOptions {
  readonly clock: Clock
  readonly journal: Journal
  readonly ledger: Ledger
  readonly filter: RowFilter
  readonly map: SensorMap
  readonly throttle: ReplayThrottle
  readonly model: () => Model
  readonly order: 'inOrder' | 'liveFirst'
  /** Most rows of the next batch. */
  readonly batchRows: () => number
  /** How long records wait for a batch to become full, in milliseconds. */
  readonly batchDelayMs: number
}

export class FollowLane implements LaneSource {
  readonly #options: LaneOptions
  readonly #lane: Lane
  /** The newest record when the connection came up. */
  readonly #mark: Position
  #position: Position
  /** Monotonic milliseconds since which a batch that is not full waits. */
  #waitingSince: number | null = null

  constructor(options: LaneOptions) {
    this.#options = options
    this.#lane = options.order === 'inOrder' ? 'inOrder' : 'live'
    this.#position = options.ledger.cursor
    this.#mark = options.journal.span().head
  }

  async lease(): Promise<Lease | number | null> {
    const { journal, throttle, batchRows } = this.#options
    const delayMs = this.#delay(journal.span().head)
    if (delayMs > 0) return delayMs
    const wanted = batchRows()
    const allowed = this.#lane === 'live' ? wanted : throttle.allowance(this.#position, journal.span().head, wanted)
    if (allowed === 0) return throttle.waitMs()
    const batch = await journal.read(this.#position, this.#upToMark(allowed))
    if (batch === null || batch.length === 0) return null
    return this.#leaseOf(batch, await this.#countAfterGap(batch))
  }

  #leaseOf(batch: RecordBatch, stillKept: number | null): Lease {
    const { filter, map, model, throttle, ledger } = this.#options
    const selection = filter.select(batch, model())
    this.#position = { epoch: batch.epoch, seq: batch.firstSeq + batch.length - 1 }
    if (this.#lane === 'inOrder') throttle.took(selection.rowCount)
    const historical = comparePositions(this.#position, this.#mark) <= 0
    return {
      batch,
      deliveries: deliveriesOf(map.batch(batch, model()), selection, this.#lane, historical),
      account: (rejected) =>
        ledger.settle({
          epoch: batch.epoch,
          firstSeq: batch.firstSeq,
          length: batch.length,
          delivered: selection.rowCount - rejected,
          filtered: selection.filtered,
          rejected,
          unknown: selection.unknown,
          stillKept,
        }),
    }
  }

  /** Milliseconds to wait for more records, while there are some but not a full batch. */
  #delay(head: Position): number {
    const { clock, batchDelayMs, batchRows } = this.#options
    const { epoch, seq } = this.#position
    const waiting = epoch === head.epoch ? head.seq - seq : Number.POSITIVE_INFINITY
    if (batchDelayMs === 0 || waiting === 0 || waiting >= batchRows()) {
      this.#waitingSince = null
      return 0
    }
    this.#waitingSince ??= clock.monotonic()
    const rest = this.#waitingSince + batchDelayMs - clock.monotonic()
    if (rest <= 0) this.#waitingSince = null
    return Math.max(0, rest)
  }

  /** A batch is either of what waited or of what came since. */
  #upToMark(rows: number): number {
    const { epoch, seq } = this.#position
    const before = epoch === this.#mark.epoch ? this.#mark.seq - seq : 0
    return before > 0 ? Math.min(rows, before) : rows
  }

  /** For the ledger: what an earlier epoch has lost since the start shows only by counting again. */
  async #countAfterGap(batch: RecordBatch): Promise<number | null> {
    const { journal } = this.#options
    const expected = this.#position.epoch === batch.epoch ? this.#position.seq + 1 : 1
    if (batch.epoch === journal.epoch || batch.firstSeq === expected) return null
    // The batch is in hand, whatever the journal gives up meanwhile: only what follows it is counted.
    const last = { epoch: batch.epoch, seq: batch.firstSeq + batch.length - 1 }
    return batch.length + (await journal.count(last, { epoch: journal.epoch, seq: 0 }))
  }
}
