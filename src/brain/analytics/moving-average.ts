// Distance from the moving average, judged by how far readings used to be from it: a steady ramp is not unusual, a turn is.

import { scoreOfRatio } from '#checks/detector.ts'
import { PLAIN_TEXT, scoreText } from '#checks/quantity-text.ts'
import { SlidingMoments } from '#checks/sliding-moments.ts'
import { SmallestStep } from '#checks/smallest-step.ts'
import type { ScoreReason, SeriesScorer } from './series-scorer.ts'

/** Distances that are remembered: so many windows, but never fewer than these. */
const MEMORY_WINDOWS = 4
const MIN_MEMORY = 100

/**
 * residual = value − mean of the `window` readings before; score by (residual − mean residual) / standard deviation of the last
 * residuals. An anomaly at |score| ≥ sigma. A deviation no larger than the sensor's smallest step is none. Learns over one
 * window and `MIN_MEMORY` residuals. Memory: 40 bytes × window, at least 800.
 */
export class MovingAverageScorer implements SeriesScorer {
  readonly #sigma: number
  readonly #values: SlidingMoments
  readonly #residuals: SlidingMoments
  readonly #grain = new SmallestStep()
  score = Number.NaN
  isAnomaly = false
  // Of the last anomaly.
  #value = 0
  #expected = 0
  #average = 0
  #spread = 0

  constructor(window: number, sigma: number) {
    this.#sigma = sigma
    this.#values = new SlidingMoments(window)
    this.#residuals = new SlidingMoments(Math.max(MIN_MEMORY, MEMORY_WINDOWS * window))
  }

  get isLearning(): boolean {
    return this.#residuals.count < MIN_MEMORY
  }

  take(value: number): void {
    const residuals = this.#residuals
    const isLearning = this.isLearning
    this.isAnomaly = false
    this.score = Number.NaN
    if (this.#values.isFull) {
      const residual = this.#values.deviation(value)
      if (!isLearning) this.#judge(value, residuals.deviation(residual))
      residuals.push(residual)
    }
    this.#grain.take(value)
    this.#values.push(value)
  }

  explain(): ScoreReason {
    const deviation = this.#value - this.#expected
    const decimals = PLAIN_TEXT.decimalsOfSpread(this.#spread, deviation)
    const value = PLAIN_TEXT.rounded(this.#value, decimals, this.#expected)
    const average = PLAIN_TEXT.rounded(this.#average, decimals)
    const score = this.#spread === 0 ? '∞' : scoreText(deviation / this.#spread)
    const side = deviation > 0 ? 'above' : 'below'
    const phrase = `is ${score} standard deviations ${side} where the moving average ${average} of ${this.#values.capacity} readings lets expect it`
    return { expected: this.#expected, message: `${value} ${phrase}` }
  }

  #judge(value: number, deviation: number): void {
    const spread = this.#residuals.standardDeviation
    const expected = value - deviation
    if (!this.#grain.isExceededBy(deviation, expected)) {
      this.score = 0
      return
    }
    this.score = scoreOfRatio(Math.abs(deviation) / spread / this.#sigma)
    if (Math.abs(deviation) < this.#sigma * spread) return
    this.isAnomaly = true
    this.#value = value
    this.#expected = expected
    this.#average = this.#values.mean
    this.#spread = spread
  }
}
