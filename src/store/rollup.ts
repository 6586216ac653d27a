// Aggregates of one sensor over fixed widths of time (a minute or an hour), in columns, ordered by time. Aggregates of the
// same cell from different segments are merged when they are read, so that late readings need no correction.
// Mean and sum of squared deviations are combined after Chan, Golub & LeVeque, "Updating Formulae and a Pairwise
// Algorithm for Computing Sample Variances", Stanford STAN-CS-79-773, 1979.

import { isBad } from '#domain/quality.ts'
import type { Series } from './series.ts'

export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000

/** One aggregate, mutable, empty at first. */
export class Aggregate {
  count = 0
  min = Number.POSITIVE_INFINITY
  max = Number.NEGATIVE_INFINITY
  mean = 0
  /** Sum of squared deviations from the mean. */
  squares = 0
  last = Number.NaN
  lastTime = Number.NEGATIVE_INFINITY

  /** Values must come in order of arrival: of equal times, the later call is the last. */
  add(time: number, value: number): void {
    this.count += 1
    if (value < this.min) this.min = value
    if (value > this.max) this.max = value
    const step = value - this.mean
    this.mean += step / this.count
    this.squares += step * (value - this.mean)
    if (time >= this.lastTime) {
      this.last = value
      this.lastTime = time
    }
  }

  /** Takes in row `row` of a rollup that arrived after what it holds. */
  merge(rollup: Rollup, row: number): void {
    const count = rollup.count[row]!
    const total = this.count + count
    const step = rollup.mean[row]! - this.mean
    this.squares += rollup.squares[row]! + (step * step * this.count * count) / total
    this.mean += (step * count) / total
    this.count = total
    this.min = Math.min(this.min, rollup.min[row]!)
    this.max = Math.max(this.max, rollup.max[row]!)
    if (rollup.lastTime[row]! >= this.lastTime) {
      this.last = rollup.last[row]!
      this.lastTime = rollup.lastTime[row]!
    }
  }

  clear(): void {
    this.count = 0
    this.min = Number.POSITIVE_INFINITY
    this.max = Number.NEGATIVE_INFINITY
    this.mean = 0
    this.squares = 0
    this.last = Number.NaN
    this.lastTime = Number.NEGATIVE_INFINITY
  }
}

/** Columns of aggregates. `time` is the start of the cell in Unix milliseconds. */
export class Rollup {
  length = 0
  time: Float64Array
  count: Float64Array
  min: Float64Array
  max: Float64Array
  mean: Float64Array
  squares: Float64Array
  last: Float64Array
  lastTime: Float64Array

  constructor(capacity = 64) {
    this.time = new Float64Array(capacity)
    this.count = new Float64Array(capacity)
    this.min = new Float64Array(capacity)
    this.max = new Float64Array(capacity)
    this.mean = new Float64Array(capacity)
    this.squares = new Float64Array(capacity)
    this.last = new Float64Array(capacity)
    this.lastTime = new Float64Array(capacity)
  }

  push(time: number, from: Aggregate): void {
    if (this.length === this.time.length) this.#grow()
    const at = this.length++
    this.time[at] = time
    this.count[at] = from.count
    this.min[at] = from.min
    this.max[at] = from.max
    this.mean[at] = from.mean
    this.squares[at] = from.squares
    this.last[at] = from.last
    this.lastTime[at] = from.lastTime
  }

  clear(): void {
    this.length = 0
  }

  #grow(): void {
    for (const name of COLUMNS) {
      const grown = new Float64Array(Math.max(64, this[name].length * 2))
      grown.set(this[name])
      this[name] = grown
    }
  }
}

const COLUMNS = ['time', 'count', 'min', 'max', 'mean', 'squares', 'last', 'lastTime'] as const

/** Aggregates of an ordered series in cells of `widthMs`; bad readings, texts and NaN do not count. */
export function rollupOf(series: Series, values: Float64Array, widthMs: number): Rollup {
  const rollup = new Rollup()
  const cell = new Aggregate()
  let start = Number.NaN
  for (let row = 0; row < series.length; row++) {
    const value = values[row]!
    if (value !== value || isBad(series.status[row]!)) continue
    const time = series.timeAt(row)
    if (time - time !== 0) continue // no cell for an infinite time
    if (!(time >= start && time < start + widthMs)) {
      if (cell.count > 0) rollup.push(start, cell)
      cell.clear()
      start = Math.floor(time / widthMs) * widthMs
    }
    cell.add(time, value)
  }
  if (cell.count > 0) rollup.push(start, cell)
  return rollup
}

/** One rollup in cells of `widthMs` from several (each ordered by time), given in order of arrival. */
export function mergeRollups(parts: readonly Rollup[], widthMs: number): Rollup {
  const merged = new Rollup()
  const next = new Uint32Array(parts.length)
  const cell = new Aggregate()
  for (;;) {
    let start = Number.POSITIVE_INFINITY
    for (let part = 0; part < parts.length; part++) {
      const { time, length } = parts[part]!
      if (next[part]! < length) start = Math.min(start, Math.floor(time[next[part]!]! / widthMs) * widthMs)
    }
    if (start === Number.POSITIVE_INFINITY) return merged
    cell.clear()
    for (let part = 0; part < parts.length; part++) {
      const rollup = parts[part]!
      while (next[part]! < rollup.length && rollup.time[next[part]!]! < start + widthMs)
        cell.merge(rollup, next[part]!++)
    }
    merged.push(start, cell)
  }
}
