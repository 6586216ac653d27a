// Distance from the one-step forecast of a fitted ARIMA model.

import { scoreOfRatio } from '#checks/detector.ts'
import { PLAIN_TEXT, scoreText } from '#checks/quantity-text.ts'
import { difference, type ArimaFit } from './arima.ts'
import { ArmaFilter } from './arma-filter.ts'
import type { ScoreReason, SeriesScorer } from './series-scorer.ts'

/** MAD × this is the standard deviation of normally distributed values. */
const NORMAL_MAD = 1.4826

/** Standard deviation of the innovations by their median: the anomalies among the fitted values do not widen it. */
export function robustSpread(fit: ArimaFit, values: Float64Array): number {
  const filter = new ArmaFilter(fit.parameters)
  const scaled: number[] = []
  for (const value of difference(values, fit.order.d)) {
    const spread = Math.sqrt(filter.variance)
    const innovation = filter.take(value)
    if (!Number.isNaN(innovation)) scaled.push(Math.abs(innovation) / spread)
  }
  const sorted = Float64Array.from(scaled).sort()
  const median = sorted[sorted.length >> 1] ?? 0
  return median > 0 ? NORMAL_MAD * median : Math.sqrt(fit.variance)
}

/** Runs the filter on, without fitting anew. NaN may be given for a value that is missing. */
export class ArimaScorer implements SeriesScorer {
  readonly #filter: ArmaFilter
  readonly #sigma: number
  readonly #spread: number
  /** The last value, its first difference, …: what the next difference is taken from. */
  readonly #last: Float64Array
  #count = 0
  score = Number.NaN
  isAnomaly = false
  readonly isLearning = false
  #value = 0
  #expected = 0
  #foundSpread = 0

  /** @param spread of the innovations. */
  constructor(fit: ArimaFit, spread: number, sigma: number) {
    this.#filter = new ArmaFilter(fit.parameters)
    this.#sigma = sigma
    this.#spread = spread
    this.#last = new Float64Array(fit.order.d).fill(Number.NaN)
  }

  take(value: number): void {
    const last = this.#last
    let differenced = value
    let base = 0
    for (let level = 0; level < last.length; level++) {
      const before = last[level]!
      last[level] = differenced
      base += before
      differenced -= before
    }
    this.isAnomaly = false
    this.score = Number.NaN
    this.#count += 1
    if (this.#count <= last.length) return
    const spread = Math.sqrt(this.#filter.variance) * this.#spread
    const expected = base + this.#filter.prediction
    const innovation = this.#filter.take(differenced)
    if (Number.isNaN(innovation)) return
    this.score = scoreOfRatio(Math.abs(innovation) / spread / this.#sigma)
    if (!(Math.abs(innovation) >= this.#sigma * spread) || innovation === 0) return
    this.isAnomaly = true
    this.#value = value
    this.#expected = expected
    this.#foundSpread = spread
  }

  explain(): ScoreReason {
    const deviation = this.#value - this.#expected
    const decimals = PLAIN_TEXT.decimalsOfSpread(this.#foundSpread, deviation)
    const value = PLAIN_TEXT.rounded(this.#value, decimals, this.#expected)
    const expected = PLAIN_TEXT.rounded(this.#expected, decimals, this.#value)
    const score = scoreText(deviation / this.#foundSpread)
    const side = deviation > 0 ? 'above' : 'below'
    return {
      expected: this.#expected,
      message: `${value} is ${score} standard deviations ${side} the forecast ${expected}`,
    }
  }
}
