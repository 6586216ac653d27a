// Lease → deliver → settle over one connection, for one lane: takes leases from its source, keeps a bounded number of them
// under way, and settles strictly in order. It ends with the connection; what was not settled is leased again by the next one.

import { TelemetryError } from '#domain/errors.ts'
import type { RecordBatch } from '#domain/reading.ts'
import type { Delivery, DeliveryResult, UplinkConnection } from '#domain/uplink.ts'
import type { Clock, Timer } from '#kit/clock.ts'

type Rejected = DeliveryResult['rejected']

/** Records taken from the journal, as deliveries; accounted for when all of these are answered. */
export interface Lease {
  /** null when there is only something to account for. */
  readonly batch: RecordBatch | null
  /** May be empty: nothing of the batch is wanted. */
  readonly deliveries: readonly Delivery[]
  /** Counts what became of it. Called once, in the order of the leases. */
  account(rejected: number): void
}

/** Where a window's records come from. */
export interface LaneSource {
  /** The next records; a number: ask again after so many milliseconds; null: ask again when woken. Never called twice at once. */
  lease(): Promise<Lease | number | null>
}

export interface WindowOptions {
  readonly clock: Clock
  readonly source: LaneSource
  readonly connection: Pick<UplinkConnection, 'deliver'>
  /** Leases under way at once. */
  readonly capacity: () => number
  /** False: nothing may be leased now; `wake` follows when it may. */
  readonly mayLease: () => boolean
  /** Milliseconds without any lease settled, while some are under way, after which the connection is given up. */
  readonly stallMs: number
  /** Refused rows of a batch, before it is settled. */
  readonly onRejected: (batch: RecordBatch, rejected: Rejected) => void
  /** The ledger has moved. `historical`: rows that were sent from a backlog, of them. */
  readonly onSettled: (historical: number) => void
}

/** A lease under way. */
interface Slot {
  readonly lease: Lease
  unanswered: number
  rejected: Rejected
}

export class DeliveryWindow {
  readonly #options: WindowOptions
  readonly #slots: Slot[] = []
  readonly #abort = new AbortController()
  #leasing = true
  #filling = false
  #woken = false
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

  get isFull(): boolean {
    return this.#slots.length >= this.#options.capacity()
  }

  /** Receive time of the oldest record that waits, Unix milliseconds, or a little before it; null when there is none. */
  get oldestReceivedAt(): number | null {
    return this.#slots[0]?.lease.batch?.receivedAt[0] ?? (this.#waiting === null ? null : this.#lastSettledReceivedAt)
  }

  /** There are new records, or more may be leased. */
  wake(): void {
    this.#woken = true
    this.#waiting?.cancel()
    this.#waiting = null
    this.#startFilling()
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

  /** Leases until the window is full or the source has nothing. One at a time: the order is the point. */
  async #fill(): Promise<void> {
    const { source, mayLease } = this.#options
    while (this.#leasing && !this.isFull && mayLease()) {
      this.#woken = false
      const lease = await source.lease()
      if (!this.#leasing) break
      if (typeof lease === 'object' && lease !== null) {
        this.#begin(lease)
      } else if (!this.#woken) {
        if (lease !== null) this.#waitFor(lease)
        break
      }
    }
    this.#filling = false
  }

  #waitFor(delayMs: number): void {
    this.#waiting = this.#options.clock.after(delayMs, () => {
      this.#waiting = null
      this.#startFilling()
    })
  }

  #begin(lease: Lease): void {
    const slot: Slot = { lease, unanswered: lease.deliveries.length, rejected: [] }
    this.#slots.push(slot)
    if (slot.unanswered === 0) return this.#settle()
    this.#watchStall()
    for (const delivery of lease.deliveries) void this.#deliver(slot, delivery)
  }

  async #deliver(slot: Slot, delivery: Delivery): Promise<void> {
    try {
      const { rejected } = await this.#options.connection.deliver(delivery, this.#abort.signal)
      if (rejected.length > 0) slot.rejected = [...slot.rejected, ...distinctRows(rejected, delivery)]
      slot.unanswered -= 1
      this.#settle()
    } catch (cause) {
      this.end(cause)
    }
  }

  /** Settles what is answered at the front of the window. */
  #settle(): void {
    if (this.#over || this.#slots[0]?.unanswered !== 0) return
    let historical = 0
    while (this.#slots[0]?.unanswered === 0) historical += this.#account(this.#slots.shift()!)
    this.#settledSome = true
    this.#lastProgress = this.#options.clock.monotonic()
    this.#options.onSettled(historical)
    if (this.#slots.length === 0) this.#resolveDrained()
    if (this.#waiting === null) this.#startFilling()
  }

  #account({ lease, rejected }: Slot): number {
    const { batch, deliveries } = lease
    if (batch !== null) {
      this.#lastSettledReceivedAt = batch.receivedAt[batch.length - 1]!
      if (rejected.length > 0) this.#options.onRejected(batch, rejected)
    }
    lease.account(rejected.length)
    return deliveries.reduce((sum, { historical, rowCount }) => sum + (historical ? rowCount : 0), 0)
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

/** A row counts once, and only if it was sent: whatever a receiver claims, the ledger stays exact. */
function distinctRows(rejected: Rejected, { rows, rowCount }: Delivery): Rejected {
  const open = new Set(rows.subarray(0, rowCount))
  return rejected.filter(({ row }) => open.delete(row))
}
