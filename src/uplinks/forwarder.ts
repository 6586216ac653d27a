// One uplink at run time: connects, forwards over a delivery window, and comes back after each loss with backoff, forever.
// It holds up nobody: neither the start, nor the stop, nor another uplink.

import { isTelemetryError, toTelemetryError } from '#domain/errors.ts'
import type { Journal, Position } from '#domain/journal.ts'
import type { Log } from '#domain/driver.ts'
import type { Model } from '#domain/sensor.ts'
import type { UplinkConnection, UplinkKind, UplinkState, UplinkStatus } from '#domain/uplink.ts'
import { Backoff } from '#kit/backoff.ts'
import { sleep, type Clock } from '#kit/clock.ts'
import { withDeadline } from '#kit/deadline.ts'
import { DeliveryWindow } from './delivery-window.ts'
import { Ledger, readLedgerNote } from './ledger.ts'
import { ReplayThrottle } from './replay-throttle.ts'
import { RowFilter } from './row-filter.ts'

const BATCH_ROWS = 500
const CONNECT_TIMEOUT_MS = 30_000
const STALL_MS = 30_000
/** A connection that held this long counts as good, even if nothing was to be sent. */
const STEADY_MS = 60_000
const FIRST_BACKOFF_MS = 500
const MAX_BACKOFF_MS = 30_000
/** How long a goodbye may take. */
const CLOSE_TIMEOUT_MS = 3000
/** Rejections are logged at most this often. */
const REJECT_LOG_MS = 10_000

/** Reason in telemetryx_dropped_total of what the receiver refused for good. */
export const REJECTED = 'rejected'

export interface UplinkDefinition {
  readonly id: string
  readonly kind: UplinkKind
  /** Decoded by the kind's schema. */
  readonly config: unknown
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  /** Records a second while a backlog is replayed; null: no limit. */
  readonly maxRate: number | null
}

export interface ForwarderOptions {
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  readonly journal: Journal
  readonly model: () => Model
  readonly gateway: string
  readonly factory: string
  readonly definition: UplinkDefinition
  /** Without a cursor from before it begins with the next record, not with this run's first one. */
  readonly beginsAtHead?: boolean
  /** Told of each record that will not arrive: the reason, and how many. */
  readonly onDrop: (reason: string, count: number) => void
}

export class Forwarder {
  readonly #options: ForwarderOptions
  readonly #connection: UplinkConnection
  readonly #filter: RowFilter
  readonly #throttle: ReplayThrottle
  readonly #backoff: Backoff
  readonly #reader: string
  readonly #stopping = new AbortController()
  #ledger: Ledger
  #deliveredBefore = 0
  #window: DeliveryWindow | null = null
  #state: UplinkState = 'connecting'
  #reason: string | null = null
  /** The connection was lost before its window was there. */
  #earlyLoss: { readonly cause: unknown } | null = null
  #batchRows = BATCH_ROWS
  #oldestReceivedAt: number | null = null
  #rejectLoggedAt = Number.NEGATIVE_INFINITY
  #running: Promise<void> | null = null
  #unsubscribe: () => void = () => {}

  constructor(options: ForwarderOptions) {
    const { clock, definition, random, journal, log } = options
    this.#options = options
    this.#reader = `uplink/${definition.id}`
    this.#filter = new RowFilter(definition.include, definition.exclude)
    this.#throttle = new ReplayThrottle(clock, definition.maxRate)
    this.#backoff = new Backoff({ firstMs: FIRST_BACKOFF_MS, maxMs: MAX_BACKOFF_MS, random })
    const bookmark = { epoch: journal.epoch, seq: 0 }
    this.#ledger = new Ledger({ epoch: journal.epoch, bookmark, kept: 0, keptAfterNote: 0 })
    this.#connection = definition.kind.open(
      { id: definition.id, config: definition.config, gateway: options.gateway, factory: options.factory },
      { log, model: options.model, lost: (cause) => this.#onLost(cause) },
    )
  }

  get definition(): UplinkDefinition {
    return this.#options.definition
  }

  /** The gateway has another model: connections that told of the old one tell anew. */
  modelChanged(): void {
    this.#connection.modelChanged?.()
  }

  /** Records delivered since this start of the gateway. */
  get deliveredInRun(): number {
    return this.#ledger.delivered - this.#deliveredBefore
  }

  /** Finds its place in the journal and begins to connect; does not wait for the receiver. */
  async start(): Promise<void> {
    if (this.#running) return
    const { journal, onDrop } = this.#options
    // A new uplink begins with this run's first record: what the run accepts is forwarded even if it ends before the first connection.
    const first = this.#options.beginsAtHead ? journal.span().head : { epoch: journal.epoch, seq: 0 }
    const bookmark = (await journal.cursor(this.#reader)) ?? first
    const kept = await this.#countEarlier(bookmark)
    const keptAfterNote = await this.#countEarlier(readLedgerNote(bookmark).head)
    this.#ledger = new Ledger({ epoch: journal.epoch, bookmark, kept, keptAfterNote }, onDrop)
    this.#deliveredBefore = this.#ledger.delivered
    this.#keepLedger()
    this.#unsubscribe = journal.onAppend(() => this.#onAppend())
    await this.#peekOldest()
    this.#running = this.#run()
  }

  /** Lets what is under way arrive until `signal` aborts, then says goodbye. */
  async stop(signal: AbortSignal): Promise<void> {
    this.#unsubscribe()
    this.#stopping.abort()
    if (this.#window) await untilAborted(this.#window.drain(), signal)
    this.#window?.end(null)
    await this.#running
    await this.#close(signal)
    if (this.#running) this.#keepLedger()
    this.#state = 'stopped'
  }

  status(): UplinkStatus {
    const { clock, definition, journal } = this.#options
    const headSeq = journal.span().head.seq
    const { cursor, delivered, rejected, filtered, dropped } = this.#ledger
    const oldest = this.#oldestPending(headSeq)
    return {
      id: definition.id,
      type: definition.kind.type,
      state: this.#state,
      reason: this.#state === 'online' ? null : this.#reason,
      cursor: `${cursor.epoch}/${cursor.seq}`,
      accepted: this.#ledger.accepted(headSeq),
      delivered,
      pending: this.#ledger.pending(headSeq),
      rejected,
      filtered,
      dropped,
      oldestPendingAge: oldest === null ? 0 : Math.max(0, (clock.now() - oldest) / 1000),
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const cause = await this.#connectAndForward(signal).catch((error: unknown) => error)
      if (signal.aborted) return
      this.#retryBecause(cause)
      await this.#peekOldest()
      await sleep(this.#options.clock, this.#backoff.next(), signal).catch(() => {})
    }
  }

  /** One connection, from the first try to its end; resolves or rejects with why it is over. */
  async #connectAndForward(signal: AbortSignal): Promise<unknown> {
    const { clock, definition, log } = this.#options
    this.#earlyLoss = null
    const what = `Connecting uplink ${definition.id}`
    await withDeadline({ clock, timeoutMs: CONNECT_TIMEOUT_MS, what, signal }, (limit) =>
      this.#connection.connect(limit),
    )
    const early = this.#earlyLoss as { readonly cause: unknown } | null // set by #onLost meanwhile
    if (early) throw early.cause
    if (signal.aborted) return null
    const window = this.#openWindow()
    const since = clock.monotonic()
    this.#window = window
    this.#state = 'online'
    log.info({ uplink: definition.id, attempts: this.#backoff.attempt + 1 }, 'Uplink online')
    window.wake()
    const cause = await window.ended
    this.#window = null
    if (clock.monotonic() - since >= STEADY_MS) this.#backoff.reset()
    // Fewer at a time, so that a slow or shaky line gets at least some through before it breaks again.
    if (window.isBusy && !window.settledSome) this.#batchRows = Math.max(1, this.#batchRows >> 2)
    return cause
  }

  /** Records of earlier epochs after `position` that the journal still has. */
  async #countEarlier(position: Position): Promise<number> {
    const { journal } = this.#options
    return position.epoch < journal.epoch ? journal.count(position, { epoch: journal.epoch, seq: 0 }) : 0
  }

  #keepLedger(): void {
    const { journal } = this.#options
    journal.settle(this.#reader, this.#ledger.cursor, this.#ledger.note(journal.span().head.seq))
  }

  #openWindow(): DeliveryWindow {
    const { clock, journal, model } = this.#options
    const { head } = journal.span()
    this.#throttle.begin(head, this.#ledger.pending(head.seq))
    return new DeliveryWindow({
      clock,
      journal,
      model,
      reader: this.#reader,
      connection: this.#connection,
      filter: this.#filter,
      ledger: this.#ledger,
      throttle: this.#throttle,
      batchRows: () => this.#batchRows,
      stallMs: STALL_MS,
      onProgress: () => this.#onProgress(),
      onRejected: (count, reason) => this.#onRejected(count, reason),
    })
  }

  #onLost(cause: unknown): void {
    if (this.#window) this.#window.end(cause)
    else this.#earlyLoss = { cause }
  }

  #onAppend(): void {
    if (this.#window) this.#window.wake()
    else if (this.#oldestReceivedAt === null) void this.#peekOldest()
  }

  #onProgress(): void {
    this.#backoff.reset()
    this.#oldestReceivedAt = null
    if (this.#batchRows < BATCH_ROWS) this.#batchRows = Math.min(BATCH_ROWS, this.#batchRows * 2)
  }

  #onRejected(count: number, reason: string): void {
    const { clock, definition, log, onDrop } = this.#options
    onDrop(REJECTED, count)
    if (clock.monotonic() - this.#rejectLoggedAt < REJECT_LOG_MS) return
    this.#rejectLoggedAt = clock.monotonic()
    log.warn(
      { uplink: definition.id, count, reason, rejected: this.#ledger.rejected + count },
      'Receiver rejected records',
    )
  }

  #retryBecause(cause: unknown): void {
    const { definition, log } = this.#options
    const error = toTelemetryError(cause, 'CONNECTION_LOST', { retryable: true })
    const news = this.#state !== 'retrying' || this.#reason !== error.message
    this.#state = 'retrying'
    this.#reason = error.message
    const fields = { uplink: definition.id, code: error.code, reason: error.message, attempt: this.#backoff.attempt }
    if (news) log.warn(fields, 'Uplink not connected')
    else log.debug(fields, 'Uplink still not connected')
  }

  /** Learns since when the oldest record waits, so that the age is known while there is no connection. */
  async #peekOldest(): Promise<void> {
    const { journal } = this.#options
    if (this.#ledger.pending(journal.span().head.seq) === 0) return
    const batch = await journal.read(this.#ledger.cursor, 1).catch(() => null)
    if (batch && batch.length > 0 && !this.#window?.settledSome) this.#oldestReceivedAt = batch.receivedAt[0]!
  }

  #oldestPending(headSeq: number): number | null {
    if (this.#ledger.pending(headSeq) === 0) return null
    return this.#window?.oldestReceivedAt ?? this.#oldestReceivedAt
  }

  async #close(signal: AbortSignal): Promise<void> {
    const { clock, definition, log } = this.#options
    const what = `Closing uplink ${definition.id}`
    try {
      await withDeadline({ clock, timeoutMs: CLOSE_TIMEOUT_MS, what, signal }, () => this.#connection.close())
    } catch (cause) {
      if (!isTelemetryError(cause, 'ABORTED'))
        log.warn({ uplink: definition.id, cause }, 'Uplink did not close cleanly')
    }
  }
}

/** Resolves when `work` does or `signal` aborts, whichever comes first. */
function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return resolve()
    const onAbort = (): void => resolve()
    signal.addEventListener('abort', onAbort, { once: true })
    work.finally(() => signal.removeEventListener('abort', onAbort)).then(resolve, reject)
  })
}
