// One uplink at run time: connects, forwards what its lanes lease, and comes back after each loss with backoff, forever.
// It holds up nobody: neither the start, nor the stop, nor another uplink.

import type { KeptLetter } from '#domain/dead-letter.ts'
import { TelemetryError, toTelemetryError } from '#domain/errors.ts'
import type { Position } from '#domain/journal.ts'
import type { RecordBatch } from '#domain/reading.ts'
import type { DeliveryResult, UplinkConnection, UplinkState, UplinkStatus } from '#domain/uplink.ts'
import { Backoff } from '#kit/backoff.ts'
import { sleep } from '#kit/clock.ts'
import { withDeadline } from '#kit/deadline.ts'
import { Breaker } from './breaker.ts'
import { DEFAULT_BATCH_RECORDS, DEFAULT_DEAD_LETTERS, DEFAULT_IN_FLIGHT, readerOf } from './definition.ts'
import type { ForwarderOptions, UplinkDefinition } from './definition.ts'
import { sayGoodbye, untilAborted } from './goodbye.ts'
import { laneStatuses, positionText } from './lane-status.ts'
import { Ledger } from './ledger.ts'
import { readLedgerNote } from './ledger-note.ts'
import { Letters } from './letters.ts'
import { RejectionLog } from './rejection-log.ts'
import { ReplayMeter } from './replay-meter.ts'
import { ReplayThrottle } from './replay-throttle.ts'
import { RowFilter } from './row-filter.ts'
import { SensorMap } from './sensor-map.ts'
import { Transfer } from './transfer.ts'
import { uplinkServices } from './services.ts'

const CONNECT_TIMEOUT_MS = 30_000
const STALL_MS = 30_000
/** A connection that held this long counts as good, even if nothing was to be sent. */
const STEADY_MS = 60_000
const FIRST_BACKOFF_MS = 500
const MAX_BACKOFF_MS = 30_000
/** How long a dead letter that is sent again may take. */
const RETRY_TIMEOUT_MS = 15_000
/** Records of the first batch of a try with the breaker half open. */
const PROBE_ROWS = 10

/** Reason in telemetryx_dropped_total of what the receiver refused for good, where it is not kept as a dead letter. */
export const REJECTED = 'rejected'

export class Forwarder {
  readonly #options: ForwarderOptions
  readonly #connection: UplinkConnection
  readonly #filter: RowFilter
  readonly #map: SensorMap
  readonly #throttle: ReplayThrottle
  readonly #backoff: Backoff
  readonly #breaker = new Breaker()
  readonly #replay: ReplayMeter
  readonly #letters: Letters
  readonly #reader: string
  readonly #stopping = new AbortController()
  readonly #fullBatch: number
  #ledger: Ledger
  #deliveredBefore = 0
  #transfer: Transfer | null = null
  #state: UplinkState = 'connecting'
  #reason: string | null = null
  /** Why nothing is to be sent over the connection that stands. */
  #held: string | null = null
  /** The connection was lost before its transfer was there. */
  #earlyLoss: { readonly cause: unknown } | null = null
  #batchRows: number
  #oldestReceivedAt: number | null = null
  readonly #rejections: RejectionLog
  #running: Promise<void> | null = null
  #unsubscribe: () => void = () => {}

  constructor(options: ForwarderOptions) {
    const { clock, definition, random, journal, log } = options
    this.#options = options
    this.#reader = readerOf(definition.id)
    this.#filter = new RowFilter(definition.include, definition.exclude)
    this.#map = new SensorMap(definition.map ?? [])
    this.#throttle = new ReplayThrottle(clock, definition.maxRate)
    this.#replay = new ReplayMeter(clock)
    this.#rejections = new RejectionLog(options)
    this.#backoff = new Backoff({ firstMs: FIRST_BACKOFF_MS, maxMs: MAX_BACKOFF_MS, random })
    this.#fullBatch = definition.batch?.records ?? DEFAULT_BATCH_RECORDS
    this.#batchRows = this.#fullBatch
    const bookmark = { epoch: journal.epoch, seq: 0 }
    this.#ledger = new Ledger({ epoch: journal.epoch, bookmark, kept: 0, keptAfterNote: 0 })
    this.#letters = new Letters({
      clock,
      uplink: definition.id,
      box: options.ports?.deadLetters ?? null,
      max: definition.maxDeadLetters ?? DEFAULT_DEAD_LETTERS,
      ledger: () => this.#ledger,
      onChange: () => this.#keepLedger(),
      onFailure: (cause) => log.error({ uplink: definition.id, err: cause }, 'Dead letters cannot be kept'),
    })
    this.#connection = definition.kind.open(
      { id: definition.id, config: definition.config, gateway: options.gateway, factory: options.factory },
      {
        ...uplinkServices(options, this.#map),
        log,
        model: () => this.#map.model(options.model()),
        wants: (number) => this.#filter.wantsNumber(number, options.model()),
        lost: (cause) => this.#onLost(cause),
        hold: (reason) => this.#hold(reason),
      },
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
    const note = readLedgerNote(bookmark)
    this.#ledger = new Ledger(
      {
        epoch: journal.epoch,
        bookmark,
        kept: await this.#countEarlier(note.live),
        keptAfterNote: await this.#countEarlier(note.head),
        keptOfRanges: await Promise.all(note.ranges.map(({ cursor, to }) => journal.count(cursor, to))),
      },
      onDrop,
    )
    await this.#letters.open()
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
    if (this.#transfer) await untilAborted(this.#transfer.drain(), signal)
    this.#transfer?.end(null)
    await this.#running
    await sayGoodbye({ ...this.#options, uplink: this.definition.id, connection: this.#connection }, signal)
    if (this.#running) this.#keepLedger()
    this.#state = 'stopped'
  }

  status(): UplinkStatus {
    const { clock, definition, journal } = this.#options
    const headSeq = journal.span().head.seq
    const { settledUpTo, delivered, rejected, filtered, dropped } = this.#ledger
    const oldest = this.#oldestPending(headSeq)
    const isHeld = this.#state === 'online' && this.#held !== null
    return {
      id: definition.id,
      type: definition.kind.type,
      state: isHeld ? 'waiting' : this.#state,
      reason: isHeld ? this.#held : this.#state === 'online' ? null : this.#reason,
      cursor: positionText(settledUpTo),
      accepted: this.#ledger.accepted(headSeq),
      delivered,
      pending: this.#ledger.pending(headSeq),
      rejected,
      filtered,
      dropped,
      oldestPendingAge: oldest === null ? 0 : Math.max(0, (clock.now() - oldest) / 1000),
      lanes: laneStatuses(this.#ledger, definition.order ?? 'inOrder', headSeq),
      breaker: this.#breaker.status(),
      deadLetters: this.#letters.held,
      replayRate: this.#replay.rate,
    }
  }

  listLetters(after: number, limit: number): Promise<readonly KeptLetter[]> {
    return this.#letters.list(after, limit)
  }

  discardLetters(ids: readonly number[]): Promise<number> {
    return this.#letters.discard(ids)
  }

  /** Sends a dead letter again; true when it arrived, false when it was refused again. Throws NOT_FOUND, CONFLICT, CONNECTION_LOST, … */
  retryLetter(id: number): Promise<boolean> {
    const { clock, definition } = this.#options
    return this.#letters.retry(id, (delivery) => {
      if (this.#transfer === null || this.#held !== null)
        throw new TelemetryError('CONNECTION_FAILED', `Uplink ${definition.id} is not online`, { retryable: true })
      const batch = this.#map.batch(delivery.batch, this.#options.model())
      const what = `Sending dead letter ${id} of uplink ${definition.id}`
      return withDeadline({ clock, timeoutMs: RETRY_TIMEOUT_MS, what }, (signal) =>
        this.#connection.deliver({ ...delivery, batch }, signal),
      )
    })
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    const { clock } = this.#options
    while (!signal.aborted) {
      const cause = await this.#connectAndForward(signal).catch((error: unknown) => error)
      if (signal.aborted) return
      const delayMs = this.#backoff.next()
      this.#breaker.failed(clock.now() + delayMs)
      this.#retryBecause(cause)
      await this.#peekOldest()
      await sleep(clock, delayMs, signal).catch(() => {})
      this.#breaker.trying()
    }
  }

  /** One connection, from the first try to its end; resolves or rejects with why it is over. */
  async #connectAndForward(signal: AbortSignal): Promise<unknown> {
    const { clock, definition, log, journal } = this.#options
    this.#earlyLoss = null
    this.#held = null
    const what = `Connecting uplink ${definition.id}`
    await withDeadline({ clock, timeoutMs: CONNECT_TIMEOUT_MS, what, signal }, (limit) =>
      this.#connection.connect(limit),
    )
    const early = this.#earlyLoss as { readonly cause: unknown } | null // set by #onLost meanwhile
    if (early) throw early.cause
    if (signal.aborted) return null
    if (this.#ledger.pending(journal.span().head.seq) === 0) this.#breaker.succeeded()
    const transfer = this.#openTransfer()
    const since = clock.monotonic()
    this.#transfer = transfer
    this.#state = 'online'
    log.info({ uplink: definition.id }, 'Uplink connected')
    transfer.wake()
    const cause = await transfer.ended
    transfer.end(cause)
    this.#oldestReceivedAt = transfer.oldestReceivedAt ?? this.#oldestReceivedAt
    this.#transfer = null
    if (clock.monotonic() - since >= STEADY_MS) this.#succeeded()
    // Fewer at a time, so that a slow or shaky line gets at least some through before it breaks again.
    if (transfer.isBusy && !transfer.settledSome) this.#batchRows = Math.max(1, this.#batchRows >> 2)
    return cause
  }

  #openTransfer(): Transfer {
    const { clock, journal, model, definition } = this.#options
    const { head } = journal.span()
    const order = definition.order ?? 'inOrder'
    this.#throttle.begin(head, this.#ledger.pending(head.seq))
    if (this.#breaker.state === 'halfOpen') this.#batchRows = Math.min(this.#batchRows, PROBE_ROWS)
    // What fits into one batch is sent live: leaving it behind would only make ranges.
    if (order === 'liveFirst' && this.#ledger.livePending(head.seq) > this.#fullBatch)
      this.#ledger.leaveBehind(head.seq)
    return new Transfer({
      clock,
      journal,
      model,
      order,
      connection: this.#connection,
      filter: this.#filter,
      map: this.#map,
      ledger: this.#ledger,
      throttle: this.#throttle,
      batchRows: () => this.#batchRows,
      batchDelayMs: definition.batch?.delayMs ?? 0,
      inFlight: () => (this.#breaker.state === 'halfOpen' ? 1 : (definition.inFlight ?? DEFAULT_IN_FLIGHT)),
      isHeld: () => this.#held !== null,
      stallMs: STALL_MS,
      onSettled: (historical) => this.#onSettled(historical),
      onRejected: (batch, rejected) => this.#onRejected(batch, rejected),
    })
  }

  /** Records of earlier epochs after `position` that the journal still has. */
  async #countEarlier(position: Position): Promise<number> {
    const { journal } = this.#options
    return position.epoch < journal.epoch ? journal.count(position, { epoch: journal.epoch, seq: 0 }) : 0
  }

  #keepLedger(): void {
    const { journal } = this.#options
    journal.settle(this.#reader, this.#ledger.settledUpTo, this.#ledger.note(journal.span().head.seq))
  }

  #onLost(cause: unknown): void {
    this.#transfer?.end(cause)
    this.#earlyLoss = { cause }
  }

  #hold(reason: string | null): void {
    this.#held = reason
    if (reason === null) this.#transfer?.wake()
  }

  #onAppend(): void {
    if (this.#transfer) this.#transfer.wake()
    else if (this.#oldestReceivedAt === null) void this.#peekOldest()
  }

  #onSettled(historical: number): void {
    if (historical > 0) this.#replay.add(historical)
    this.#keepLedger()
    this.#succeeded()
    this.#oldestReceivedAt = null
    if (this.#batchRows < this.#fullBatch) this.#batchRows = Math.min(this.#fullBatch, this.#batchRows * 2)
  }

  #succeeded(): void {
    this.#backoff.reset()
    this.#breaker.succeeded()
  }

  #onRejected(batch: RecordBatch, rejected: DeliveryResult['rejected']): void {
    const { onDrop, ports } = this.#options
    this.#letters.keep(batch, rejected)
    if (!ports) onDrop(REJECTED, rejected.length)
    this.#rejections.tell(rejected)
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
    const batch = await journal.read(this.#ledger.settledUpTo, 1).catch(() => null)
    if (batch && batch.length > 0 && !this.#transfer?.settledSome) this.#oldestReceivedAt = batch.receivedAt[0]!
  }

  #oldestPending(headSeq: number): number | null {
    if (this.#ledger.pending(headSeq) === 0) return null
    return this.#transfer?.oldestReceivedAt ?? this.#oldestReceivedAt
  }
}
