// The store as the gateway sees it: the ring's near end, the journal and the history. The database is in a thread of its
// own (worker.ts), because a write to an SD card can stall for hundreds of milliseconds and polling must not notice.

import { mkdirSync } from 'node:fs'
import type { Worker } from 'node:worker_threads'
import type { EventEntry } from '#domain/alarm.ts'
import type { DeadLetterBox } from '#domain/dead-letter.ts'
import type { Log } from '#domain/driver.ts'
import { toTelemetryError } from '#domain/errors.ts'
import type { History } from '#domain/history.ts'
import type { Journal } from '#domain/journal.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { ValueType } from '#domain/value.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import { dropCounter, type DropCounter } from '#kit/dropped.ts'
import { collectedCounter, collectedGauge, type Registry, secondsHistogram } from '#kit/metrics.ts'
import { RingProducer } from '#kit/record-ring.ts'
import { allocateRing } from '#kit/ring-memory.ts'
import type { FromStore, Restamp, StoreFigures, StoreSettings } from './protocol.ts'
import { QueryThread } from './query-thread.ts'
import { createDeadLetterBox } from './store-letters.ts'
import { createHistory, type StoreCondition } from './store-history.ts'
import { createJournal } from './store-journal.ts'
import { StoreThread } from './store-thread.ts'
import { openIn } from './store-worker.ts'

export interface StoreOptions {
  /** Absolute; made when it is not there. */
  readonly dataDir: string
  readonly flushIntervalMs: number
  /** `normal`: each flush is synced to the disk; `full`: also the commits between two flushes. */
  readonly sync: 'normal' | 'full'
  readonly retention: { readonly rawMs: number; readonly minuteMs: number; readonly hourMs: number }
  readonly maxBytes: number
  readonly buffer: { readonly capacity: number; readonly whenFull: 'block' | 'dropOldest' }
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
  /** What the store has to say to the journal's readers: quarantine, failure, recovery, retention, dropped records. */
  onEvent(event: EventEntry): void
  /** Its thread, where `beginStoreWorker` has begun it already. */
  readonly worker?: Worker
}

export interface Store {
  /** Number of this start; durable. */
  readonly epoch: number
  readonly ring: RingProducer
  readonly journal: Journal
  readonly history: History
  /** What receivers refused for good. */
  readonly deadLetters: DeadLetterBox
  /** Numbers of sensors, durable. */
  registerSensors(sensors: readonly { id: string; valueType: ValueType }[]): Promise<readonly SensorNumber[]>
  /** Resolves when everything pushed so far is durable; waits while the disk refuses, or until `signal` aborts (ABORTED). */
  flush(signal?: AbortSignal): Promise<void>
  /** Figures fresh from the thread, which answers also while the disk refuses; rejects with STORE_IO when it has ended. */
  beat(): Promise<StoreFigures>
  /** Compacts the journal into the history now instead of when it is due; waits like `flush`. */
  compact(signal?: AbortSignal): Promise<void>
  /** Tells whether the wall clock is trusted. While it is not, records stay where `restamp` can correct them. */
  setClockTrusted(isTrusted: boolean): void
  /** Corrects the stamps of records of this epoch after the clock was set; answers of how many. Undelivered ones go out corrected. */
  restamp(span: Restamp): Promise<number>
  /** Drains the ring, commits and ends the thread. Rejects with STORE_IO or STORE_FULL when the last commit failed. */
  close(): Promise<void>
}

const RETENTION_EVERY_MS = 60_000
const DROP_EVENT_EVERY_MS = 10_000
const MAX_DROP_RANGES = 1000

/**
 * Opens the store in `dataDir`. Throws STORE_LOCKED when another process has it, STORE_IO, STORE_FULL. A damaged database
 * is set aside and told as an event.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { dataDir, clock, log } = options
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o750 })
  } catch (error) {
    throw toTelemetryError(error, 'STORE_IO', { context: { dataDir } })
  }
  const memory = allocateRing(options.buffer.capacity)
  const { flushIntervalMs, sync, retention, maxBytes } = options
  const settings: StoreSettings = {
    dataDir,
    flushIntervalMs,
    sync,
    retention,
    maxBytes,
    ring: memory,
    now: clock.now(),
  }
  const thread = new StoreThread(openIn(options.worker, settings), log)
  const ready = await thread.ready()
  return new RunningStore(options, thread, ready, memory)
}

class RunningStore implements Store {
  readonly epoch: number
  readonly ring: RingProducer
  readonly journal: Journal
  readonly history: History
  readonly deadLetters: DeadLetterBox
  readonly #options: StoreOptions
  readonly #thread: StoreThread
  readonly #queries: QueryThread
  readonly #drops: [number, number][] = []
  readonly #ringDrops: DropCounter
  #figures: StoreFigures
  #retention: Timer | undefined
  #dropped = 0
  #clockOfDropEvent = Number.NEGATIVE_INFINITY
  #closing: Promise<void> | undefined

  constructor(
    options: StoreOptions,
    thread: StoreThread,
    ready: Extract<FromStore, { type: 'ready' }>,
    memory: ReturnType<typeof allocateRing>,
  ) {
    this.#options = options
    this.#thread = thread
    this.#ringDrops = dropCounter(options.registry, 'ring', 'full')
    this.#figures = ready.figures
    this.epoch = ready.epoch
    this.ring = new RingProducer({
      memory,
      epoch: ready.epoch,
      whenFull: options.buffer.whenFull,
      onPressure: () => thread.send({ type: 'pressure' }),
      onDrop: (from, to) => this.#onDrop(from, to),
    })
    this.journal = createJournal({
      epoch: ready.epoch,
      ring: this.ring,
      thread,
      durableSeq: () => this.#figures.durableSeq,
      drops: this.#drops,
    })
    this.deadLetters = createDeadLetterBox(thread)
    this.#queries = new QueryThread(options.dataDir, options.log)
    const condition = (): StoreCondition => ({ figures: this.#figures, quarantined: ready.quarantined })
    this.history = createHistory({ thread, queries: this.#queries, condition })
    this.#measure()
    thread.onDeath((reason) => this.#onDeath(reason))
    this.#scheduleRetention()
  }

  async registerSensors(sensors: readonly { id: string; valueType: ValueType }[]): Promise<readonly SensorNumber[]> {
    return this.#thread.call('register', { sensors: sensors.map(({ id, valueType }) => ({ id, valueType })) })
  }

  async flush(signal?: AbortSignal): Promise<void> {
    await this.#thread.call('flush', {}, signal)
  }

  beat(): Promise<StoreFigures> {
    return this.#thread.call('beat', {})
  }

  async compact(signal?: AbortSignal): Promise<void> {
    await this.#thread.call('compact', {}, signal)
  }

  setClockTrusted(isTrusted: boolean): void {
    this.#thread.send({ type: 'hold', fromSeq: isTrusted ? null : this.ring.written + 1 })
  }

  async restamp(span: Restamp): Promise<number> {
    const count = await this.#thread.call('restamp', span)
    this.ring.restamp(span) // after the store has taken them: it must not find some moved already
    return count
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#retention?.cancel()
    await this.#queries.close() // first: the store's connection is to be the last one, which empties the log
    try {
      this.#thread.expectEnd()
      await this.#thread.call('close', {})
    } finally {
      await this.#thread.end()
    }
  }

  #measure(): void {
    const { registry } = this.#options
    const latency = secondsHistogram(
      registry,
      'telemetryx_pipeline_latency_seconds',
      'Received to durable, for the oldest reading of each journal block',
    )
    const drops = {
      age: dropCounter(registry, 'store', 'age'),
      size: dropCounter(registry, 'store', 'size'),
      thinned: dropCounter(registry, 'store', 'thinned'),
      journal: dropCounter(registry, 'store', 'journal'),
    }
    this.#thread.onMessage((message) => {
      if (message.type === 'figures') {
        this.#figures = message.figures
        for (const seconds of message.latencies) latency.observe(seconds)
      } else if (message.type === 'event') {
        this.#tell(message.event)
      } else if (message.type === 'dropped') {
        drops[message.reason].inc(message.count)
      }
    })
    const gauge = (name: string, help: string, value: () => number): void =>
      collectedGauge({ registry, name, help, collect: () => [{ value: value() }] })
    gauge('telemetryx_ring_fill_ratio', 'Share of the ring that waits for the store', () => this.ring.fillRatio)
    gauge('telemetryx_store_bytes', 'Bytes of the database files', () => this.#figures.bytes)
    collectedCounter({
      registry,
      name: 'telemetryx_store_written_bytes_total',
      help: 'Bytes handed to the database for writing',
      collect: () => [{ value: this.#figures.writtenBytes }],
    })
  }

  #onDrop(from: number, to: number): void {
    const last = this.#drops.at(-1)
    if (last && last[1] + 1 === from) last[1] = to
    else this.#drops.push([from, to])
    if (this.#drops.length > MAX_DROP_RANGES) this.#drops.shift() // long taken or overwritten by now
    this.#dropped += to - from + 1
    this.#ringDrops.inc(to - from + 1)
    if (this.#clockOfDropEvent > this.#options.clock.monotonic()) return
    this.#clockOfDropEvent = this.#options.clock.monotonic() + DROP_EVENT_EVERY_MS
    const message = `The ring is full and the store does not keep up: ${this.#dropped} records are dropped so far, the last up to ${this.epoch}/${to}`
    // The ring is in the middle of a push: the event, which itself is pushed, has to wait for its end.
    setImmediate(() =>
      this.#tell({ type: 'ring-dropped', severity: 'error', message, data: { dropped: this.#dropped, upTo: to } }),
    )
  }

  #onDeath(reason: string): void {
    this.#figures = { ...this.#figures, state: 'failing', reason }
    this.#options.log.error({ reason }, 'The store thread ended unexpectedly')
    this.#tell({ type: 'store-failing', severity: 'error', message: `The store thread ended unexpectedly: ${reason}` })
  }

  #tell(event: Omit<EventEntry, 'kind' | 'time' | 'source'>): void {
    this.#options.onEvent({ kind: 'event', time: this.#options.clock.now(), source: 'gateway', ...event })
  }

  #scheduleRetention(): void {
    this.#retention = this.#options.clock.after(RETENTION_EVERY_MS, () => {
      this.#thread.send({ type: 'retain', now: this.#options.clock.now() })
      this.#scheduleRetention()
    })
  }
}
