// Distance from the trailing mean in standard deviations.

import type { StaticDecode } from 'typebox'
import type { ConditionLevel, ZscoreSpec } from '#domain/check.ts'
import { scoreOfRatio, type Detector, type Explanation, type LearningProgress } from './detector.ts'
import { restored, StateWriter } from './learnt-state.ts'
import { LEVEL_BITS, NO_LEVEL, UNDECIDED, type LevelSet } from './level-set.ts'
import { PLAIN_TEXT, scoreText, type QuantityText } from './quantity-text.ts'
import { SlidingMoments } from './sliding-moments.ts'

type Spec = StaticDecode<typeof ZscoreSpec>

export const DEFAULT_WINDOW = 300
export const DEFAULT_SIGMA = 4

/** Differences below this share of the value are the float64's own grain, not the process. */
const GRAIN = 2 ** -48

/**
 * z-score of a reading against the `window` good readings before it (the reading itself is not among them), with the
 * sample standard deviation. It is an anomaly at |score| ≥ sigma. Undecided until the window is full.
 *
 * A deviation no larger than the smallest step that the sensor has ever made is never an anomaly: else a sensor that
 * knows two values, or flickers by its last digit, would raise one with each rare change. A window without any spread
 * follows the same rule: the first value that differs from it by more than that step is an anomaly, without a score.
 * Memory: 8 bytes × window. Source: NIST/SEMATECH e-Handbook 1.3.5.17.
 */
export class ZscoreDetector implements Detector {
  readonly #sigma: number
  readonly #moments: SlidingMoments
  /** sigma² / (n − 1): the score is compared without a root or a division. */
  readonly #limitFactor: number
  #smallestStep = Infinity
  #last = Number.NaN
  // The last anomaly, as it was before its reading entered the window.
  #value = 0
  #mean = 0
  #standardDeviation = 0
  #deviation = 0

  constructor(spec: Spec) {
    this.#sigma = spec.sigma ?? DEFAULT_SIGMA
    this.#moments = new SlidingMoments(spec.window ?? DEFAULT_WINDOW)
    this.#limitFactor = this.#sigma ** 2 / (this.#moments.capacity - 1)
  }

  evaluate(value: number): LevelSet {
    const moments = this.#moments
    const wasFull = moments.isFull
    const deviation = moments.deviation(value)
    let levels = wasFull ? NO_LEVEL : UNDECIDED
    if (wasFull && deviation * deviation >= this.#limitFactor * moments.squares && this.#isBeyondGrain(deviation)) {
      levels = LEVEL_BITS.anomaly
      this.#value = value
      this.#mean = moments.mean
      this.#standardDeviation = moments.standardDeviation
      this.#deviation = deviation
    }
    const step = Math.abs(value - this.#last)
    if (step > 0 && step < this.#smallestStep) this.#smallestStep = step
    this.#last = value
    moments.push(value)
    return levels
  }

  explain(level: ConditionLevel, text: QuantityText = PLAIN_TEXT): Explanation {
    if (level !== 'anomaly') throw new RangeError(`A zscore check has no level ${level}`)
    const window = this.#moments.capacity
    const decimals = text.decimalsOfSpread(this.#standardDeviation, this.#deviation)
    const mean = text.rounded(this.#mean, decimals, this.#value)
    const value = text.rounded(this.#value, decimals, this.#mean)
    const finding = {
      value: this.#value,
      limit: this.#sigma,
      mean: this.#mean,
      standardDeviation: this.#standardDeviation,
      window,
    }
    if (this.#standardDeviation === 0) {
      return { finding, value, phrase: `differs from ${mean}, which the ${window} readings before all were` }
    }
    const score = this.#deviation / this.#standardDeviation
    const side = score > 0 ? 'above' : 'below'
    return {
      finding: { ...finding, score },
      value,
      phrase: `is ${scoreText(score)} standard deviations ${side} the mean ${mean} of the ${window} readings before`,
    }
  }

  scoreOf(value: number): number {
    const moments = this.#moments
    const deviation = moments.deviation(value)
    if (!moments.isFull || !this.#isBeyondGrain(deviation)) return 0
    return scoreOfRatio(Math.abs(deviation) / moments.standardDeviation / this.#sigma)
  }

  resume(level: ConditionLevel): LevelSet {
    return level === 'anomaly' ? LEVEL_BITS.anomaly : NO_LEVEL
  }

  save(): Float64Array {
    return new StateWriter().add(this.#smallestStep, this.#last).all(this.#moments.values()).finish()
  }

  restore(state: Float64Array): boolean {
    return restored(state, (reader) => {
      this.#smallestStep = reader.numberOr(Infinity)
      this.#last = reader.numberOr(Number.NaN)
      for (let left = Math.min(reader.rest, this.#moments.capacity); left > 0; left--) {
        this.#moments.push(reader.number())
      }
    })
  }

  learning(): LearningProgress | null {
    const { count, capacity, isFull } = this.#moments
    return isFull ? null : { seen: count, needed: capacity }
  }

  /** Off the fast path: only asked for deviations beyond sigma. */
  #isBeyondGrain(deviation: number): boolean {
    const step = this.#smallestStep === Infinity ? 0 : this.#smallestStep
    return Math.abs(deviation) > Math.max(step, Math.abs(this.#moments.mean) * GRAIN)
  }
}
