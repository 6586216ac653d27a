// Segments: immutable sets of chunks, one chunk for each sensor that has readings in it. What is live is mirrored in memory.
// A segment is built over several transactions and becomes live in the one that also retires what it replaces.

import type { Database, Statement } from 'better-sqlite3'
import type { SensorNumber } from '#domain/sensor.ts'

export type SegmentKind = 'raw' | 'minute' | 'hour'

export interface Segment {
  readonly id: number
  readonly kind: SegmentKind
  /** 0 when made from the journal (hour: from minutes); n + 1 when merged from level n. */
  readonly level: number
  /** First position that it covers: segments of one kind in order of position are in order of arrival. */
  readonly epoch: number
  readonly seq: number
  /** Unix milliseconds, both inclusive: earliest and latest reading; for rollups, widened to whole cells. */
  readonly first_time: number
  readonly last_time: number
  readonly readings: number
  readonly bytes: number
}

/** Level of raw segments that were thinned to their extremes: they are merged no further. */
export const THINNED_LEVEL = 3

/** A chunk's id is its segment's id times this plus its sensor's number. */
export const SENSORS = 2 ** 24

interface DeadSegment {
  readonly id: number
  readonly bytes: number
  /** Queries that started before this number may still read it. */
  readonly before: number
}

export class SegmentTable {
  readonly #db: Database
  readonly #put: Statement<[number, Uint8Array]>
  readonly #get: Statement<[number], { data: Buffer }>
  readonly #has: Statement<[number], unknown>
  readonly #sensors: Statement<[number, number], { id: number }>
  #live: readonly Segment[]
  #dead: DeadSegment[]
  #next: number
  #queries = 0
  readonly #running = new Set<number>()

  constructor(db: Database) {
    this.#db = db
    this.#put = db.prepare('INSERT INTO chunk (id, data) VALUES (?, ?)')
    this.#get = db.prepare('SELECT data FROM chunk WHERE id = ?')
    this.#has = db.prepare('SELECT 1 FROM chunk WHERE id = ?')
    this.#sensors = db.prepare('SELECT id FROM chunk WHERE id >= ? AND id < ?')
    if (!db.readonly) db.prepare(`UPDATE segment SET state = 'dead' WHERE state = 'building'`).run()
    this.#live = sortByArrival(
      db
        .prepare<[], Segment>(
          `SELECT id, kind, level, epoch, seq, first_time, last_time, readings, bytes FROM segment WHERE state = 'live'`,
        )
        .all(),
    )
    this.#dead = db
      .prepare<[], { id: number; bytes: number }>(`SELECT id, bytes FROM segment WHERE state = 'dead'`)
      .all()
      .map(({ id, bytes }) => ({ id, bytes, before: 0 }))
    this.#next = (db.prepare<[], { id: number | null }>('SELECT max(id) AS id FROM segment').get()?.id ?? 0) + 1
  }

  /** All live segments in order of arrival; never changed, but replaced: a query may keep it. */
  get live(): readonly Segment[] {
    return this.#live
  }

  /** Begins a query: what is live now stays readable until `end` is called with the same number. */
  beginQuery(): number {
    this.#queries += 1
    this.#running.add(this.#queries)
    return this.#queries
  }

  /** Number that the next query will get. */
  get nextQuery(): number {
    return this.#queries + 1
  }

  /** Number of the oldest query that still runs; ∞ when there is none. */
  get oldestQuery(): number {
    return Math.min(...this.#running, Number.POSITIVE_INFINITY)
  }

  endQuery(query: number): void {
    this.#running.delete(query)
  }

  chunk(segment: number, sensor: SensorNumber): Uint8Array | null {
    return this.#get.get(segment * SENSORS + sensor)?.data ?? null
  }

  /** True when a live segment holds a chunk of a sensor. */
  holds(sensor: SensorNumber): boolean {
    return this.#live.some(({ id }) => this.#has.get(id * SENSORS + sensor) !== undefined)
  }

  /** Sensors that have a chunk in a segment, ascending. */
  sensors(segment: number): SensorNumber[] {
    return this.#sensors.all(segment * SENSORS, (segment + 1) * SENSORS).map(({ id }) => id % SENSORS)
  }

  /** Reserves a new segment; its chunks are invisible until `publish`. */
  build(): number {
    const id = this.#next++
    this.#db.prepare(`INSERT INTO segment VALUES (?, 'raw', 0, 'building', 0, 0, 0, 0, 0, 0)`).run(id)
    return id
  }

  put(segment: number, sensor: SensorNumber, data: Uint8Array): void {
    this.#put.run(segment * SENSORS + sensor, data)
  }

  /** Within the caller's transaction: makes `added` live and `removed` dead; `confirm` after its commit. */
  publish(added: readonly Segment[], removed: readonly Segment[]): void {
    const update = this.#db.prepare(
      `UPDATE segment SET kind = ?, level = ?, state = 'live', epoch = ?, seq = ?, first_time = ?, last_time = ?, readings = ?, bytes = ? WHERE id = ?`,
    )
    for (const s of added)
      update.run(s.kind, s.level, s.epoch, s.seq, s.first_time, s.last_time, s.readings, s.bytes, s.id)
    const retire = this.#db.prepare(`UPDATE segment SET state = 'dead' WHERE id = ?`)
    for (const { id } of removed) retire.run(id)
  }

  confirm(added: readonly Segment[], removed: readonly Segment[]): void {
    const gone = new Set(removed.map(({ id }) => id))
    this.#live = sortByArrival([...this.#live.filter(({ id }) => !gone.has(id)), ...added])
    for (const { id, bytes } of removed) this.#dead.push({ id, bytes, before: this.#queries + 1 })
  }

  /** Gives up a segment that was being built. */
  abandon(id: number): void {
    this.#dead.push({ id, bytes: 0, before: 0 })
  }

  /** Bytes that will be free once all dead segments are deleted. */
  get deadBytes(): number {
    return this.#dead.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** A dead segment that no query reads any more; null when there is none. */
  nextDead(): number | null {
    const { oldestQuery } = this
    return this.#dead.find(({ before }) => before <= oldestQuery)?.id ?? null
  }

  /** Deletes up to `limit` chunks of a dead segment; true when it is all gone. */
  deleteDead(id: number, limit: number): boolean {
    const ids = this.#db
      .prepare<[number, number, number], { id: number }>('SELECT id FROM chunk WHERE id >= ? AND id < ? LIMIT ?')
      .all(id * SENSORS, (id + 1) * SENSORS, limit)
    this.#db.transaction(() => {
      if (ids.length > 0)
        this.#db.prepare('DELETE FROM chunk WHERE id >= ? AND id <= ?').run(ids[0]!.id, ids.at(-1)!.id)
      if (ids.length < limit) this.#db.prepare('DELETE FROM segment WHERE id = ?').run(id)
    })()
    if (ids.length < limit) this.#dead = this.#dead.filter((dead) => dead.id !== id)
    return ids.length < limit
  }
}

function sortByArrival(segments: Segment[]): readonly Segment[] {
  return segments.sort((a, b) => a.epoch - b.epoch || a.seq - b.seq || a.id - b.id)
}
