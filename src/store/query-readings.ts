// Readings of one sensor over a range, by pages. The order is (time, arrival); a cursor names a time and how many readings
// of exactly that time lie before the page's end, counted from the oldest: late arrivals never shift what was given.

import type { RangeQuery } from '#domain/history.ts'
import { isBad } from '#domain/quality.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { Value } from '#domain/value.ts'
import { seriesValue } from './numeric-values.ts'
import type { QueryView } from './query-view.ts'
import { Series } from './series.ts'
import type { Steps } from './turns.ts'

/** Readings in columns: cheap to pass between threads. */
export interface ReadingColumnsPage {
  readonly time: Float64Array
  readonly receivedAt: Float64Array
  readonly status: Uint32Array
  readonly values: readonly (Value | null)[]
  readonly next: string | null
}

/** One reading found; `arrival` orders the sources. */
interface Found {
  readonly time: number
  readonly arrival: number
  readonly row: number
  readonly series: Series
  readonly sensor: SensorNumber
}

interface Source {
  readonly arrival: number
  readonly firstTime: number
  readonly lastTime: number
  readonly sensor: SensorNumber
  /** All its readings of the sensor, ordered; the same rows each time. */
  load(): Series | null
}

interface Cursor {
  readonly time: number
  readonly index: number
}

export function* queryReadings(view: QueryView, query: RangeQuery): Steps<ReadingColumnsPage> {
  const sources = sourcesOf(view, query.sensor)
  const newest = query.order === 'newestFirst'
  const cursor = parseCursor(query.cursor)
  const found: Found[] = []
  let { from, to } = query
  if (cursor) {
    const ties = yield* readingsAt(sources, cursor.time)
    found.push(...(newest ? ties.slice(0, cursor.index).reverse() : ties.slice(cursor.index)))
    if (newest) to = Math.min(to, cursor.time)
    else from = Math.max(from, nextTime(cursor.time))
  }
  const missing = query.limit + 1 - found.length
  if (missing > 0) found.push(...(yield* gather(sources, { from, to, newest, count: missing })))
  const page = found.slice(0, query.limit)
  const next = found.length > query.limit ? yield* cursorAfter(sources, page.at(-1)!) : null
  return columnsOf(
    view,
    page,
    next === null ? null : newest ? `${next.time}_${next.index}` : `${next.time}_${next.index + 1}`,
  )
}

/** The first or last reading of a range that is not bad and has a number for a value. */
export function* queryEdge(
  view: QueryView,
  query: { sensor: string; from: number; to: number; newest: boolean },
): Steps<ReadingColumnsPage> {
  const numeric = (found: Found): boolean => {
    if (isBad(found.series.status[found.row]!)) return false
    const value = seriesValue(found.series, found.row, view.tables.sensors.valueType(found.sensor))
    return typeof value === 'number' ? value === value : typeof value !== 'string'
  }
  const sources = sourcesOf(view, query.sensor)
  return columnsOf(view, yield* gather(sources, { ...query, count: 1, accept: numeric }), null)
}

function sourcesOf(view: QueryView, sensorId: string): Source[] {
  const sources: Source[] = []
  for (const sensor of view.tables.sensors.numbersOf(sensorId)) {
    let arrival = 0
    for (const segment of view.segments) {
      if (segment.kind !== 'raw') continue
      const { first_time: firstTime, last_time: lastTime } = segment
      sources.push({ arrival: arrival++, firstTime, lastTime, sensor, load: once(() => view.series(segment, sensor)) })
    }
    for (const part of view.parts) {
      const { firstTime, lastTime } = part
      const load = once(() =>
        view.partSeries(part, sensor, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY).ordered(),
      )
      sources.push({ arrival: arrival++, firstTime, lastTime, sensor, load })
    }
  }
  return sources
}

function once(load: () => Series | null): () => Series | null {
  let loaded: Series | null | undefined
  return () => (loaded === undefined ? (loaded = load()) : loaded)
}

interface GatherOptions {
  readonly from: number
  readonly to: number
  readonly newest: boolean
  readonly count: number
  readonly accept?: (found: Found) => boolean
}

/** The first `count` readings of the range in the query's order. Opens only the sources that can hold one of them. */
function* gather(sources: readonly Source[], options: GatherOptions): Steps<Found[]> {
  const { from, to, newest, count } = options
  const candidates = sources.filter((source) => source.lastTime >= from && source.firstTime < to)
  candidates.sort(newest ? (a, b) => b.lastTime - a.lastTime : (a, b) => a.firstTime - b.firstTime)
  const compare = newest ? (a: Found, b: Found) => compareFound(b, a) : compareFound
  let found: Found[] = []
  for (const source of candidates) {
    if (found.length >= count) {
      const boundary = found[count - 1]!.time
      if (newest ? source.lastTime < boundary : source.firstTime > boundary) break
    }
    const added = rowsOf(source, options)
    yield
    if (added.length > 0) found = [...found, ...added].sort(compare).slice(0, count)
  }
  return found
}

/** At most `count` readings of one source, from the end that the query begins with. */
function rowsOf(source: Source, { from, to, newest, count, accept }: GatherOptions): Found[] {
  const series = source.load()
  const rows: Found[] = []
  if (!series) return rows
  const begin = lowerBound(series, from)
  const end = lowerBound(series, to)
  for (let step = 0; step < end - begin && rows.length < count; step++) {
    const row = newest ? end - 1 - step : begin + step
    const found = { time: series.timeAt(row), arrival: source.arrival, row, series, sensor: source.sensor }
    if (!accept || accept(found)) rows.push(found)
  }
  return rows
}

/** Every reading of exactly one time, in order of arrival. */
function* readingsAt(sources: readonly Source[], time: number): Steps<Found[]> {
  const found: Found[] = []
  const to = nextTime(time)
  for (const source of sources) {
    if (source.lastTime < time || source.firstTime > time) continue
    found.push(...rowsOf(source, { from: time, to, newest: false, count: Number.POSITIVE_INFINITY }))
    yield
  }
  return found.sort(compareFound)
}

function* cursorAfter(sources: readonly Source[], last: Found): Steps<Cursor> {
  const ties = yield* readingsAt(sources, last.time)
  return { time: last.time, index: ties.findIndex((tie) => compareFound(tie, last) === 0) }
}

function compareFound(a: Found, b: Found): number {
  return a.time - b.time || a.sensor - b.sensor || a.arrival - b.arrival || a.row - b.row
}

/** First row of an ordered series with at least this time. */
function lowerBound(series: Series, time: number): number {
  let low = 0
  let high = series.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (series.timeAt(middle) < time) low = middle + 1
    else high = middle
  }
  return low
}

/** The smallest float64 above a finite time. */
function nextTime(time: number): number {
  if (time === 0) return Number.MIN_VALUE
  const cell = Float64Array.of(time)
  const bits = new BigInt64Array(cell.buffer)
  bits[0]! += time > 0 ? 1n : -1n
  return cell[0]!
}

function columnsOf(view: QueryView, page: readonly Found[], next: string | null): ReadingColumnsPage {
  const time = new Float64Array(page.length)
  const receivedAt = new Float64Array(page.length)
  const status = new Uint32Array(page.length)
  const values = page.map(({ series, row, sensor, time: at }, index) => {
    time[index] = at
    receivedAt[index] = series.receivedAt[row]!
    status[index] = series.status[row]!
    return seriesValue(series, row, view.tables.sensors.valueType(sensor))
  })
  return { time, receivedAt, status, values, next }
}

/** null for no cursor, and for one that this store did not give. */
function parseCursor(cursor: string | null): Cursor | null {
  if (cursor === null) return null
  const [time, index] = cursor.split('_').map(Number)
  return Number.isFinite(time) && Number.isInteger(index) ? { time: time!, index: index! } : null
}
