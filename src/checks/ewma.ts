// Distance from the exponentially weighted mean in exponentially weighted standard deviations.

import type { StaticDecode } from 'typebox'
import type { ConditionLevel, EwmaSpec } from '#domain/check.ts'
import { scoreOfRatio, type Detector, type Explanation, type LearningProgress } from './detector.ts'
import { restored, StateWriter } from './learnt-state.ts'
import { LEVEL_BITS, NO_LEVEL, UNDECIDED, type LevelSet } from './level-set.ts'
import { PLAIN_TEXT, scoreText, type QuantityText } from './quantity-text.ts'
import { SmallestStep } from './smallest-step.ts'

type Spec = StaticDecode<typeof EwmaSpec>

const DEFAULT_ALPHA = 0.05
const DEFAULT_SIGMA = 4

/** Values are limited to ± this, so that no square overflows. */
const MAX_MAGNITUDE = 1e150

/** After readings / alpha = 3, less than 5 % of the start is left in the mean; below ten no spread is known. */
const WARM_UP_SHARE = 3
const MIN_WARM_UP = 10

/**
 * Score of a reading against the moving mean and spread of the readings before it. While fewer than 1 / alpha readings have
 * come they weigh equally, so that the first one does not count double. Undecided for the first 3 / alpha readings
 * (at least 10). Constant memory. Source: West 1979; Finch, Incremental calculation of weighted mean and variance, 2009, §9.
 */
export class EwmaDetector implements Detector {
  readonly #alpha: number
  readonly #sigma: number
  readonly #needed: number
  readonly #grain = new SmallestStep()
  #count = 0
  /** Mean − reference: the first value is the reference, so that a large offset costs no digits. */
  #mean = 0
  #reference = 0
  #variance = 0
  #value = 0
  #foundMean = 0
  #foundSpread = 0
  #deviation = 0

  constructor(spec: Spec) {
    this.#alpha = spec.alpha ?? DEFAULT_ALPHA
    this.#sigma = spec.sigma ?? DEFAULT_SIGMA
    this.#needed = Math.max(MIN_WARM_UP, Math.ceil(WARM_UP_SHARE / this.#alpha))
  }

  evaluate(value: number): LevelSet {
    const entering = Math.max(-MAX_MAGNITUDE, Math.min(MAX_MAGNITUDE, value))
    if (this.#count === 0) this.#reference = entering
    const deviation = entering - this.#reference - this.#mean
    const levels = this.#count < this.#needed ? UNDECIDED : this.#judge(value, deviation)
    this.#grain.take(value)
    this.#count += 1
    const weight = Math.max(this.#alpha, 1 / this.#count)
    const step = weight * deviation
    this.#mean += step
    this.#variance = (1 - weight) * (this.#variance + deviation * step)
    return levels
  }

  explain(level: ConditionLevel, text: QuantityText = PLAIN_TEXT): Explanation {
    if (level !== 'anomaly') throw new RangeError(`An ewma check has no level ${level}`)
    const decimals = text.decimalsOfSpread(this.#foundSpread, this.#deviation)
    const mean = text.rounded(this.#foundMean, decimals, this.#value)
    const value = text.rounded(this.#value, decimals, this.#foundMean)
    const finding = {
      value: this.#value,
      limit: this.#sigma,
      mean: this.#foundMean,
      standardDeviation: this.#foundSpread,
    }
    if (this.#foundSpread === 0) {
      return { finding, value, phrase: `differs from the moving mean ${mean}, which had no spread` }
    }
    const score = this.#deviation / this.#foundSpread
    return {
      finding: { ...finding, score },
      value,
      phrase: `is ${scoreText(score)} standard deviations ${score > 0 ? 'above' : 'below'} the moving mean ${mean}`,
    }
  }

  scoreOf(value: number): number {
    const deviation = value - this.#reference - this.#mean
    if (this.#count < this.#needed || !this.#grain.isExceededBy(deviation, this.#reference + this.#mean)) return 0
    return scoreOfRatio(Math.abs(deviation) / Math.sqrt(this.#variance) / this.#sigma)
  }

  resume(level: ConditionLevel): LevelSet {
    return level === 'anomaly' ? LEVEL_BITS.anomaly : NO_LEVEL
  }

  save(): Float64Array {
    const writer = new StateWriter().add(this.#count, this.#mean, this.#reference, this.#variance)
    this.#grain.save(writer)
    return writer.finish()
  }

  restore(state: Float64Array): boolean {
    return restored(state, (reader) => {
      this.#count = reader.whole(0, Number.MAX_SAFE_INTEGER)
      this.#mean = reader.number()
      this.#reference = reader.number()
      this.#variance = reader.number(0)
      this.#grain.restore(reader)
    })
  }

  learning(): LearningProgress | null {
    return this.#count < this.#needed ? { seen: this.#count, needed: this.#needed } : null
  }

  #judge(value: number, deviation: number): LevelSet {
    const isFar = deviation * deviation >= this.#sigma * this.#sigma * this.#variance
    const mean = this.#reference + this.#mean
    if (!isFar || !this.#grain.isExceededBy(deviation, mean)) return NO_LEVEL
    this.#value = value
    this.#deviation = deviation
    this.#foundMean = mean
    this.#foundSpread = Math.sqrt(this.#variance)
    return LEVEL_BITS.anomaly
  }
}
