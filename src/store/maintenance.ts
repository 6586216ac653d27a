// Work in the background, one thing at a time, in slices: compaction of the journal, merging of segments, deleting what is
// dead, trimming the journal behind its readers, retention.

import { getHeapStatistics } from 'node:v8'
import { comparePositions, type Position } from '#domain/journal.ts'
import type { BlockCodec } from './block-codec.ts'
import { giveBackMemory } from '#kit/give-back-memory.ts'
import { compact } from './compaction.ts'
import { mergeCandidates, mergeSegments } from './merge.ts'
import type { FromStore, StoreSettings } from './protocol.ts'
import type { Part, Recent } from './recent.ts'
import { expired, nextToThin, overBudget, thinningLoss, type Loss } from './retention.ts'
import type { StoreTables } from './tables.ts'
import { thinSegment } from './thinning.ts'
import type { Steps, Turns } from './turns.ts'

/** Compaction begins when this many records wait for each sensor, within the bounds, or after the longest wait. */
const RECORDS_PER_SENSOR = 600
const MIN_RECORDS = 131_072
const MAX_RECORDS = 600_000
const MAX_WAIT_MS = 600_000

const CHUNKS_PER_DELETE = 500
const BLOCKS_PER_DELETE = 32
const ENTRIES_PER_DELETE = 500
const EARLY_MS = 60_000 // until then, readers of earlier runs hold the journal too
const RETRY_MS = 30_000
/** What compaction and merging leave behind, 40 MB with 10,000 sensors, is given back when it is so much, in bytes: that stops the thread for some 30 ms, */
const MUCH_MEMORY = 24 * 1024 * 1024
/** and no more often than this. */
const GIVE_BACK_EVERY_MS = 5000
const MAX_HELD_RECORDS = 4_000_000

export interface MaintenanceOptions {
  readonly turns: Turns
  readonly recent: Recent
  readonly codec: BlockCodec
  readonly tables: () => StoreTables
  readonly settings: StoreSettings
  readonly epoch: number
  readonly send: (message: FromStore) => void
  readonly onWritten: (bytes: number) => void
  readonly onError: (error: unknown) => void
  readonly onDamage: (what: string, error: unknown) => void
}

export class Maintenance {
  readonly #options: MaintenanceOptions
  readonly #startedAt = performance.now()
  #waitingSince: number | null = null
  #running: Promise<void> | null = null
  #force = false
  #retainAt: number | null = null
  /** Data went since the ids of sensors were last looked at, or this run has not looked at them yet. */
  #mayForget = true
  #pauseUntil = 0
  #gaveBackAt = Number.NEGATIVE_INFINITY
  #held: Position | null = null
  /** The query that will begin next when the last compaction ended: older ones may still read compacted blocks. */
  #compactedAtQuery = 0

  constructor(options: MaintenanceOptions) {
    this.#options = options
  }

  /** At the start: what the last run left uncompacted. Blocks are decoded when they are needed. */
  loadUncompacted(): void {
    const { recent, tables } = this.#options
    const { journal, meta } = tables()
    for (let block = Math.max(journal.first, meta.get('compacted')); block < journal.end; block++) {
      const row = journal.row(block)
      if (!row) continue
      recent.add({
        epoch: row.epoch,
        firstSeq: row.first_seq,
        count: row.count,
        firstTime: row.first_time,
        lastTime: row.last_time,
        batch: null,
        block,
        frame: null,
      })
    }
  }

  /** Called after commits: begins what is due. */
  consider(): void {
    if (this.#options.recent.records > 0) this.#waitingSince ??= performance.now()
    if (this.#running || performance.now() < this.#pauseUntil || !this.#isDue()) return
    this.#running = this.#options.turns
      .background(this.#work())
      .catch((error: unknown) => {
        this.#pauseUntil = performance.now() + RETRY_MS
        this.#options.onError(error)
      })
      .finally(() => {
        this.#running = null
        this.#giveBack()
      })
  }

  #giveBack(): void {
    const now = performance.now()
    if (now - this.#gaveBackAt < GIVE_BACK_EVERY_MS || getHeapStatistics().external_memory < MUCH_MEMORY) return
    this.#gaveBackAt = now
    giveBackMemory()
  }

  /** Records from this position on stay in the journal, as long as they are not too many; null: no more. */
  hold(from: Position | null): void {
    this.#held = from
  }

  /** Retention by age and size; `now` in Unix milliseconds. */
  retain(now: number): void {
    this.#retainAt = now
    this.consider()
  }

  /** Compacts all that is committed and does what follows from it, now. */
  async compactNow(): Promise<void> {
    await this.#untilIdle()
    this.#force = true
    this.#pauseUntil = 0
    this.consider()
    await this.#untilIdle()
  }

  async #untilIdle(): Promise<void> {
    while (this.#running) await this.#running
  }

  #isDue(): boolean {
    return this.#force || this.#retainAt !== null || this.#isFull()
  }

  #isFull(): boolean {
    const { recent, tables } = this.#options
    const enough = Math.min(MAX_RECORDS, Math.max(MIN_RECORDS, tables().sensors.size * RECORDS_PER_SENSOR))
    if (recent.records >= enough) return true
    return recent.records > 0 && this.#waitingSince !== null && performance.now() - this.#waitingSince >= MAX_WAIT_MS
  }

  *#work(): Steps<void> {
    const { tables, onDamage } = this.#options
    if (this.#force || this.#isFull()) yield* this.#compact()
    this.#force = false
    if (this.#retainAt !== null) {
      yield* this.#retain(this.#retainAt)
      this.#retainAt = null
    }
    for (let full = mergeCandidates(tables().segments.live); full; full = mergeCandidates(tables().segments.live)) {
      this.#options.onWritten(yield* mergeSegments(full, { tables: tables(), onDamage }))
    }
    yield* this.#deleteDead()
    yield* this.#trimJournal()
  }

  *#compact(): Steps<void> {
    const { recent, tables, codec, onDamage, onWritten } = this.#options
    for (;;) {
      const parts = oldestCommitted(recent.parts, recent.records > MAX_HELD_RECORDS ? null : this.#held)
      if (parts.length === 0) break
      onWritten(
        yield* compact(parts, {
          tables: tables(),
          recent,
          codec,
          onDamage: (block, error) => onDamage(`block ${block}`, error),
        }),
      )
      this.#compactedAtQuery = tables().segments.nextQuery
      if (recent.records < MIN_RECORDS) break
    }
    this.#waitingSince = null
  }

  *#deleteDead(): Steps<void> {
    const { segments } = this.#options.tables()
    for (let dead = segments.nextDead(); dead !== null; dead = segments.nextDead()) {
      while (!segments.deleteDead(dead, CHUNKS_PER_DELETE)) yield
      yield
    }
  }

  /** Deletes the blocks that are in the history and that no reader needs. */
  *#trimJournal(): Steps<void> {
    const { journal, meta, readers, segments } = this.#options.tables()
    if (segments.oldestQuery < this.#compactedAtQuery) return
    let end = Math.min(meta.get('compacted'), journal.end)
    const settled = readers.oldest(performance.now() - this.#startedAt < EARLY_MS)
    if (settled) end = Math.min(end, journal.firstAfter(settled)?.block ?? journal.end)
    while (journal.first < end) {
      this.#deleteBlocks(Math.min(end, journal.first + BLOCKS_PER_DELETE))
      yield
    }
  }

  #deleteBlocks(before: number): void {
    const { db, journal, meta } = this.#options.tables()
    db.transaction(() => {
      journal.deleteBefore(before)
      meta.set('nextBlock', journal.end)
      meta.set('journalled', journal.total)
    })()
    journal.confirmDeleted(before)
  }

  *#retain(now: number): Steps<void> {
    const { settings, tables, onWritten, onDamage } = this.#options
    for (const loss of expired(tables().segments.live, settings.retention, now)) this.#lose(loss)
    yield* this.#expireEntries(now - settings.retention.hourMs)
    for (let whole = nextToThin(tables(), settings.maxBytes); whole; whole = nextToThin(tables(), settings.maxBytes)) {
      const { removed, writtenBytes } = yield* thinSegment(whole, { tables: tables(), onDamage })
      onWritten(writtenBytes)
      if (removed > 0) this.#lose(thinningLoss(whole, removed))
      yield* this.#deleteDead()
    }
    for (const loss of overBudget(tables(), settings.maxBytes)) this.#lose(loss)
    if (this.#mayForget) yield* this.#forgetSensors()
  }

  /** Forgets the ids of sensors that are not configured any more, once nothing is stored under their numbers. */
  *#forgetSensors(): Steps<void> {
    const { tables, recent, send } = this.#options
    const { sensors, segments, journal } = tables()
    const oldest = journal.row(journal.first)
    // Only this run's records are known not to name them. What a query has begun to read is not looked up by these ids.
    if ((oldest && oldest.epoch < this.#options.epoch) || recent.hasOtherThan(this.#options.epoch)) return
    this.#mayForget = false
    const gone: number[] = []
    for (const number of sensors.unused()) {
      if (!segments.holds(number)) gone.push(number)
      yield
    }
    const still = new Set(sensors.unused()) // one may have been asked for meanwhile
    const written = tables().letters.sensors()
    const forgotten = gone.filter((number) => still.has(number) && !written.has(number))
    if (forgotten.length === 0) return
    sensors.forget(forgotten)
    const message = `${forgotten.length} ids of sensors that no reading is kept of any more are forgotten`
    const data = { kind: 'sensor', reason: 'age', sensors: forgotten.length }
    send({ type: 'event', event: { type: 'store-retention', severity: 'info', message, data } })
  }

  /** Carries out one loss, tells it and counts it. */
  #lose({ segments: gone, blocksBefore, dropped, reason, message, data }: Loss): void {
    const { tables, send } = this.#options
    const { db, segments, journal, meta } = tables()
    db.transaction(() => segments.publish([], gone))()
    segments.confirm([], gone)
    this.#mayForget = true
    if (blocksBefore !== null) this.#deleteBlocks(Math.min(blocksBefore, meta.get('compacted'), journal.end))
    if (dropped) send({ type: 'dropped', ...dropped })
    const severity = reason === 'age' ? 'info' : 'warning'
    send({ type: 'event', event: { type: 'store-retention', severity, message, data } })
  }

  /** Alarms and events are kept as long as the coarsest aggregates. */
  *#expireEntries(before: number): Steps<void> {
    const { tables, send } = this.#options
    let count = 0
    for (;;) {
      const deleted = tables().entries.deleteBefore(before, ENTRIES_PER_DELETE)
      count += deleted
      if (deleted < ENTRIES_PER_DELETE) break
      yield
    }
    if (count === 0) return
    const message = `${count} alarms and events up to ${new Date(before).toISOString()} are older than they are kept`
    const data = { kind: 'entry', reason: 'age', entries: count }
    send({ type: 'event', event: { type: 'store-retention', severity: 'info', message, data } })
  }
}

/** Committed parts from the old end, as many as one compaction takes. */
function oldestCommitted(parts: readonly Part[], held: Position | null): Part[] {
  const taken: Part[] = []
  let records = 0
  for (const part of parts) {
    if (held && comparePositions({ epoch: part.epoch, seq: part.firstSeq + part.count - 1 }, held) >= 0) break
    if (part.block === null || (records > 0 && records + part.count > MAX_RECORDS)) break
    taken.push(part)
    records += part.count
  }
  return taken
}
