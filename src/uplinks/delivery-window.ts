// Lease → deliver → settle over one connection: reads batches after the cursor, keeps a bounded number of them under way, and
// settles strictly in order. It ends with the connection; what was not settled is leased again by the next one.

import type { Journal, Position } from '#domain/journal.ts'
import type { RecordBatch } from '#domain/reading.ts'
import type { Model } from '#domain/sensor.ts'
import type { DeliveryResult, UplinkConnection } from '#domain/uplink.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import type { Ledger } from './ledger.ts'
import type { ReplayThrottle } from './replay-throttle.ts'
import type { RowFilter, Selection } from './row-filter.ts'

/** Batches under way at once. */
const WINDOW_BATCHES = 4

export interface WindowOptions {
  readonly clock: Clock
  readonly journal: Journal
  /** Name of the cursor. */
  readonly reader: string
  readonly connection: Pick<UplinkConnection, 'deliver'>
  readonly filter: RowFilter
  readonly ledger: Ledger
  readonly throttle: ReplayThrottle
  readonly model: () => Model
  /** Most rows of the next batch. */
  readonly batchRows: () => number
  /** Milliseconds without any batch acknowledged, while some are under way, after which the connection is given up. */
  readonly stallMs: number
  /** Batches were settled. */
  readonly onProgress: () => void
  readonly onRejected: (count: number, firstReason: string) => void
}

/** A batch under way. */
interface Slot {
  readonly batch: RecordBatch
  readonly selection: Selection
  readonly stillKept: number | null
  result: DeliveryResult | null
}

export class DeliveryWindow {
  readonly #options: WindowOptions
  readonly #slots: Slot[] = []
  readonly #abort = new AbortController()
  #position: Position
  #leasing = true
  #filling = false
  #appended = false
  #over = false
  #settledSome = false
  #waiting: Timer | null = null
  #stall: Timer | null = null
  #lastProgress = 0
  #lastSettledReceivedAt: number | null = null
  #resolveEnded: (cause: unknown) => void = () => {}
  #resolveDrained: () => void = () => {}
  /** Resolves with the reason when the connection cannot be used any more. */
  readonly ended: Promise<unknown>

  constructor(options: WindowOptions) {
    this.#options = options
    this.#position = options.ledger.cursor
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
  }

  /** Anything settled over this connection? */
  get settledSome(): boolean {
    return this.#settledSome
  }

  get isBusy(): boolean {
    return this.#slots.length > 0
  }

  /** Receive time of the oldest record that waits, Unix milliseconds, or a little before it; null when there is none. */
  get oldestReceivedAt(): number | null {
    return this.#slots[0]?.batch.receivedAt[0] ?? (this.#waiting === null ? null : this.#lastSettledReceivedAt)
  }

  /** There are new records. */
  wake(): void {
    this.#appended = true
    if (this.#waiting === null) this.#startFilling()
  }

  /** Leases nothing more; resolves once everything under way is settled, or the window has ended. */
  drain(): Promise<void> {
    this.#leasing = false
    this.#waiting?.cancel()
    if (this.#over || this.#slots.length === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#resolveDrained = resolve
    })
  }

  /** Gives up what is under way. Safe to call twice. */
  end(cause: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#leasing = false
    this.#waiting?.cancel()
    this.#stall?.cancel()
    this.#abort.abort(cause)
    this.#resolveEnded(cause)
    this.#resolveDrained()
  }

  #startFilling(): void {
    if (this.#filling || !this.#leasing) return
    this.#filling = true
    this.#fill().catch((cause: unknown) => {
      this.#filling = false
      this.end(cause)
    })
  }

  /** Leases batches until the window is full, nothing is left, or the throttle holds. One at a time: the order is the point. */
  async #fill(): Promise<void> {
    const { journal, throttle, batchRows } = this.#options
    while (this.#leasing && this.#slots.length < WINDOW_BATCHES) {
      const rows = throttle.allowance(this.#position, journal.span().head, batchRows())
      if (rows === 0) {
        this.#waitForThrottle()
        break
      }
      this.#appended = false
      const batch = await journal.read(this.#position, rows)
      if (!this.#leasing) break
      if (batch !== null && batch.length > 0) {
        const stillKept = await this.#countAfterGap(batch)
        if (this.#leasing) this.#lease(batch, stillKept)
      } else if (!this.#appended) break
    }
    this.#filling = false
  }

  #waitForThrottle(): void {
    const { clock, throttle } = this.#options
    this.#waiting = clock.after(throttle.waitMs(), () => {
      this.#waiting = null
      this.#startFilling()
    })
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

  #lease(batch: RecordBatch, stillKept: number | null): void {
    const { filter, model, throttle } = this.#options
    const selection = filter.select(batch, model())
    const slot: Slot = { batch, selection, stillKept, result: null }
    this.#slots.push(slot)
    this.#position = { epoch: batch.epoch, seq: batch.firstSeq + batch.length - 1 }
    throttle.took(selection.rowCount)
    if (selection.rowCount === 0) {
      slot.result = { rejected: [] }
      this.#settle()
      return
    }
    this.#watchStall()
    void this.#deliver(slot)
  }

  async #deliver(slot: Slot): Promise<void> {
    const { batch, selection } = slot
    try {
      const { rows, rowCount } = selection
      const delivery = { lane: 'inOrder', historical: false, batch, rows, rowCount } as const
      slot.result = await this.#options.connection.deliver(delivery, this.#abort.signal)
      this.#settle()
    } catch (cause) {
      this.end(cause)
    }
  }

  /** Settles what is acknowledged at the front of the window. */
  #settle(): void {
    if (this.#over || !this.#slots[0]?.result) return
    const { ledger, journal, reader, onProgress, clock } = this.#options
    while (this.#slots[0]?.result) this.#account(this.#slots.shift()!)
    journal.settle(reader, ledger.cursor, ledger.note(journal.span().head.seq))
    this.#settledSome = true
    this.#lastProgress = clock.monotonic()
    onProgress()
    if (this.#slots.length === 0) this.#resolveDrained()
    if (this.#waiting === null) this.#startFilling()
  }

  #account({ batch, selection, stillKept, result }: Slot): void {
    const rejected = result?.rejected ?? []
    if (rejected.length > 0) this.#options.onRejected(rejected.length, rejected[0]!.reason)
    this.#lastSettledReceivedAt = batch.receivedAt[batch.length - 1]!
    this.#options.ledger.settle({
      epoch: batch.epoch,
      firstSeq: batch.firstSeq,
      length: batch.length,
      delivered: selection.rowCount - rejected.length,
      filtered: selection.filtered,
      rejected: rejected.length,
      unknown: selection.unknown,
      stillKept,
    })
  }

  #watchStall(): void {
    if (this.#slots.length === 1) this.#lastProgress = this.#options.clock.monotonic()
    if (this.#stall === null) this.#armStall(this.#options.stallMs)
  }

  #armStall(delayMs: number): void {
    const { clock, stallMs } = this.#options
    this.#stall = clock.after(delayMs, () => {
      this.#stall = null
      if (this.#over || this.#slots.length === 0) return
      const idleMs = clock.monotonic() - this.#lastProgress
      if (idleMs < stallMs) return this.#armStall(stallMs - idleMs)
      const message = `The receiver acknowledged nothing for ${Math.round(stallMs / 1000)} s`
      this.end(new TelemetryError('TIMEOUT', message, { retryable: true, context: { stallMs } }))
    })
  }
}
