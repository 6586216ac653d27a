// Salvage: brings what can still be read of a database that was set aside into the new one, in the background. Every chunk
// and block has a checksum, so what comes through is what was written; what does not is counted and told.

import Database from 'better-sqlite3'
import { join } from 'node:path'
import type { Position } from '#domain/journal.ts'
import { ENTRY } from '#domain/reading.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { BlockCodec } from './block-codec.ts'
import { ChunkCodec } from './chunk-codec.ts'
import { putRollups } from './compaction.ts'
import type { BlockRow } from './journal-table.ts'
import { RollupCodec } from './rollup-codec.ts'
import { Series } from './series.ts'
import { SENSORS, type Segment } from './segments.ts'
import { copyLetters } from './salvage-letters.ts'
import { inheritProgress, readKnown, readProgress, writeProgress, type SalvageProgress } from './salvage-progress.ts'
import type { SensorIdentity } from './small-tables.ts'
import { Staging, type SegmentBuilder } from './staging.ts'
import type { StoreTables } from './tables.ts'
import type { Steps } from './turns.ts'

/** Rows of a table that are in memory at once. */
const PAGE_ROWS = 500

export interface SalvageOptions {
  readonly folder: string
  /** Name of the file that was set aside. */
  readonly file: string
  readonly tables: StoreTables
  readonly codec: BlockCodec
}

export interface Salvaged {
  readonly readings: number
  readonly entries: number
  /** Chunks, blocks and tables that could not be read. */
  readonly unreadable: number
}

/** Goes on where an interrupted salvage of the same file was. Throws only what writing the new database throws. */
export function* salvage(options: SalvageOptions): Steps<Salvaged> {
  let old: Database.Database
  try {
    old = new Database(join(options.folder, options.file), { readonly: true, fileMustExist: true })
  } catch {
    return { readings: 0, entries: 0, unreadable: 1 }
  }
  try {
    return yield* new Salvage(old, options).run()
  } finally {
    old.close()
  }
}

class Salvage {
  readonly #old: Database.Database
  readonly #options: SalvageOptions
  readonly #chunks = new ChunkCodec()
  readonly #rollups = new RollupCodec()
  /** New numbers of sensors, by their old ones. */
  #numbers = new Map<SensorNumber, SensorNumber>()
  readonly #progress: SalvageProgress

  constructor(old: Database.Database, options: SalvageOptions) {
    this.#old = old
    this.#options = options
    this.#progress = readProgress(options.tables, options.file)
  }

  *run(): Steps<Salvaged> {
    this.#mapSensors()
    const { tables, file } = this.#options
    const done = { ...this.#progress }
    if (done.segment + done.block + done.entry + done.letter === 0)
      inheritProgress(tables, this.#rows('SELECT name, value FROM meta'))
    yield* this.#copyLetters()
    const columns = 'id, kind, level, epoch, seq, first_time, last_time, readings, bytes'
    for (const segment of this.#rows<Segment>(`SELECT ${columns} FROM segment WHERE state = 'live'`)) {
      if (segment.id > done.segment) yield* this.#segment(segment)
    }
    const compacted = this.#rows<{ value: number }>(`SELECT value FROM meta WHERE name = 'compacted'`)[0]?.value ?? 0
    const blocks = 'SELECT block, epoch, first_seq, count, before, first_time, last_time FROM journal'
    const known = readKnown(tables, file)
    for (const block of this.#rows<BlockRow>(`${blocks} WHERE block >= ${compacted}`)) {
      const isKnown = known !== null && block.epoch === known.epoch && block.first_seq >= known.seq
      if (block.block > done.block && !isKnown) yield* this.#block(block)
    }
    yield* this.#copyEntries(known)
    const { readings, entries, unreadable } = this.#progress
    return { readings, entries, unreadable }
  }

  /** As many rows as can be read. */
  #rows<Row>(sql: string): Row[] {
    const rows: Row[] = []
    try {
      for (const row of this.#old.prepare<[], Row>(sql).iterate()) rows.push(row)
    } catch {
      this.#progress.unreadable += 1
    }
    return rows
  }

  #mapSensors(): void {
    const rows = this.#rows<{ number: number; id: string; value_type: SensorIdentity['valueType'] }>(
      'SELECT number, id, value_type FROM sensor ORDER BY number',
    )
    const { sensors } = this.#options.tables
    const numbers = sensors.register(rows.map(({ id, value_type }) => ({ id, valueType: value_type })))
    this.#numbers = new Map(rows.map(({ number }, index) => [number, numbers[index]!]))
  }

  *#segment({ id, kind, level, epoch, seq }: Segment): Steps<void> {
    const staging = new Staging(this.#options.tables)
    const builder = staging.build({ kind, level, epoch, seq })
    const range = `id >= ${id * SENSORS} AND id < ${(id + 1) * SENSORS}`
    for (const chunk of this.#rows<{ id: number }>(`SELECT id FROM chunk WHERE ${range}`)) {
      const sensor = this.#numbers.get(chunk.id % SENSORS)
      if (sensor !== undefined) this.#chunk(chunk.id, (data) => this.#put(staging, builder, { kind, sensor, data }))
      yield
      if (!staging.isWorthWriting) continue
      staging.write()
      yield
    }
    this.#publish(staging, { segment: id })
  }

  /** Makes a step visible and marks it as done, both or neither. */
  #publish(staging: Staging, step: Partial<SalvageProgress>): void {
    Object.assign(this.#progress, step)
    const { tables, file } = this.#options
    staging.publish([], () => writeProgress(tables, file, this.#progress))
  }

  #chunk(id: number, use: (data: Uint8Array) => void): void {
    try {
      const row = this.#old.prepare<[number], { data: Buffer }>('SELECT data FROM chunk WHERE id = ?').get(id)
      if (row) use(row.data)
      else this.#progress.unreadable += 1
    } catch {
      this.#progress.unreadable += 1
    }
  }

  /** Takes a chunk over as it is, once it proved to be readable. Throws STORE_CORRUPT. */
  #put(
    staging: Staging,
    builder: SegmentBuilder,
    { kind, sensor, data }: { kind: Segment['kind']; sensor: SensorNumber; data: Uint8Array },
  ): void {
    if (kind === 'raw') {
      const series = this.#chunks.decode(data)
      staging.put(builder, sensor, data)
      builder.count(series.length, series.timeAt(0), series.timeAt(series.length - 1), data.length)
      this.#progress.readings += series.length
      return
    }
    const { length, time } = this.#rollups.decode(data)
    const widthMs = kind === 'hour' ? 3_600_000 : 60_000
    staging.put(builder, sensor, data)
    builder.count(length, time[0]!, time[length - 1]! + widthMs - 1, data.length)
  }

  /** A block that was not compacted yet becomes a segment with its minutes. */
  *#block({ block, epoch, first_seq: seq }: BlockRow): Steps<void> {
    const { tables } = this.#options
    const staging = new Staging(tables)
    const raw = staging.build({ kind: 'raw', level: 0, epoch, seq })
    const minutes = staging.build({ kind: 'minute', level: 0, epoch, seq })
    for (const [sensor, unordered] of this.#readBlock(block)) {
      const series = unordered.ordered()
      const data = this.#chunks.encode(series, tables.sensors.isInteger(sensor))
      staging.put(raw, sensor, data)
      raw.count(series.length, series.timeAt(0), series.timeAt(series.length - 1), data.length)
      putRollups(staging, { minutes, hours: null }, { sensor, series, rollups: this.#rollups, tables })
      this.#progress.readings += series.length
      yield
    }
    this.#publish(staging, { block })
  }

  #readBlock(block: number): Map<SensorNumber, Series> {
    const bySensor = new Map<SensorNumber, Series>()
    try {
      const row = this.#old.prepare<[number], { data: Buffer }>('SELECT data FROM journal WHERE block = ?').get(block)
      const batch = this.#options.codec.decode(row!.data)
      const words = new Uint32Array(batch.value.buffer, batch.value.byteOffset, batch.value.length * 2)
      for (let at = 0; at < batch.length; at++) {
        const sensor = batch.sensor[at] === ENTRY ? undefined : this.#numbers.get(batch.sensor[at]!)
        if (sensor === undefined) continue
        const series = bySensor.get(sensor) ?? new Series()
        bySensor.set(sensor, series)
        series.push(batch, at, words)
      }
      return bySensor
    } catch {
      this.#progress.unreadable += 1
      return new Map()
    }
  }

  /** Pages of a table in order of its ids, as many rows as can be read. */
  *#pages<Row extends { readonly id: number }>(select: (after: number) => string, after: number): Generator<Row[]> {
    let rows: Row[]
    do {
      rows = this.#rows<Row>(`${select(after)} ORDER BY id LIMIT ${PAGE_ROWS}`)
      if (rows.length > 0) yield rows
      after = rows.at(-1)?.id ?? after
    } while (rows.length === PAGE_ROWS)
  }

  *#copyLetters(): Steps<void> {
    const { tables, file } = this.#options
    // A database of an early version has none.
    if (this.#rows(`SELECT 1 FROM sqlite_schema WHERE name = 'dead_letter'`).length === 0) return
    const select = (after: number): string => `SELECT * FROM dead_letter NOT INDEXED WHERE id > ${after}`
    for (const rows of this.#pages<{ id: number }>(select, this.#progress.letter)) {
      this.#progress.letter = rows.at(-1)!.id
      tables.db.transaction(() => {
        this.#progress.unreadable += copyLetters(rows, this.#numbers, tables.db)
        writeProgress(tables, file, this.#progress)
      })()
      yield
    }
  }

  /**
   * Alarms and events, for people to look at, but for those from `known` on, which are written by themselves. What was open is
   * not taken over: the checks find it anew.
   */
  *#copyEntries(known: Position | null): Steps<void> {
    const { tables, file } = this.#options
    const { db } = tables
    const columns = 'epoch, seq, time, kind, sensor, check_type, json'
    const butKnown = known === null ? '' : ` AND NOT (epoch = ${known.epoch} AND seq >= ${known.seq})`
    const select = (after: number): string =>
      `SELECT id, ${columns} FROM entry NOT INDEXED WHERE id > ${after}${butKnown}`
    // What damage has left without a column is left out; an error here would be met again with each try.
    const insert = db.prepare<[Record<string, unknown>]>(
      `INSERT OR IGNORE INTO entry (${columns}) VALUES (@epoch, @seq, @time, @kind, @sensor, @check_type, @json)`,
    )
    for (const rows of this.#pages<Record<string, unknown> & { id: number }>(select, this.#progress.entry)) {
      this.#progress.entry = rows.at(-1)!.id
      db.transaction(() => {
        const copied = rows.reduce((sum, row) => sum + insert.run(row).changes, 0)
        this.#progress.entries += copied
        this.#progress.unreadable += rows.length - copied
        writeProgress(tables, file, this.#progress)
      })()
      yield
    }
  }
}
