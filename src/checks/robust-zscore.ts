// As zscore, with median and median absolute deviation: what a few wild readings cannot shift.

import type { StaticDecode } from 'typebox'
import type { ConditionLevel, ZscoreSpec } from '#domain/check.ts'
import { scoreOfRatio, type Detector, type Explanation, type LearningProgress } from './detector.ts'
import { restored, StateWriter } from './learnt-state.ts'
import { LEVEL_BITS, NO_LEVEL, UNDECIDED, type LevelSet } from './level-set.ts'
import { PLAIN_TEXT, scoreText, type QuantityText } from './quantity-text.ts'
import { SlidingMoments } from './sliding-moments.ts'
import { SmallestStep } from './smallest-step.ts'
import { SortedWindow } from './sorted-window.ts'
import { DEFAULT_SIGMA, DEFAULT_WINDOW } from './zscore.ts'

type Spec = StaticDecode<typeof ZscoreSpec>

/** MAD × this is the standard deviation of normally distributed values. */
const NORMAL_MAD = 1.4826

/**
 * Modified z-score against the `window` good readings before: (value − median) / (1.4826 × MAD). When more than half of the
 * window is one value, the MAD is 0 and says nothing: the standard deviation then takes its place. The same grain as in
 * `zscore` holds. Memory: 24 bytes × window. Source: Iglewicz and Hoaglin 1993; NIST/SEMATECH e-Handbook 1.3.5.17.
 */
export class RobustZscoreDetector implements Detector {
  readonly #sigma: number
  readonly #window: SortedWindow
  readonly #moments: SlidingMoments
  readonly #grain = new SmallestStep()
  #value = 0
  #median = 0
  #spread = 0

  constructor(spec: Spec) {
    this.#sigma = spec.sigma ?? DEFAULT_SIGMA
    this.#window = new SortedWindow(spec.window ?? DEFAULT_WINDOW)
    this.#moments = new SlidingMoments(spec.window ?? DEFAULT_WINDOW)
  }

  evaluate(value: number): LevelSet {
    const levels = this.#window.isFull ? this.#judge(value) : UNDECIDED
    this.#grain.take(value)
    this.#window.push(value)
    this.#moments.push(value)
    return levels
  }

  explain(level: ConditionLevel, text: QuantityText = PLAIN_TEXT): Explanation {
    if (level !== 'anomaly') throw new RangeError(`A zscore check has no level ${level}`)
    const window = this.#window.capacity
    const decimals = text.decimalsOfSpread(this.#spread, this.#value - this.#median)
    const median = text.rounded(this.#median, decimals, this.#value)
    const value = text.rounded(this.#value, decimals, this.#median)
    const finding = {
      value: this.#value,
      limit: this.#sigma,
      mean: this.#median,
      standardDeviation: this.#spread,
      window,
    }
    if (this.#spread === 0) {
      return { finding, value, phrase: `differs from ${median}, which the ${window} readings before all were` }
    }
    const score = (this.#value - this.#median) / this.#spread
    const side = score > 0 ? 'above' : 'below'
    return {
      finding: { ...finding, score },
      value,
      phrase: `is ${scoreText(score)} robust standard deviations ${side} the median ${median} of the ${window} readings before`,
    }
  }

  scoreOf(value: number): number {
    if (!this.#window.isFull) return 0
    const median = this.#window.median
    if (!this.#grain.isExceededBy(value - median, median)) return 0
    return scoreOfRatio(Math.abs(value - median) / this.#spreadAround(median) / this.#sigma)
  }

  resume(level: ConditionLevel): LevelSet {
    return level === 'anomaly' ? LEVEL_BITS.anomaly : NO_LEVEL
  }

  save(): Float64Array {
    const writer = new StateWriter()
    this.#grain.save(writer)
    return writer.all(this.#moments.values()).finish()
  }

  restore(state: Float64Array): boolean {
    return restored(state, (reader) => {
      this.#grain.restore(reader)
      for (let left = Math.min(reader.rest, this.#window.capacity); left > 0; left--) {
        const value = reader.number()
        this.#window.push(value)
        this.#moments.push(value)
      }
    })
  }

  learning(): LearningProgress | null {
    const { count, capacity, isFull } = this.#window
    return isFull ? null : { seen: count, needed: capacity }
  }

  #spreadAround(median: number): number {
    const medianDeviation = this.#window.medianDeviation(median)
    return medianDeviation > 0 ? NORMAL_MAD * medianDeviation : this.#moments.standardDeviation
  }

  #judge(value: number): LevelSet {
    const median = this.#window.median
    const deviation = value - median
    const spread = this.#spreadAround(median)
    if (Math.abs(deviation) < this.#sigma * spread || !this.#grain.isExceededBy(deviation, median)) return NO_LEVEL
    this.#value = value
    this.#median = median
    this.#spread = spread
    return LEVEL_BITS.anomaly
  }
}
