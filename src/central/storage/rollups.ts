// Minute and hour rollups. Ingest marks the minutes whose readings have changed; here they are worked out anew once they have
// been quiet, and the hours above them. While a cell is marked, queries go one level deeper for it: what they answer is always right.

import type { Queryable } from '#backing/database.ts'
import type { TenantNumber } from '../ports.ts'
import type { TenantDatabase } from './tenant-database.ts'

export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000
/** A cell is left alone until this long after its end: more readings of it are likely. */
const QUIET_MS = 60_000
/** Cells of one transaction: a gateway that sends into one of them waits for it. */
const CELLS_AT_ONCE = 100

type Level = 'minute' | 'hour'

interface Cell {
  readonly [name: string]: unknown
  readonly gateway: number
  readonly time: number
}

/** Neighbouring cells of one gateway. */
interface Run {
  readonly gateway: number
  readonly from: number
  to: number
}

export class Rollups {
  readonly #database: TenantDatabase

  constructor(database: TenantDatabase) {
    this.#database = database
  }

  /** Works out what is marked and quiet, of all tenants in turn. */
  async run(now: number): Promise<void> {
    const tenants = await this.#database.platform((queryable) =>
      queryable.query<{ number: number }>('SELECT number FROM central.tenant ORDER BY number'),
    )
    const failures: unknown[] = []
    for (const { number } of tenants) {
      try {
        while ((await this.#step(number, 'minute', now - QUIET_MS - MINUTE_MS)) === CELLS_AT_ONCE);
        while ((await this.#step(number, 'hour', now - QUIET_MS - HOUR_MS)) === CELLS_AT_ONCE);
      } catch (cause) {
        failures.push(cause) // the other tenants' are worked out all the same
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  /** Some cells of one tenant that began at `until` or before. How many there were. */
  #step(tenant: TenantNumber, level: Level, until: number): Promise<number> {
    return this.#database.write(tenant, async (queryable) => {
      // What ingest touches at this moment is locked, and left for the next time.
      const cells = await queryable.query<Cell>(
        // Materialized: as a plain join the choice may be made anew for each row, and the limit holds for none of them.
        `WITH quiet AS MATERIALIZED (
           SELECT gateway, level, time FROM central.stale_rollup
           WHERE tenant = $1 AND level = $2 AND time <= to_timestamp($3::float8 / 1000)
             AND ($2 = 'minute' OR NOT EXISTS (SELECT FROM central.stale_rollup AS m WHERE m.tenant = $1 AND m.level = 'minute'
               AND m.gateway = stale_rollup.gateway AND m.time >= stale_rollup.time AND m.time < stale_rollup.time + interval '1 hour'))
           ORDER BY gateway, time LIMIT ${CELLS_AT_ONCE} FOR UPDATE SKIP LOCKED)
         DELETE FROM central.stale_rollup AS s USING quiet
         WHERE s.tenant = $1 AND s.gateway = quiet.gateway AND s.level = quiet.level AND s.time = quiet.time
         RETURNING s.gateway, s.time`,
        [tenant, level, until],
      )
      const runs = runsOf(cells, level === 'minute' ? MINUTE_MS : HOUR_MS)
      for (const run of runs) await (level === 'minute' ? rollMinutes : rollHours)(queryable, tenant, run)
      return cells.length
    })
  }
}

function runsOf(cells: readonly Cell[], width: number): Run[] {
  const runs: Run[] = []
  for (const { gateway, time } of cells.toSorted((a, b) => a.gateway - b.gateway || a.time - b.time)) {
    const last = runs.at(-1)
    if (last?.gateway === gateway && last.to === time) last.to += width
    else runs.push({ gateway, from: time, to: time + width })
  }
  return runs
}

/** Sums and squares of larger numbers would overflow, and PostgreSQL would work out nothing at all. */
export const TAME = 'greatest(least(r.value, 1e150), -1e150)'

const COLUMNS = 'tenant, sensor, time, last_time, count, min, max, mean, squares, last'
const REPLACED = `ON CONFLICT (sensor, time) DO UPDATE SET last_time = excluded.last_time, count = excluded.count, min = excluded.min,
  max = excluded.max, mean = excluded.mean, squares = excluded.squares, last = excluded.last`

async function rollMinutes(queryable: Queryable, tenant: TenantNumber, { from, gateway, to }: Run): Promise<void> {
  await queryable.query(
    `INSERT INTO central.rollup_minute (${COLUMNS})
     SELECT $1, r.sensor, date_trunc('minute', r.time), max(r.time), count(*), min(r.value), max(r.value), avg(${TAME}),
       coalesce(var_pop(${TAME}) * count(*), 0), (array_agg(r.value ORDER BY r.time DESC, r.epoch DESC, r.seq DESC))[1]
     FROM central.sensor AS s JOIN central.reading AS r ON r.sensor = s.number
     WHERE s.tenant = $1 AND s.gateway = $2 AND r.time >= $3::timestamptz AND r.time < $4::timestamptz AND r.value IS NOT NULL
     GROUP BY r.sensor, date_trunc('minute', r.time) ${REPLACED}`,
    [tenant, gateway, isoTime(from), isoTime(to)],
  )
  await queryable.query(
    `INSERT INTO central.stale_rollup AS s (tenant, gateway, level, time)
     SELECT $1, $2, 'hour', hour FROM generate_series(date_trunc('hour', $3::timestamptz), $4::timestamptz - interval '1 minute', interval '1 hour') AS hour
     ON CONFLICT (gateway, level, time) DO UPDATE SET touched = s.touched + 1`,
    [tenant, gateway, isoTime(from), isoTime(to)],
  )
}

async function rollHours(queryable: Queryable, tenant: TenantNumber, { from, gateway, to }: Run): Promise<void> {
  // Sums of squares are combined after Chan, Golub & LeVeque (1979): within the cells, and of their means.
  await queryable.query(
    `INSERT INTO central.rollup_hour (${COLUMNS})
     SELECT $1, sensor, hour, max(last_time), sum(count), min(min), max(max), max(hour_mean),
       sum(squares) + sum(count * (mean - hour_mean) ^ 2), (array_agg(last ORDER BY last_time DESC))[1]
     FROM (SELECT m.*, date_trunc('hour', m.time) AS hour,
         sum(m.count * m.mean) OVER of_hour / sum(m.count) OVER of_hour AS hour_mean
       FROM central.sensor AS s JOIN central.rollup_minute AS m ON m.sensor = s.number
       WHERE s.tenant = $1 AND s.gateway = $2 AND m.time >= $3::timestamptz AND m.time < $4::timestamptz
       WINDOW of_hour AS (PARTITION BY m.sensor, date_trunc('hour', m.time))) AS minutes
     GROUP BY sensor, hour ${REPLACED}`,
    [tenant, gateway, isoTime(from), isoTime(to)],
  )
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
