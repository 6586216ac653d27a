// Buckets of one sensor: of any width, from rollups where the width allows. They begin at multiples of it since 1970; those without
// a reading are left out.

import type { Queryable } from '#backing/database.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { Bucket, Page, RangeQuery } from '#domain/history.ts'
import { aggregatesSql, findStale, piecesOf } from './pieces.ts'
import { keyOfCursor, pageOfRows } from './pages.ts'
import { HOUR_MS, MINUTE_MS } from './rollups.ts'
import type { Series } from './series.ts'

/** Widths of the first step in buckets; each further one is twice as wide. */
const FIRST_STEP = 2000

interface BucketRow extends Bucket {
  readonly [name: string]: unknown
}

/** Throws OUT_OF_RANGE for text. */
export async function queryBuckets(
  queryable: Queryable,
  series: Series,
  query: RangeQuery & { readonly everyMs: number },
): Promise<Page<Bucket>> {
  const { everyMs, limit } = query
  if ([...series.types.values()].at(-1) === 'string')
    throw new TelemetryError('OUT_OF_RANGE', `The values of ${series.id} are text`)
  const isNewest = query.order === 'newestFirst'
  const bounds = await dataBounds(queryable, series)
  const [cursor] = keyOfCursor(query.cursor, ['number']) ?? []
  let from = Math.max(query.from, bounds.from)
  let to = Math.min(query.to, bounds.to)
  if (cursor !== undefined)
    [from, to] = isNewest ? [from, Math.min(to, Number(cursor))] : [Math.max(from, Number(cursor) + everyMs), to]
  const rows: Bucket[] = []
  // Only as much of the range as fills the page: a year of minutes is not worked out to show the first hundred.
  for (let step = Math.max(FIRST_STEP, limit + 1) * everyMs; from < to && rows.length <= limit; step *= 2) {
    const part = isNewest
      ? { from: Math.max(from, Math.floor((to - 1) / everyMs) * everyMs + everyMs - step), to }
      : { from, to: Math.min(to, Math.floor(from / everyMs) * everyMs + step) }
    rows.push(...(await bucketsWithin(queryable, series, { ...part, everyMs, isNewest })))
    if (isNewest) to = part.from
    else from = part.to
  }
  return pageOfRows(rows, limit, { item: (bucket) => bucket, key: ({ time }) => [time] })
}

/** Between the first and the last reading or rollup: nothing is outside. */
async function dataBounds(queryable: Queryable, { condition }: Series): Promise<{ from: number; to: number }> {
  const edge = (table: string, order: 'ASC' | 'DESC'): string =>
    `(SELECT r.time FROM central.${table} AS r WHERE ${condition} ORDER BY r.time ${order} LIMIT 1)`
  const [row] = await queryable.query<{ first: number | null; last: number | null }>(
    `SELECT least(${edge('reading', 'ASC')}, ${edge('rollup_minute', 'ASC')}, ${edge('rollup_hour', 'ASC')}) AS first,
       greatest(${edge('reading', 'DESC')}, ${edge('rollup_minute', 'DESC')} + interval '1 minute', ${edge('rollup_hour', 'DESC')} + interval '1 hour') AS last`,
  )
  return { from: row?.first ?? Number.POSITIVE_INFINITY, to: (row?.last ?? Number.NEGATIVE_INFINITY) + 1 }
}

interface Within {
  readonly from: number
  readonly to: number
  readonly everyMs: number
  readonly isNewest: boolean
}

async function bucketsWithin(queryable: Queryable, series: Series, within: Within): Promise<readonly Bucket[]> {
  const { everyMs, from, isNewest, to } = within
  const coarsest = everyMs % HOUR_MS === 0 ? 'hour' : everyMs % MINUTE_MS === 0 ? 'minute' : 'raw'
  const stale =
    coarsest === 'raw'
      ? { hours: new Set<number>(), minutes: new Set<number>() }
      : await findStale(queryable, series, { from, to })
  const pieces = piecesOf({ from, to }, coarsest, stale)
  const sql = aggregatesSql(series, pieces, `date_bin('${everyMs} milliseconds', r.time, 'epoch')`)
  const rows = await queryable.query<BucketRow>(
    `SELECT cell AS time, sum(count)::int8 AS count, min(min) AS min, max(max) AS max, sum(count * mean) / sum(count) AS mean,
       (array_agg(last ORDER BY last_time DESC))[1] AS last
     FROM (${sql}) AS parts GROUP BY cell ORDER BY cell ${isNewest ? 'DESC' : 'ASC'}`,
  )
  return rows.map(({ count, last, max, mean, min, time }) => ({ time, count, min, max, mean, last }))
}
