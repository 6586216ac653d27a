// Reads a data folder beside the gateway that writes it, or without one: a read-only connection that takes no lock on the
// folder. What is read comes in batches; between two of them the snapshot of the database is renewed when it has grown
// old, because the gateway's write-ahead log cannot be reset while somebody still reads an old state.

import Database from 'better-sqlite3'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { TelemetryError } from '#domain/errors.ts'
import type { Bucket, EntryQuery, StoredEntry } from '#domain/history.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { ValueType } from '#domain/value.ts'
import { BlockCache } from './block-cache.ts'
import { BlockCodec } from './block-codec.ts'
import { MergedSources, type MergeSource } from './export-merge.ts'
import { DATABASE_FILE } from './open-database.ts'
import { type BucketPage, queryBuckets } from './query-buckets.ts'
import { QueryView } from './query-view.ts'
import { Recent } from './recent.ts'
import { SCHEMA_VERSION } from './schema.ts'
import { SeriesCache } from './series-cache.ts'
import type { Series } from './series.ts'
import { sqliteCode, toStoreError } from './sqlite-errors.ts'
import { openTables, type StoreTables } from './tables.ts'
import { runAll } from './turns.ts'

const SNAPSHOT_MS = 20_000
const LOOK_MS = 2000
const PAGE = 10_000
const CACHE_KIB = 8 * 1024

/** A sensor as the database knows it: one for each kind of value that its id ever had. */
export interface StoredSensor {
  readonly number: SensorNumber
  readonly id: string
  readonly valueType: ValueType
}

/** Unix milliseconds, [from, to). */
export interface TimeSpan {
  readonly from: number
  readonly to: number
}

/** All times that a JavaScript Date can hold. */
export const ALL_TIME: TimeSpan = { from: -8.64e15, to: 8.64e15 }

interface Snapshot {
  readonly view: QueryView
  readonly tables: StoreTables
  readonly openedAt: number
}

export class HistoryReader {
  readonly #db: Database.Database
  readonly #damaged = new Set<string>()
  readonly #codec = new BlockCodec()
  readonly #timer: NodeJS.Timeout
  #snapshot: Snapshot | null = null

  /** Opens the database of a data folder. Throws NOT_FOUND (there is none), CONFLICT (another version), STORE_IO. */
  constructor(dataDir: string) {
    this.#db = openReadOnly(dataDir)
    this.#timer = setInterval(() => this.#releaseIfOld(), LOOK_MS)
    this.#timer.unref()
  }

  /** In order of their first appearance. */
  sensors(): readonly StoredSensor[] {
    return Array.from(this.#now().tables.sensors.all(), ([number, { id, valueType }]) => ({ number, id, valueType }))
  }

  /** What could not be read and was left out, for example `chunk 12/3`. */
  get damaged(): readonly string[] {
    return [...this.#damaged]
  }

  /**
   * Readings of one sensor in order of time, then of arrival, in batches. A batch is only valid until the next one. What
   * arrives while this runs, with a time before the last batch's end, is left out; nothing comes twice.
   */
  *readings(sensor: SensorNumber, { from, to }: TimeSpan): Generator<Series, void, void> {
    let start = from
    let isAfter = false
    for (;;) {
      const snapshot = this.#now()
      const merged = new MergedSources(sourcesOf(snapshot.view, sensor), { start, isAfter, to })
      for (;;) {
        const batch = merged.next()
        if (!batch) return
        start = batch.timeAt(batch.length - 1)
        isAfter = true
        yield batch
        if (this.#snapshot !== snapshot) break
      }
    }
  }

  /** Aggregates of an id in cells of `everyMs`, ascending, from the best rollup; cells without a reading are left out. */
  *buckets(id: string, { from, to }: TimeSpan, everyMs: number): Generator<readonly Bucket[], void, void> {
    for (let cursor: string | null = null; ;) {
      const { view } = this.#now()
      const page: BucketPage = runAll(queryBuckets(view, { sensor: id, from, to, limit: PAGE, cursor, everyMs }))
      if (page.items.length > 0) yield page.items
      if (page.next === null) return
      cursor = page.next
    }
  }

  /** Alarm transitions or events, newest first, by pages. */
  *entries(kind: EntryQuery['kind'], { from, to }: TimeSpan): Generator<readonly StoredEntry[], void, void> {
    for (let cursor: string | null = null; ;) {
      const { entries } = this.#now().tables
      const page = entries.query({ kind, sensor: null, checkTypes: null, from, to, limit: 1000, cursor })
      if (page.items.length > 0) yield page.items
      if (page.next === null) return
      cursor = page.next
    }
  }

  /** Lets go of the state that was read so far; the next batch comes from the present one. */
  release(): void {
    if (!this.#snapshot) return
    this.#snapshot = null
    this.#db.exec('COMMIT')
  }

  close(): void {
    clearInterval(this.#timer)
    this.#snapshot = null
    this.#db.close()
  }

  #releaseIfOld(): void {
    if (this.#snapshot && performance.now() - this.#snapshot.openedAt > SNAPSHOT_MS) this.release()
  }

  #now(): Snapshot {
    this.#releaseIfOld()
    if (this.#snapshot) return this.#snapshot
    try {
      this.#db.exec('BEGIN')
      const tables = openTables(this.#db)
      this.#snapshot = { view: this.#view(tables), tables, openedAt: performance.now() }
      return this.#snapshot
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK')
      throw toStoreError(error, 'The database cannot be read')
    }
  }

  #view(tables: StoreTables): QueryView {
    const { sensors, segments, journal } = tables
    const blocks = new BlockCache()
    return new QueryView({
      sensors,
      segments: segments.live,
      parts: uncompacted(tables).parts,
      chunk: (segment, sensor) => segments.chunk(segment, sensor),
      block: (block) => blocks.get(block, () => this.#codec.decode(journal.data(block))),
      seriesCache: new SeriesCache(),
      onDamage: (what) => this.#damaged.add(what),
    })
  }
}

/** A connection that cannot write, to a database of this program's version. Throws NOT_FOUND, CONFLICT, STORE_IO. */
export function openReadOnly(dataDir: string): Database.Database {
  const file = join(dataDir, DATABASE_FILE)
  if (!existsSync(file))
    throw new TelemetryError('NOT_FOUND', `${dataDir} holds no ${DATABASE_FILE}: no gateway has run on it`)
  let db: Database.Database | null = null
  try {
    db = new Database(file, { readonly: true, fileMustExist: true, timeout: 5000 })
    db.pragma(`cache_size = -${CACHE_KIB}`)
    const version = Number(db.pragma('user_version', { simple: true }))
    if (version === SCHEMA_VERSION) return db
    throw new TelemetryError(
      'CONFLICT',
      `The database has version ${version}, this program reads version ${SCHEMA_VERSION}; ` +
        (version < SCHEMA_VERSION ? 'start the gateway once to upgrade it' : 'use a newer program'),
      { context: { version } },
    )
  } catch (error) {
    db?.close()
    const isShut = sqliteCode(error).startsWith('SQLITE_CANTOPEN') || sqliteCode(error).startsWith('SQLITE_READONLY')
    throw isShut
      ? new TelemetryError('STORE_IO', `${file} cannot be opened: run this as the gateway's user, or as root`, {
          cause: error,
        })
      : toStoreError(error, `${file} cannot be read`)
  }
}

function uncompacted({ journal, meta }: StoreTables): Recent {
  const recent = new Recent()
  for (let block = Math.max(journal.first, meta.get('compacted')); block < journal.end; block++) {
    const row = journal.row(block)
    if (!row) continue
    const { epoch, first_seq: firstSeq, count, first_time: firstTime, last_time: lastTime } = row
    recent.add({ epoch, firstSeq, count, firstTime, lastTime, batch: null, block, frame: null })
  }
  return recent
}

/** Where readings of a sensor may be, in order of arrival. */
function sourcesOf(view: QueryView, sensor: SensorNumber): MergeSource[] {
  const sources: MergeSource[] = []
  for (const segment of view.segments) {
    if (segment.kind !== 'raw') continue
    const { first_time: firstTime, last_time: lastTime } = segment
    sources.push({ firstTime, lastTime, load: () => view.series(segment, sensor) })
  }
  for (const part of view.parts) {
    const { firstTime, lastTime } = part
    const load = (): Series =>
      view.partSeries(part, sensor, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY).ordered()
    sources.push({ firstTime, lastTime, load })
  }
  return sources
}
