// Features of a window of values: what a detector sees in place of the values themselves. docs/analytics.md has the formulas.

import { TelemetryError } from '#domain/errors.ts'
import type { Matrix } from './isolation-forest.ts'

/** In the order in which they are given. */
export const FEATURES = [
  'mean',
  'spread',
  'slope',
  'range',
  'crossings',
  'step',
  'energyLow',
  'energyMiddle',
  'energyHigh',
  'centroid',
] as const
export type Feature = (typeof FEATURES)[number]

export const MIN_FEATURE_WINDOW = 8
export const MAX_FEATURE_WINDOW = 512

/** Works out the features of windows of one length. Allocates in the constructor only. */
export class FeatureExtractor {
  readonly window: number
  readonly #cosines: Float64Array
  readonly #sines: Float64Array
  /** value − mean, then without the line. */
  readonly #rest: Float64Array

  /** @param window values, 8 … 512. Throws OUT_OF_RANGE. */
  constructor(window: number) {
    if (!Number.isInteger(window) || window < MIN_FEATURE_WINDOW || window > MAX_FEATURE_WINDOW)
      throw new TelemetryError(
        'OUT_OF_RANGE',
        `A window of features has ${MIN_FEATURE_WINDOW} to ${MAX_FEATURE_WINDOW} values`,
      )
    this.window = window
    this.#cosines = Float64Array.from({ length: window }, (_, at) => Math.cos((2 * Math.PI * at) / window))
    this.#sines = Float64Array.from({ length: window }, (_, at) => Math.sin((2 * Math.PI * at) / window))
    this.#rest = new Float64Array(window)
  }

  /** Features of `values[offset … offset + window)`, all finite, into `target` from `at`. */
  extract(values: Float64Array, offset: number, target: Float64Array, at: number): void {
    const n = this.window
    const rest = this.#rest
    let [sum, min, max, steps] = [0, Infinity, -Infinity, 0]
    for (let i = 0; i < n; i++) {
      const value = values[offset + i]!
      sum += value / n
      if (value < min) min = value
      if (value > max) max = value
      if (i > 0) steps += Math.abs(value - values[offset + i - 1]!) / (n - 1)
    }
    let [squares, products] = [0, 0]
    for (let i = 0; i < n; i++) {
      const deviation = values[offset + i]! - sum
      rest[i] = deviation
      squares += deviation * deviation
      products += deviation * (i - (n - 1) / 2)
    }
    const slope = products / ((n * (n * n - 1)) / 12)
    const crossings = this.#crossings()
    for (let i = 0; i < n; i++) rest[i]! -= slope * (i - (n - 1) / 2)
    target[at] = sum
    target[at + 1] = Math.sqrt(squares / (n - 1))
    target[at + 2] = slope
    target[at + 3] = max - min
    target[at + 4] = crossings
    target[at + 5] = steps
    this.#spectrum(target, at + 6)
  }

  /** Share of neighbours that lie on different sides of the mean. */
  #crossings(): number {
    let [count, last] = [0, 0]
    for (const deviation of this.#rest) {
      const side = Math.sign(deviation)
      if (side === 0) continue
      if (last !== 0 && side !== last) count += 1
      last = side
    }
    return count / (this.window - 1)
  }

  /** Variance in the lower, middle and upper third of the frequencies, and their centroid in cycles a reading. */
  #spectrum(target: Float64Array, at: number): void {
    const n = this.window
    const half = n >> 1
    let [total, weighted] = [0, 0]
    target.fill(0, at, at + 3)
    for (let k = 1; k <= half; k++) {
      let [real, imaginary] = [0, 0]
      for (let i = 0, turn = 0; i < n; i++, turn = (turn + k) % n) {
        real += this.#rest[i]! * this.#cosines[turn]!
        imaginary += this.#rest[i]! * this.#sines[turn]!
      }
      // Every frequency but the highest of an even window stands for two lines of the transform.
      const power = ((real * real + imaginary * imaginary) / (n * n)) * (2 * k === n ? 1 : 2)
      target[at + Math.min(2, Math.floor((3 * (k - 1)) / half))]! += power
      total += power
      weighted += power * (k / n)
    }
    target[at + 3] = total === 0 ? 0 : weighted / total
  }
}

export interface FeatureRows extends Matrix {
  /** Of each row: place of the last value of its window. */
  readonly ends: Int32Array
}

/**
 * Windows of `window` values, one each `step`; those with a NaN are left out. Of several series of one length the features
 * stand side by side.
 */
export function featureRows(series: readonly Float64Array[], window: number, step: number): FeatureRows {
  const extractor = new FeatureExtractor(window)
  const columns = series.length * FEATURES.length
  const length = series[0]?.length ?? 0
  const ends: number[] = []
  const cells: Float64Array[] = []
  for (let offset = 0; offset + window <= length; offset += step) {
    if (series.some((values) => values.subarray(offset, offset + window).some((value) => !Number.isFinite(value))))
      continue
    const row = new Float64Array(columns)
    series.forEach((values, at) => extractor.extract(values, offset, row, at * FEATURES.length))
    ends.push(offset + window - 1)
    cells.push(row)
  }
  const all = new Float64Array(cells.length * columns)
  cells.forEach((row, at) => all.set(row, at * columns))
  return { rows: cells.length, columns, cells: all, ends: Int32Array.from(ends) }
}
