// Tables that are cut by time: partitions are made before they are needed and dropped when their time is over, which costs the same
// however many rows they have. With TimescaleDB it makes the pieces itself; dropping is asked of it.

import type { Database, Queryable } from '#backing/database.ts'
import type { Log } from '#domain/driver.ts'
import { toTelemetryError } from '#domain/errors.ts'
import { SCHEMA } from './schema.ts'

const DAY_MS = 86_400_000
/** Made this much ahead of now. */
const AHEAD_MS = 3 * DAY_MS

export type TimeTable = 'reading' | 'rollup_minute' | 'rollup_hour' | 'entry'

/** Width of a partition; they begin at multiples of it since 1970. */
const WIDTHS: Readonly<Record<TimeTable, number>> = {
  reading: DAY_MS,
  entry: 7 * DAY_MS,
  rollup_minute: 7 * DAY_MS,
  rollup_hour: 91 * DAY_MS,
}
const TABLES = Object.keys(WIDTHS) as TimeTable[]

export interface Retention {
  readonly rawMs: number
  readonly minuteMs: number
  readonly hourMs: number
}

interface Partition {
  readonly table: TimeTable
  readonly from: number
}

export class TimeTables {
  readonly #database: Database
  readonly #log: Log
  readonly #retention: Retention
  readonly #isHyper: boolean
  /** By name: what is known to be there. */
  readonly #known = new Set<string>()

  private constructor(options: { database: Database; log: Log; retention: Retention; isHyper: boolean }) {
    this.#database = options.database
    this.#log = options.log
    this.#retention = options.retention
    this.#isHyper = options.isHyper
  }

  static async open(options: { database: Database; log: Log; retention: Retention }): Promise<TimeTables> {
    const [table] = await options.database.query<{ kind: string }>(
      `SELECT relkind AS kind FROM pg_class WHERE oid = '${SCHEMA}.reading'::regclass`,
    )
    return new TimeTables({ ...options, isHyper: table?.kind !== 'p' })
  }

  /** TimescaleDB's. */
  get isHyper(): boolean {
    return this.#isHyper
  }

  /** Times of readings that are taken: older ones would be dropped at once, later ones would be partitions without end. */
  span(now: number): { readonly from: number; readonly to: number } {
    return { from: now - this.#retention.rawMs, to: now + DAY_MS }
  }

  /** Makes what is missing for these times. Unix milliseconds. */
  async cover(table: TimeTable, times: Iterable<number>): Promise<void> {
    if (this.#isHyper) return
    const width = WIDTHS[table]
    const starts = new Set<number>()
    for (const time of times) starts.add(Math.floor(time / width) * width)
    for (const from of starts) if (!this.#known.has(nameOf({ table, from }))) await this.#make({ table, from })
  }

  /** As `cover`, for readings and for the rollups that will be made of them. */
  async coverReadings(times: Iterable<number>): Promise<void> {
    const all = [...times]
    for (const table of ['reading', 'rollup_minute', 'rollup_hour'] as const) await this.cover(table, all)
  }

  /** Partitions for now and what comes, and an end to what is over. */
  async maintain(now: number): Promise<void> {
    for (const table of TABLES) {
      const times = []
      for (let time = now; time <= now + AHEAD_MS; time += DAY_MS) times.push(time)
      await this.cover(table, times)
      await this.#drop(table, now - this.#keptMs(table))
    }
  }

  #keptMs(table: TimeTable): number {
    const { hourMs, minuteMs, rawMs } = this.#retention
    return { reading: rawMs, rollup_minute: minuteMs, rollup_hour: hourMs, entry: hourMs }[table]
  }

  async #make(partition: Partition): Promise<void> {
    const { from, table } = partition
    const name = nameOf(partition)
    const parent = `${SCHEMA}.${table}`
    const bounds = `FROM ('${isoTime(from)}') TO ('${isoTime(from + WIDTHS[table])}')`
    await this.#database.transaction(async (queryable) => {
      await lockTable(queryable, table)
      const [found] = await queryable.query<{ name: string | null }>(`SELECT to_regclass($1)::text AS name`, [
        `${SCHEMA}.${name}`,
      ])
      if (found?.name) return
      // Attached, not made as PARTITION OF: that would lock out everybody who reads or writes the table.
      await queryable.query(`
        CREATE TABLE ${SCHEMA}.${name} (LIKE ${parent} INCLUDING DEFAULTS INCLUDING INDEXES);
        ALTER TABLE ${SCHEMA}.${name} ADD CHECK (time >= '${isoTime(from)}' AND time < '${isoTime(from + WIDTHS[table])}');
        ALTER TABLE ${parent} ATTACH PARTITION ${SCHEMA}.${name} FOR VALUES ${bounds};`)
    })
    this.#known.add(name)
  }

  async #drop(table: TimeTable, before: number): Promise<void> {
    if (this.#isHyper) {
      await this.#database.query(`SELECT drop_chunks('${SCHEMA}.${table}', older_than => $1::timestamptz)`, [
        isoTime(before),
      ])
      return
    }
    for (const { from, name } of await this.#partitions(table)) {
      if (from + WIDTHS[table] > before) continue
      try {
        await this.#database.transaction(async (queryable) => {
          await lockTable(queryable, table)
          await queryable.query(`SET LOCAL lock_timeout = '2s'; DROP TABLE IF EXISTS ${SCHEMA}.${name}`)
        })
        this.#known.delete(name)
        this.#log.info({ partition: name }, 'Old data dropped')
      } catch (cause) {
        // Somebody reads it just now: the next round.
        this.#log.debug({ partition: name, reason: toTelemetryError(cause).message }, 'Old data not dropped yet')
      }
    }
  }

  async #partitions(table: TimeTable): Promise<{ name: string; from: number }[]> {
    const rows = await this.#database.query<{ name: string }>(
      `SELECT relname AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
       WHERE inhparent = '${SCHEMA}.${table}'::regclass ORDER BY relname`,
    )
    return rows.map(({ name }) => ({ name, from: fromOf(name) }))
  }
}

/** One process at a time changes the partitions of a table. */
async function lockTable(queryable: Queryable, table: TimeTable): Promise<void> {
  await queryable.query('SELECT pg_advisory_xact_lock(32287, hashtext($1))', [table])
}

/** `reading_20261120` */
function nameOf({ from, table }: Partition): string {
  return `${table}_${isoTime(from).slice(0, 10).replaceAll('-', '')}`
}

function fromOf(name: string): number {
  const [, year, month, day] = /_(\d{4,6})(\d{2})(\d{2})$/.exec(name) ?? []
  return Date.UTC(Number(year), Number(month) - 1, Number(day))
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
