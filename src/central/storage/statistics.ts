// Statistics of one sensor over a range: whole hours and minutes from the rollups, the edges from the readings.

import type { Queryable } from '#backing/database.ts'
import type { Statistics, StoredReading } from '#domain/history.ts'
import { aggregatesSql, findStale, piecesOf, type Range } from './pieces.ts'
import { isoTime } from './pages.ts'
import { READING, storedReading, type ReadingRow } from './reading-row.ts'
import type { Series } from './series.ts'

interface TotalRow {
  readonly [name: string]: unknown
  readonly count: number | null
  readonly min: number | null
  readonly max: number | null
  readonly mean: number | null
  readonly squares: number | null
}

export async function queryStatistics(queryable: Queryable, series: Series, range: Range): Promise<Statistics> {
  const pieces = piecesOf(range, 'hour', await findStale(queryable, series, range))
  // Sums of squares are combined after Chan, Golub & LeVeque (1979): within the parts, and of their means.
  const [total] = await queryable.query<TotalRow>(
    `WITH parts AS MATERIALIZED (${aggregatesSql(series, pieces, '1')}),
       whole AS (SELECT sum(count)::int8 AS count, min(min) AS min, max(max) AS max, sum(count * mean) / sum(count) AS mean FROM parts)
     SELECT count, min, max, mean,
       (SELECT sum(p.squares + p.count * (p.mean - whole.mean) ^ 2) FROM parts AS p) AS squares FROM whole`,
  )
  const count = total?.count ?? 0
  return {
    count,
    min: total?.min ?? null,
    max: total?.max ?? null,
    mean: total?.mean ?? null,
    standardDeviation: count < 2 ? null : Math.sqrt(total!.squares! / (count - 1)),
    first: count === 0 ? null : await edge(queryable, series, range, 'ASC'),
    last: count === 0 ? null : await edge(queryable, series, range, 'DESC'),
  }
}

/** The first or last reading with a number; null when only rollups are left of it. */
async function edge(
  queryable: Queryable,
  series: Series,
  { from, to }: Range,
  order: 'ASC' | 'DESC',
): Promise<StoredReading | null> {
  const [row] = await queryable.query<ReadingRow>(
    `SELECT ${READING} FROM central.reading AS r
     WHERE ${series.condition} AND r.time >= '${isoTime(from)}' AND r.time < '${isoTime(to)}' AND r.value IS NOT NULL
     ORDER BY r.time ${order}, r.epoch ${order}, r.seq ${order} LIMIT 1`,
  )
  return row ? storedReading(row, series.types.get(row.sensor)!) : null
}
