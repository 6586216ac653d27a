// The store without its thread: owns the database, the ring's far end and the work in the background. Everything here runs
// on one thread; work longer than a few milliseconds runs in slices (turns.ts) so that commits are on time.

import { TelemetryError } from '#domain/errors.ts'
import type { Position } from '#domain/journal.ts'
import type { RecordBatch } from '#domain/reading.ts'
import { Backoff } from '#kit/backoff.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import { RingConsumer } from '#kit/record-ring.ts'
import { BlockCodec } from './block-codec.ts'
import { Committer } from './committer.ts'
import { lockFolder, type FolderLock } from './lock.ts'
import { nextEpoch } from './next-epoch.ts'
import { Maintenance } from './maintenance.ts'
import { openDatabase } from './open-database.ts'
import type { FromStore, Restamp, StoreFigures, StoreSettings } from './protocol.ts'
import { BatchReader } from './read-journal.ts'
import { Recent } from './recent.ts'
import { Rescue } from './rescue.ts'
import { restamp } from './restamp.ts'
import { partColumns, segmentColumns, type Sight } from './sight.ts'
import type { SensorIdentity } from './small-tables.ts'
import { isDamage, toStoreError } from './sqlite-errors.ts'
import { databaseBytes } from './database-bytes.ts'
import { Successor } from './successor.ts'
import { openTables, type StoreTables } from './tables.ts'
import { Turns } from './turns.ts'

interface Waiter {
  resolve(): void
  reject(error: unknown): void
}

export class StoreEngine {
  readonly epoch: number
  readonly quarantined: string | null
  readonly turns = new Turns()
  readonly #settings: StoreSettings
  readonly #send: (message: FromStore) => void
  readonly #lock: FolderLock
  readonly #file: string
  readonly #codec = new BlockCodec()
  readonly #ring: RingConsumer
  readonly #recent = new Recent()
  readonly #committer: Committer
  readonly #maintenance: Maintenance
  readonly #rescue: Rescue
  readonly #successor: Successor
  readonly #backoff = new Backoff({ firstMs: 250, maxMs: 10_000, random: Math.random })
  readonly #journal: BatchReader
  #tables: StoreTables
  /** Databases that were begun anew, and stampings anew: queries must not mix what came before with what comes after. */
  #files = 0
  #stampings = 0
  #waiters: Waiter[] = []
  #timer: NodeJS.Timeout | undefined
  #dueAt = 0
  #failure: string | null = null
  /** The database is closed because of it, and nothing has taken its place yet. */
  #damage: { readonly cause: unknown } | null = null
  #committedSeq = 0
  #durableSeq = 0
  #writtenBytes = 0
  #closed = false

  /** Takes the folder and opens the database; the epoch is durable when it returns. Throws STORE_LOCKED, STORE_IO, STORE_FULL. */
  constructor(settings: StoreSettings, send: (message: FromStore) => void) {
    this.#settings = settings
    this.#send = send
    this.#lock = lockFolder(settings.dataDir)
    let reason: string
    try {
      const opened = openDatabase(settings.dataDir, settings.now, this.#lock)
      reason = opened.reason ?? 'damaged'
      this.#file = opened.file
      this.quarantined = opened.quarantined
      this.#tables = openTables(opened.db)
      this.epoch = nextEpoch(this.#lock, this.#tables, { now: settings.now, isNew: opened.quarantined !== null })
    } catch (error) {
      this.#lock.release()
      throw error
    }
    this.#ring = new RingConsumer(settings.ring, this.epoch)
    const { dataDir } = settings
    this.#successor = new Successor({ dataDir, file: this.#file, lock: this.#lock, epoch: this.epoch })
    const onDamage = (what: string, error: unknown): void => this.#onDamage(what, error)
    const shared = { recent: this.#recent, codec: this.#codec, tables: () => this.#tables, onDamage }
    this.#committer = new Committer({ ...shared, ring: this.#ring })
    this.#journal = new BatchReader({ ...shared, onDamage: (block, error) => onDamage(`block ${block}`, error) })
    this.#maintenance = new Maintenance({
      ...shared,
      turns: this.turns,
      epoch: this.epoch,
      settings,
      send,
      onWritten: (bytes) => (this.#writtenBytes += bytes),
      onError: (error) => this.#onBackgroundError(error),
    })
    this.#maintenance.loadUncompacted()
    this.#rescue = new Rescue({
      ...shared,
      dataDir,
      lock: this.#lock,
      turns: this.turns,
      send,
      onError: (error) => this.#onBackgroundError(error),
    })
    if (this.quarantined === null) this.#rescue.resume()
    else this.#rescue.begin(this.quarantined, reason)
    this.#dueAt = performance.now() + settings.flushIntervalMs
    this.#schedule()
  }

  get tables(): StoreTables {
    return this.#tables
  }

  figures(): StoreFigures {
    return {
      state: this.#failure === null ? 'ok' : 'failing',
      reason: this.#failure,
      durableSeq: this.#durableSeq,
      durableRecords: this.#tables.journal.total,
      bytes: databaseBytes(this.#file),
      writtenBytes: this.#writtenBytes,
    }
  }

  /** Resolves when everything pushed so far is durable, also against a power cut; while the disk refuses, it waits. */
  flush(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter = { resolve, reject }
      signal?.addEventListener('abort', () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter)
        reject(new TelemetryError('ABORTED', 'The flush was given up'))
      })
      this.#waiters.push(waiter)
      if (this.#failure === null) this.#commitAll(true)
    })
  }

  /** The ring fills faster than the interval empties it. */
  onPressure(): void {
    if (this.#failure === null) this.#commitAll(false)
  }

  /** What a query about a sensor sees now; null: about entries, which are committed first. To be given back by `release`. */
  see(sensor: string | null): Sight {
    if (sensor === null) this.commitEntries()
    else this.#committer.intake()
    const { sensors, segments } = this.#tables
    const numbers = sensor === null ? [] : sensors.numbersOf(sensor)
    return {
      number: segments.beginQuery(),
      file: this.#files,
      stamping: this.#stampings,
      sensors: numbers.map((number) => ({ number, valueType: sensors.valueType(number) })),
      segments: segmentColumns(sensor === null ? [] : segments.live),
      ...partColumns(sensor === null ? [] : this.#recent.parts, new Set(numbers)),
    }
  }

  release({ sight, file }: { readonly sight: number; readonly file: number }): void {
    if (file === this.#files) this.#tables.segments.endQuery(sight)
  }

  /** Numbers of sensors; new ones are durable when it returns. Throws STORE_IO, STORE_FULL. */
  register(sensors: readonly SensorIdentity[]): readonly SensorNumber[] {
    this.#tables.db.pragma('synchronous = FULL')
    try {
      return this.#tables.sensors.register(sensors)
    } catch (error) {
      throw toStoreError(error, 'Cannot register sensors')
    }
  }

  /** Makes entries visible to queries on their table. */
  commitEntries(): void {
    this.#committer.intake()
    if (this.#committer.pending > 0 && this.#failure === null) this.#commitAll(false)
  }

  read(after: Position, limit: number): RecordBatch | null {
    this.#committer.intake()
    return this.#journal.read(after, limit)
  }

  count(from: Position, to: Position): { count: number; upTo: Position } {
    this.#committer.intake()
    return this.#journal.count(from, to, { epoch: this.epoch, seq: this.#ring.taken })
  }

  /** Compacts all that is durable, merges what is full, deletes what is dead. */
  async compactNow(signal?: AbortSignal): Promise<void> {
    await this.flush(signal)
    await this.#maintenance.compactNow()
  }

  /** Records of this epoch from this seq on are not compacted, so that they can be stamped anew; null: no more. */
  hold(fromSeq: number | null): void {
    this.#maintenance.hold(fromSeq === null ? null : { epoch: this.epoch, seq: fromSeq })
  }

  /** Corrects the stamps of records of this epoch; answers of how many. Waits while the disk refuses. */
  async restamp(span: Restamp): Promise<number> {
    await this.flush()
    const { tables, epoch } = this
    const onDamage = (block: number, error: unknown): void => this.#onDamage(`block ${block}`, error)
    const options = { tables, recent: this.#recent, codec: this.#codec, epoch, onDamage }
    const count = await this.turns.background(restamp(span, options))
    this.#stampings += 1
    this.#journal.forget()
    return count
  }

  retain(now: number): void {
    this.#maintenance.retain(now)
  }

  /** Commits what is left and closes the files. Throws what the last commit threw; everything is closed all the same. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#rescue.stop()
    this.turns.stop()
    try {
      do this.#commitOnce(true)
      while (this.#ring.waiting > 0)
      this.#resolveWaiters()
    } finally {
      for (const waiter of this.#waiters) waiter.reject(new TelemetryError('STORE_IO', 'The store was closed'))
      this.#tables.db.close()
      this.#lock.release()
    }
  }

  #schedule(): void {
    if (this.#closed) return
    clearTimeout(this.#timer)
    const delay = this.#failure === null ? Math.max(0, this.#dueAt - performance.now()) : this.#backoff.next()
    this.#timer = setTimeout(() => {
      // Absolute times: a late commit does not shift the ones after it.
      const missed = Math.floor((performance.now() - this.#dueAt) / this.#settings.flushIntervalMs)
      this.#dueAt += Math.max(1, missed + 1) * this.#settings.flushIntervalMs
      this.#commitAll(true)
      this.#schedule()
    }, delay)
  }

  /** Commits what was pushed so far. Failures change the state and are tried again; they do not throw. */
  #commitAll(isSynced: boolean): void {
    if (this.#damage !== null) return this.#startAnew(this.#damage.cause)
    const target = this.#ring.taken + this.#ring.waiting
    try {
      do this.#commitOnce(isSynced)
      while (this.#ring.taken < target)
      this.#backoff.reset()
      this.#recovered()
      this.#resolveWaiters()
      this.#maintenance.consider()
    } catch (error) {
      this.#failed(error)
      return
    }
    // The producer tells of pressure once: while it lasts, carry on after a look at messages and timers.
    if (this.#ring.waiting > this.#settings.ring.capacity >> 3) setImmediate(() => this.#closed || this.onPressure())
  }

  #commitOnce(isSynced: boolean): void {
    const mustSync = isSynced || this.#settings.sync === 'full'
    this.#committer.intake()
    const unsynced = mustSync && this.#durableSeq < this.#committedSeq
    if (this.#committer.pending === 0 && !this.#tables.readers.isDirty && !unsynced) return
    const { bytes, receivedAt } = this.#committer.commit(mustSync)
    this.#writtenBytes += bytes
    this.#committedSeq = this.#ring.taken
    if (mustSync) this.#durableSeq = this.#committedSeq
    const now = Date.now()
    const latencies = receivedAt.map((time) => Math.max(0, now - time) / 1000).filter(Number.isFinite)
    this.#send({ type: 'figures', figures: this.figures(), latencies })
  }

  #resolveWaiters(): void {
    if (this.#durableSeq < this.#committedSeq) return
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter.resolve()
  }

  #failed(error: unknown): void {
    if (isDamage(error)) this.#startAnew(error)
    else this.#refused(toStoreError(error, 'Cannot write'))
  }

  #refused({ code, message }: TelemetryError): void {
    if (this.#failure === null) {
      this.#backoff.reset()
      this.#send({ type: 'event', event: { type: 'store-failing', severity: 'error', message, data: { code } } })
      this.#log('error', { code, reason: message }, 'The store cannot write; it keeps what it has and tries again')
    }
    this.#failure = message
    this.#send({ type: 'figures', figures: this.figures(), latencies: [] })
    this.#schedule()
  }

  #recovered(): void {
    if (this.#failure === null) return
    this.#failure = null
    this.#send({
      type: 'event',
      event: { type: 'store-recovered', severity: 'info', message: 'The store writes again' },
    })
    this.#log('info', {}, 'The store writes again')
    this.#send({ type: 'figures', figures: this.figures(), latencies: [] })
    this.#dueAt = performance.now() + this.#settings.flushIntervalMs
  }

  /** The file was found damaged while running: set it aside, keep the numbers of sensors and the cursors, carry on. */
  #startAnew(cause: unknown): void {
    this.#committer.requeue()
    try {
      const { tables, aside } = this.#successor.make(this.#tables, this.#recent.first(this.epoch))
      this.#tables = tables
      this.#files += 1
      this.#damage = null
      this.#recovered()
      this.#rescue.begin(aside, cause instanceof Error ? cause.message : String(cause))
      this.#dueAt = performance.now() + this.#backoff.next()
      this.#schedule()
    } catch (error) {
      this.#damage = { cause } // tried again with the next commit
      this.#refused(toStoreError(error, 'Cannot replace the damaged database'))
    }
  }

  #onBackgroundError(error: unknown): void {
    if (this.#closed) return
    if (isDamage(error)) this.#startAnew(error)
    else this.#log('warn', { reason: String(error) }, 'Work on the history failed and will be tried again')
  }

  #onDamage(what: string, error: unknown): void {
    this.#log('error', { what, reason: String(error) }, 'Stored data cannot be read and are left out')
  }

  #log(level: 'info' | 'warn' | 'error', fields: object, message: string): void {
    this.#send({ type: 'log', level, fields, message })
  }
}
