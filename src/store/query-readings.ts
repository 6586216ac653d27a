// Readings of one sensor over a range, by pages. The order is (time, arrival); a cursor names a time and how many readings
// of exactly that time lie before the page's end, counted from the oldest: late arrivals never shift what was given.

import type { RangeQuery } from '#domain/history.ts'
import { isBad } from '#domain/quality.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { Value } from '#domain/value.ts'
import { seriesValue } from './numeric-values.ts'
import type { QueryView } from './query-view.ts'
import { Selection } from './selection.ts'
import type { Series } from './series.ts'
import type { Steps } from './turns.ts'

/** Readings in columns: cheap to pass between threads. */
export interface ReadingColumnsPage {
  readonly time: Float64Array
  readonly receivedAt: Float64Array
  readonly status: Uint32Array
  /** Numbers alone as a column (meaningless where the reading is bad); else one value for each row. */
  readonly values: Float64Array | readonly (Value | null)[]
  readonly next: string | null
}

/** Where readings come from. Sources stand in order of arrival; a source's place in that order is its rank. */
interface Source {
  readonly firstTime: number
  readonly lastTime: number
  readonly sensor: SensorNumber
  /** All its readings of the sensor, ordered; the same rows each time. */
  readonly load: () => Series | null
}

interface Cursor {
  readonly time: number
  readonly index: number
}

export function* queryReadings(view: QueryView, query: RangeQuery): Steps<ReadingColumnsPage> {
  const sources = sourcesOf(view, query.sensor)
  const newest = query.order === 'newestFirst'
  const cursor = parseCursor(query.cursor)
  const found = new Selection()
  let { from, to } = query
  if (cursor) {
    const ties = yield* readingsAt(sources, cursor.time)
    if (newest) found.appendReversed(ties, 0, cursor.index)
    else found.append(ties, cursor.index, ties.length)
    if (newest) to = Math.min(to, cursor.time)
    else from = Math.max(from, nextTime(cursor.time))
  }
  const missing = query.limit + 1 - found.length
  if (missing > 0) {
    const more = yield* gather(sources, { from, to, newest, count: missing })
    found.append(more, 0, more.length)
  }
  const length = Math.min(found.length, query.limit)
  const page = columnsOf(view, sources, found, length)
  if (found.length <= query.limit) return page
  const { time, index } = yield* cursorAfter(sources, found, length - 1)
  return { ...page, next: newest ? `${time}_${index}` : `${time}_${index + 1}` }
}

/** The first or last reading of a range that is not bad and has a number for a value. */
export function* queryEdge(
  view: QueryView,
  query: { sensor: string; from: number; to: number; newest: boolean },
): Steps<ReadingColumnsPage> {
  const accept = (series: Series, row: number, sensor: SensorNumber): boolean => {
    if (isBad(series.status[row]!)) return false
    const value = seriesValue(series, row, view.sensors.valueType(sensor))
    return typeof value === 'number' ? value === value : typeof value !== 'string'
  }
  const sources = sourcesOf(view, query.sensor)
  const found = yield* gather(sources, { ...query, count: 1, accept })
  return columnsOf(view, sources, found, found.length)
}

function sourcesOf(view: QueryView, sensorId: string): Source[] {
  const sources: Source[] = []
  for (const sensor of view.sensors.numbersOf(sensorId)) {
    for (const segment of view.segments) {
      if (segment.kind !== 'raw') continue
      const { first_time: firstTime, last_time: lastTime } = segment
      sources.push({ firstTime, lastTime, sensor, load: once(() => view.series(segment, sensor)) })
    }
    for (const part of view.parts) {
      const { firstTime, lastTime } = part
      const load = once(() =>
        view.partSeries(part, sensor, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY).ordered(),
      )
      sources.push({ firstTime, lastTime, sensor, load })
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
  readonly accept?: (series: Series, row: number, sensor: SensorNumber) => boolean
}

/** The first `count` readings of the range in the query's order. Opens only the sources that can hold one of them. */
function* gather(sources: readonly Source[], options: GatherOptions): Steps<Selection> {
  const { from, to, newest, count } = options
  const candidates = sources
    .map((source, rank) => ({ source, rank }))
    .filter(({ source }) => source.lastTime >= from && source.firstTime < to)
  candidates.sort(
    newest ? (a, b) => b.source.lastTime - a.source.lastTime : (a, b) => a.source.firstTime - b.source.firstTime,
  )
  let found = new Selection()
  for (const { source, rank } of candidates) {
    if (found.length >= count) {
      const boundary = found.time[count - 1]!
      if (newest ? source.lastTime < boundary : source.firstTime > boundary) break
    }
    const added = rowsOf(source, rank, options)
    yield
    if (added.length > 0) found = found.mergedWith(added, newest, count)
  }
  return found
}

/** At most `count` readings of one source, from the end that the query begins with. */
function rowsOf(source: Source, rank: number, { from, to, newest, count, accept }: GatherOptions): Selection {
  const rows = new Selection()
  const series = source.load()
  if (!series) return rows
  const begin = lowerBound(series, from)
  const end = lowerBound(series, to)
  rows.reserve(Math.min(count, end - begin))
  if (!accept) {
    rows.fill(series, rank, {
      first: newest ? end - 1 : begin,
      step: newest ? -1 : 1,
      count: Math.min(count, end - begin),
    })
    return rows
  }
  for (let step = 0; step < end - begin && rows.length < count; step++) {
    const row = newest ? end - 1 - step : begin + step
    if (accept(series, row, source.sensor)) rows.push(series.timeAt(row), rank, row)
  }
  return rows
}

/** Every reading of exactly one time, in order of arrival. */
function* readingsAt(sources: readonly Source[], time: number): Steps<Selection> {
  const found = new Selection()
  const range = { from: time, to: nextTime(time), newest: false, count: Number.POSITIVE_INFINITY }
  for (const [rank, source] of sources.entries()) {
    if (source.lastTime < time || source.firstTime > time) continue
    const rows = rowsOf(source, rank, range)
    found.append(rows, 0, rows.length)
    yield
  }
  return found
}

/** The time of a reading, and how many of the same time came before it. */
function* cursorAfter(sources: readonly Source[], found: Selection, place: number): Steps<Cursor> {
  const time = found.time[place]!
  const ties = yield* readingsAt(sources, time)
  let index = 0
  while (ties.rank[index] !== found.rank[place] || ties.row[index] !== found.row[place]) index += 1
  return { time, index }
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

function columnsOf(view: QueryView, sources: readonly Source[], found: Selection, length: number): ReadingColumnsPage {
  const time = found.time.slice(0, length)
  const receivedAt = new Float64Array(length)
  const status = new Uint32Array(length)
  const numbers = sources.every(({ sensor }) => view.sensors.valueType(sensor) === 'number')
    ? new Float64Array(length)
    : null
  const values: (Value | null)[] = []
  for (let start = 0; start < length;) {
    const rank = found.rank[start]!
    const { sensor, load } = sources[rank]!
    const series = load()!
    let place = start
    for (; place < length && found.rank[place] === rank; place++) {
      const row = found.row[place]!
      receivedAt[place] = series.receivedAt[row]!
      status[place] = series.status[row]!
      if (numbers) numbers[place] = series.cells.value[row]!
      else values.push(seriesValue(series, row, view.sensors.valueType(sensor)))
    }
    start = place
  }
  return { time, receivedAt, status, values: numbers ?? values, next: null }
}

/** null for no cursor, and for one that this store did not give. */
function parseCursor(cursor: string | null): Cursor | null {
  if (cursor === null) return null
  const [time, index] = cursor.split('_').map(Number)
  return Number.isFinite(time) && Number.isInteger(index) ? { time: time!, index: index! } : null
}
