// Aggregates of one sensor: buckets of any width over a range, and one aggregate over a whole range. Whole hours come from
// hour rollups, whole minutes from minute rollups, the edges from raw readings.

import type { Bucket, RangeQuery } from '#domain/history.ts'
import { isBad } from '#domain/quality.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import { numericValues } from './numeric-values.ts'
import type { QueryView } from './query-view.ts'
import { Aggregate, HOUR_MS, MINUTE_MS, type Rollup } from './rollup.ts'
import type { Series } from './series.ts'
import { THINNED_LEVEL, type Segment, type SegmentKind } from './segments.ts'
import type { Steps } from './turns.ts'

type Resolution = SegmentKind

/** A part of a range, answered from one resolution. */
interface Piece {
  readonly resolution: Resolution
  readonly from: number
  readonly to: number
}

/** The aggregate that a time belongs to. */
type CellAt = (time: number) => Aggregate

const WINDOW_BUCKETS = 10_000 // buckets computed at once: bounds the memory of one query

export interface BucketPage {
  readonly items: readonly Bucket[]
  readonly next: string | null
}

/** Buckets begin at multiples of everyMs since 1970; those without a reading are left out. */
export function* queryBuckets(view: QueryView, query: RangeQuery & { readonly everyMs: number }): Steps<BucketPage> {
  const { everyMs, limit } = query
  const newest = query.order === 'newestFirst'
  let { from, to } = query
  const cursor = query.cursor === null ? Number.NaN : Number(query.cursor)
  if (Number.isFinite(cursor)) [from, to] = newest ? [from, Math.min(to, cursor)] : [Math.max(from, cursor), to]
  const items: Bucket[] = []
  const span = WINDOW_BUCKETS * everyMs
  for (;;) {
    const bounds = dataWithin(view, from, to)
    if (!bounds) return { items, next: null }
    const start = newest
      ? Math.max(from, Math.floor((bounds.to - 1) / everyMs) * everyMs + everyMs - span)
      : bounds.from
    const end = newest ? bounds.to : Math.min(to, Math.floor(bounds.from / everyMs) * everyMs + span)
    const found = yield* bucketsWithin(view, { sensor: query.sensor, from: start, to: end, everyMs })
    if (newest) found.reverse()
    for (const bucket of found) {
      if (items.length === limit) {
        const last = items.at(-1)!
        return { items, next: String(newest ? last.time : last.time + everyMs) }
      }
      items.push(bucket)
    }
    if (newest) to = start
    else from = end
    if (from >= to) return { items, next: null }
  }
}

/** One aggregate over [from, to). */
export function* queryAggregate(view: QueryView, sensor: string, from: number, to: number): Steps<Aggregate> {
  const total = new Aggregate()
  yield* aggregate(view, sensor, piecesOf(view, from, to, 'hour'), () => total)
  return total
}

interface BucketsWithin {
  readonly sensor: string
  readonly from: number
  readonly to: number
  readonly everyMs: number
}

function* bucketsWithin(view: QueryView, { sensor, from, to, everyMs }: BucketsWithin): Steps<Bucket[]> {
  const cells = new Map<number, Aggregate>()
  const cellAt = (time: number): Aggregate => {
    const start = Math.floor(time / everyMs) * everyMs
    let cell = cells.get(start)
    if (!cell) {
      cell = new Aggregate()
      cells.set(start, cell)
    }
    return cell
  }
  const resolution = everyMs % HOUR_MS === 0 ? 'hour' : everyMs % MINUTE_MS === 0 ? 'minute' : 'raw'
  yield* aggregate(view, sensor, piecesOf(view, from, to, resolution), cellAt)
  return [...cells]
    .sort((a, b) => a[0] - b[0])
    .map(([time, { count, min, max, mean, last }]) => ({ time, count, min, max, mean, last }))
}

/** The part of [from, to) in which there can be any reading; null when there is none. */
function dataWithin(view: QueryView, from: number, to: number): { from: number; to: number } | null {
  let first = Number.POSITIVE_INFINITY
  let last = Number.NEGATIVE_INFINITY
  const see = (start: number, end: number): void => {
    if (end < from || start >= to) return
    first = Math.min(first, Math.max(start, from))
    last = Math.max(last, Math.min(end + 1, to))
  }
  for (const segment of view.segments) see(segment.first_time, segment.last_time)
  for (const part of view.parts) see(part.firstTime, part.lastTime)
  return first < last ? { from: first, to: last } : null
}

/** Splits a range into whole cells of the coarsest allowed resolution and finer edges. */
function piecesOf(view: QueryView, from: number, to: number, coarsest: Resolution): Piece[] {
  const pieces: Piece[] = []
  const split = (start: number, end: number, resolution: Resolution): void => {
    if (start >= end) return
    const width = resolution === 'hour' ? HOUR_MS : resolution === 'minute' ? MINUTE_MS : 0
    const finer = resolution === 'hour' ? 'minute' : 'raw'
    const first = width === 0 ? start : Math.ceil(start / width) * width
    const last = width === 0 ? end : Math.floor(end / width) * width
    if (first >= last) {
      split(start, end, finer)
      return
    }
    split(start, first, finer)
    pieces.push({ resolution, from: first, to: last })
    split(last, end, finer)
  }
  split(from, to, coarsest)
  return pieces.flatMap((piece) => coarsened(view, piece))
}

/** Where the finer data are gone (retention), coarser ones answer, by the start of their cells. */
function coarsened(view: QueryView, piece: Piece): Piece[] {
  if (piece.resolution === 'hour') return [piece]
  const coarser = piece.resolution === 'raw' ? 'minute' : 'hour'
  const horizon = Math.min(piece.to, horizonOf(view, piece.resolution))
  if (!(piece.from < horizon)) return [piece]
  const older = coarsened(view, { resolution: coarser, from: piece.from, to: horizon })
  return horizon < piece.to ? [...older, { ...piece, from: horizon }] : older
}

/** Time from which on a kind has data, when older data of a coarser kind exist; else −∞. Whole cells of the coarser kind. */
function horizonOf(view: QueryView, kind: 'raw' | 'minute'): number {
  const width = kind === 'raw' ? MINUTE_MS : HOUR_MS
  let own = Number.POSITIVE_INFINITY
  let coarser = Number.POSITIVE_INFINITY
  let thinnedTo = Number.NEGATIVE_INFINITY
  for (const segment of view.segments) {
    if (kind === 'raw' && isThinned(segment)) thinnedTo = Math.max(thinnedTo, segment.last_time + 1)
    else if (segment.kind === kind) own = Math.min(own, segment.first_time)
    else if (segment.kind === 'hour' || kind === 'raw') coarser = Math.min(coarser, segment.first_time)
  }
  for (const part of view.parts) own = Math.min(own, part.firstTime)
  // Up to its last thinned reading, a kind is not complete.
  const cell = Math.max(Math.floor(own / width) * width, Math.ceil(thinnedTo / width) * width)
  return coarser < cell ? cell : Number.NEGATIVE_INFINITY
}

function* aggregate(view: QueryView, sensorId: string, pieces: readonly Piece[], cellAt: CellAt): Steps<void> {
  for (const sensor of view.sensors.numbersOf(sensorId)) {
    if (view.sensors.valueType(sensor) === 'string') continue
    for (const piece of pieces) {
      for (const segment of view.segments) {
        if (!isSourceOf(segment, piece)) continue
        if (segment.kind === 'raw') addSeries(view, sensor, view.series(segment, sensor), piece, cellAt)
        else addRollup(view.rollup(segment, sensor), piece, cellAt)
        yield
      }
      for (const part of view.parts) {
        if (part.lastTime < piece.from || part.firstTime >= piece.to) continue
        addSeries(view, sensor, view.partSeries(part, sensor, piece.from, piece.to), piece, cellAt)
        yield
      }
    }
  }
}

/** Thinned readings are true, but counting or averaging them would not be. */
function isThinned({ kind, level }: Segment): boolean {
  return kind === 'raw' && level === THINNED_LEVEL
}

function isSourceOf(segment: Segment, piece: Piece): boolean {
  const { kind, level, first_time, last_time } = segment
  if (last_time < piece.from || first_time >= piece.to || isThinned(segment)) return false
  // Minutes that were never merged are not in an hour segment yet.
  return kind === piece.resolution || (piece.resolution === 'hour' && kind === 'minute' && level === 0)
}

function addSeries(view: QueryView, sensor: SensorNumber, series: Series | null, piece: Piece, cellAt: CellAt): void {
  const values = series && numericValues(series, view.sensors.valueType(sensor))
  if (!values) return
  for (let row = 0; row < series.length; row++) {
    const time = series.timeAt(row)
    const value = values[row]!
    if (time >= piece.from && time < piece.to && value === value && !isBad(series.status[row]!))
      cellAt(time).add(time, value)
  }
}

function addRollup(rollup: Rollup | null, piece: Piece, cellAt: CellAt): void {
  if (!rollup) return
  for (let row = 0; row < rollup.length; row++) {
    const time = rollup.time[row]!
    if (time >= piece.from && time < piece.to) cellAt(time).merge(rollup, row)
  }
}
