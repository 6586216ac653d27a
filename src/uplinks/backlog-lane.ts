// The second lane: works through the ranges that were left behind, oldest first, in two passes: all alarms and events that
// wait, then the readings. With `inOrder` (after the order was changed) one pass, strictly by position.

import { comparePositions, type Position } from '#domain/journal.ts'
import type { RecordBatch } from '#domain/reading.ts'
import { isScanned } from './backlog.ts'
import { deliveriesOf } from './deliveries.ts'
import type { LaneSource, Lease } from './delivery-window.ts'
import type { LaneOptions } from './follow-lane.ts'
import type { BacklogRange } from './ledger-note.ts'

/** Records looked through at once for alarms and events. */
const SCAN_ROWS = 2000

/** Where leasing is in a range; the ledger's places follow as it is settled. */
interface Progress {
  scanned: Position
  read: Position
}

export class BacklogLane implements LaneSource {
  readonly #options: LaneOptions
  readonly #progress = new Map<BacklogRange, Progress>()

  constructor(options: LaneOptions) {
    this.#options = options
    for (const range of options.ledger.backlog.ranges)
      this.#progress.set(range, { scanned: range.scanned, read: range.cursor })
  }

  async lease(): Promise<Lease | number | null> {
    const { order } = this.#options
    for (const [range, progress] of order === 'liveFirst' ? this.#progress : [])
      if (comparePositions(progress.scanned, range.to) < 0) return await this.#scan(range, progress)
    for (const [range, progress] of this.#progress)
      if (comparePositions(progress.read, range.to) < 0) return await this.#read(range, progress)
    return null
  }

  async #scan(range: BacklogRange, progress: Progress): Promise<Lease> {
    const { ledger, filter, model, map } = this.#options
    const batch = await this.#within(range, progress.scanned, SCAN_ROWS)
    const end = batch ? endOf(batch) : range.to
    progress.scanned = end
    if (!batch) return { batch: null, deliveries: [], account: () => ledger.backlog.scan(range, end, 0) }
    const selection = filter.select(batch, model(), { readings: false, entriesFrom: 0 })
    const { rowCount, filtered, unknown } = selection
    return {
      batch,
      deliveries: deliveriesOf(map.batch(batch, model()), selection, 'backlog', true),
      account: (rejected) => {
        ledger.count({ delivered: rowCount - rejected, filtered, rejected, unknown })
        ledger.backlog.scan(range, end, rowCount + filtered + unknown)
      },
    }
  }

  async #read(range: BacklogRange, progress: Progress): Promise<Lease | number> {
    const { ledger, filter, model, map, throttle, batchRows, journal, order } = this.#options
    const allowed = throttle.allowance(progress.read, journal.span().head, batchRows())
    if (allowed === 0) return throttle.waitMs()
    const batch = await this.#within(range, progress.read, allowed)
    if (!batch) {
      progress.read = range.to
      return { batch, deliveries: [], account: () => this.#finish(range) }
    }
    const end = endOf(batch)
    progress.read = end
    const entriesFrom = rowAfter(batch, isScanned(range) ? range.to : progress.scanned)
    const selection = filter.select(batch, model(), { readings: true, entriesFrom })
    const { rowCount, filtered, unknown, skipped } = selection
    throttle.took(rowCount)
    return {
      batch,
      deliveries: deliveriesOf(map.batch(batch, model()), selection, order === 'inOrder' ? 'inOrder' : 'backlog', true),
      account: (rejected) => {
        ledger.count({ delivered: rowCount - rejected, filtered, rejected, unknown })
        ledger.backlog.settle(range, batch, skipped)
        if (comparePositions(end, range.to) >= 0) this.#finish(range)
      },
    }
  }

  #finish(range: BacklogRange): void {
    this.#options.ledger.backlog.finish(range)
    this.#progress.delete(range)
  }

  /** Records of the range after a position; null: there are none any more. */
  async #within({ to }: BacklogRange, after: Position, limit: number): Promise<RecordBatch | null> {
    const batch = await this.#options.journal.read(after, limit)
    if (batch === null || batch.length === 0 || batch.epoch > to.epoch) return null
    const length = batch.epoch === to.epoch ? Math.min(batch.length, to.seq - batch.firstSeq + 1) : batch.length
    if (length <= 0) return null
    return length === batch.length ? batch : { ...batch, length }
  }
}

function endOf({ epoch, firstSeq, length }: RecordBatch): Position {
  return { epoch, seq: firstSeq + length - 1 }
}

/** The first row of a batch that is beyond a position. */
function rowAfter({ epoch, firstSeq, length }: RecordBatch, position: Position): number {
  if (epoch !== position.epoch) return epoch < position.epoch ? length : 0
  return Math.min(length, Math.max(0, position.seq - firstSeq + 1))
}
