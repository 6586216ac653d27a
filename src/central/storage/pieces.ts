// Which table answers for which part of a range: whole hours and minutes that are worked out come from the rollups, what is marked as
// stale, and the edges, from one level deeper.

import type { Queryable } from '#backing/database.ts'
import { HOUR_MS, MINUTE_MS, TAME } from './rollups.ts'
import { isoTime } from './pages.ts'
import type { Series } from './series.ts'

export interface Range {
  readonly from: number
  readonly to: number
}

export interface Pieces {
  readonly hour: readonly Range[]
  readonly minute: readonly Range[]
  readonly raw: readonly Range[]
}

/** Cells of a range that are marked. */
export interface Stale {
  readonly hours: ReadonlySet<number>
  readonly minutes: ReadonlySet<number>
}

export async function findStale(queryable: Queryable, { gateway }: Series, { from, to }: Range): Promise<Stale> {
  const rows = await queryable.query<{ level: string; time: number }>(
    `SELECT level, time FROM central.stale_rollup WHERE gateway = $1 AND time >= $2::timestamptz AND time < $3::timestamptz`,
    [gateway, isoTime(Math.floor(from / HOUR_MS) * HOUR_MS), isoTime(to)],
  )
  const minutes = new Set(rows.filter(({ level }) => level === 'minute').map(({ time }) => time))
  const hours = new Set(rows.filter(({ level }) => level === 'hour').map(({ time }) => time))
  for (const minute of minutes) hours.add(Math.floor(minute / HOUR_MS) * HOUR_MS)
  return { hours, minutes }
}

/** `coarsest`: the level that may be used at most. */
export function piecesOf(range: Range, coarsest: 'hour' | 'minute' | 'raw', stale: Stale): Pieces {
  const pieces = { hour: [] as Range[], minute: [] as Range[], raw: [] as Range[] }
  const minutes = (part: Range): void =>
    split(part, MINUTE_MS, stale.minutes, pieces.minute, (rest) => put(pieces.raw, rest))
  if (coarsest === 'raw') put(pieces.raw, range)
  else if (coarsest === 'minute') minutes(range)
  else split(range, HOUR_MS, stale.hours, pieces.hour, minutes)
  return pieces
}

/** Whole cells that are not stale go to `whole`, all else to `rest`. */
function split(
  { from, to }: Range,
  width: number,
  stale: ReadonlySet<number>,
  whole: Range[],
  rest: (part: Range) => void,
): void {
  const first = Math.ceil(from / width) * width
  const last = Math.floor(to / width) * width
  if (first >= last) return rest({ from, to })
  if (from < first) rest({ from, to: first })
  let start = first
  for (const cell of [...stale].filter((time) => time >= first && time < last).sort((a, b) => a - b)) {
    put(whole, { from: start, to: cell })
    rest({ from: cell, to: cell + width })
    start = cell + width
  }
  put(whole, { from: start, to: last })
  if (last < to) rest({ from: last, to })
}

/** Joined with the one before where they touch. */
function put(ranges: Range[], range: Range): void {
  if (range.from >= range.to) return
  const before = ranges.at(-1)
  if (before?.to === range.from) ranges[ranges.length - 1] = { from: before.from, to: range.to }
  else ranges.push(range)
}

/**
 * SQL that gives aggregates of all pieces, one row for each `cell` (an expression of `time`), to be merged by the caller: time,
 * last_time, count, min, max, mean, squares, last.
 */
export function aggregatesSql({ condition }: Series, pieces: Pieces, cell: string): string {
  const rollup = (table: string, ranges: readonly Range[]): string =>
    `SELECT ${cell} AS cell, r.last_time, r.count, r.min, r.max, r.mean, r.squares, r.last FROM central.${table} AS r
     WHERE ${condition} AND ${within(ranges)}`
  const parts = [
    ...(pieces.hour.length > 0 ? [rollup('rollup_hour', pieces.hour)] : []),
    ...(pieces.minute.length > 0 ? [rollup('rollup_minute', pieces.minute)] : []),
    ...(pieces.raw.length > 0
      ? [
          `SELECT ${cell} AS cell, max(r.time) AS last_time, count(*) AS count, min(r.value) AS min, max(r.value) AS max, avg(${TAME}) AS mean,
             coalesce(var_pop(${TAME}) * count(*), 0) AS squares, (array_agg(r.value ORDER BY r.time DESC, r.epoch DESC, r.seq DESC))[1] AS last FROM central.reading AS r
           WHERE ${condition} AND r.value IS NOT NULL AND ${within(pieces.raw)} GROUP BY 1`,
        ]
      : []),
  ]
  return parts.join(' UNION ALL ')
}

/** Constants, so that the planner leaves out partitions: by the hull of the ranges. */
function within(ranges: readonly Range[]): string {
  const hull = `r.time >= '${isoTime(ranges[0]!.from)}' AND r.time < '${isoTime(ranges.at(-1)!.to)}'`
  if (ranges.length === 1) return hull
  const each = ranges.map(({ from, to }) => `["${isoTime(from)}","${isoTime(to)}")`)
  return `${hull} AND r.time <@ '{${each.join(',')}}'::tstzmultirange`
}
