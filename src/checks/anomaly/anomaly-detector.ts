// The check `anomaly`: raises on a surprising reading, holds while the surprise lasts, and says what was expected.

import type { ConditionLevel } from '#domain/check.ts'
import type { Detector, Explanation, LearningProgress } from '../detector.ts'
import { restored, StateWriter } from '../learnt-state.ts'
import { LEVEL_BITS, NO_LEVEL, UNDECIDED, type LevelSet } from '../level-set.ts'
import { PLAIN_TEXT, type QuantityText } from '../quantity-text.ts'
import { AnomalyModel, LEARNING_READINGS, type AnomalyDetail, type Baseline } from './anomaly-model.ts'

export const SENSITIVITIES = ['low', 'normal', 'high'] as const
export type Sensitivity = (typeof SENSITIVITIES)[number]

/**
 * Surprise from which on a reading is an anomaly. At the worst noise and pace chance reaches the low limit once in 9
 * days, the normal one once in 3, the high one twice a day (docs/anomaly.md).
 */
const LIMITS: Readonly<Record<Sensitivity, number>> = { low: 5, normal: 4, high: 3 }

/** Readings in a row below the limit that end an anomaly. */
const QUIET_READINGS = 10

/** A float64 holds no more that are sure: beyond them a mean shows its rounding. */
const SHOWN_DIGITS = 15

/** Surprise 0 … 25 as a score in [0, 1]: the normal limit is 0.5. */
export function scoreOf(surprise: number): number {
  return surprise / (surprise + LIMITS.normal)
}

/** Adaptive detector without parameters for one sensor. Memory: some 24 KB, whatever the sensor's pace. */
export class AnomalyDetector implements Detector {
  readonly #model = new AnomalyModel()
  readonly #limit: number
  #isActive = false
  #quiet = 0
  #score = 0
  // The reading that raised it.
  #value = 0
  #raisedScore = 0
  #detail: AnomalyDetail | null = null

  constructor(spec: { readonly sensitivity?: Sensitivity | undefined }) {
    this.#limit = LIMITS[spec.sensitivity ?? 'normal']
  }

  /** Anomaly score of the last reading in [0, 1]; 0 where a surprise is no longer news. */
  get score(): number {
    return this.#score
  }

  evaluate(value: number, time: number): LevelSet {
    const news = this.#model.take(value, time)
    this.#score = scoreOf(news)
    if (this.#model.count <= LEARNING_READINGS) return UNDECIDED
    if (news >= this.#limit) this.#raise(value)
    else if (this.#isActive) this.#settle()
    return this.#isActive ? LEVEL_BITS.anomaly : NO_LEVEL
  }

  explain(level: ConditionLevel, text: QuantityText = PLAIN_TEXT): Explanation {
    if (level !== 'anomaly') throw new RangeError(`An anomaly check has no level ${level}`)
    const limit = scoreOf(this.#limit)
    const detail = this.#detail
    if (detail === null) {
      // Taken up after a restart: the reading that raised it is not known here any more.
      return { finding: { value: null, limit }, value: null, phrase: 'stands at an anomaly found before the restart' }
    }
    return {
      finding: {
        value: this.#value,
        limit,
        score: this.#raisedScore,
        mean: shown(detail.expected),
        window: detail.window,
      },
      value: text.rounded(this.#value, decimalsOf(detail, text), detail.expected),
      phrase: phraseOf(detail, text),
    }
  }

  resume(level: ConditionLevel): LevelSet {
    if (level !== 'anomaly') return NO_LEVEL
    this.#isActive = true
    return LEVEL_BITS.anomaly
  }

  save(): Float64Array {
    const writer = new StateWriter()
    this.#model.save(writer)
    return writer.finish()
  }

  restore(state: Float64Array): boolean {
    return restored(state, (reader) => this.#model.restore(reader))
  }

  learning(): LearningProgress | null {
    const seen = this.#model.count
    return seen < LEARNING_READINGS ? { seen, needed: LEARNING_READINGS } : null
  }

  #raise(value: number): void {
    this.#isActive = true
    this.#quiet = 0
    this.#value = value
    this.#raisedScore = this.#score
    this.#detail = this.#model.describe()
  }

  #settle(): void {
    this.#quiet = this.#model.surprise >= this.#limit ? 0 : this.#quiet + 1
    if (this.#quiet >= QUIET_READINGS) this.#isActive = false
  }
}

/** Two significant digits of what is usual, or of the deviation where nothing is. */
function decimalsOf({ usual, deviation }: AnomalyDetail, text: QuantityText): number {
  return text.decimalsOfSpread(usual, deviation)
}

function phraseOf(detail: AnomalyDetail, text: QuantityText): string {
  const decimals = decimalsOf(detail, text)
  const distance = text.rounded(Math.abs(detail.deviation), decimals, detail.usual)
  const side = detail.deviation > 0 ? 'above' : 'below'
  const expected = `${text.rounded(detail.expected, decimals)} ${EXPECTATIONS[detail.baseline]}`
  const usual = text.rounded(detail.usual, decimals)
  const before = `in ${detail.window} readings hardly any went further than ${usual}`
  if (detail.span === 1) return `is ${distance} ${side} the ${expected}; ${before}`
  return `ends ${detail.span} readings that were ${distance} ${side} the ${expected} in the mean; ${before}`
}

const EXPECTATIONS: Readonly<Record<Baseline, string>> = {
  level: 'usual of late',
  day: 'usual at this time of the day',
  week: 'usual at this hour of the week',
}

function shown(value: number): number {
  return Number(value.toPrecision(SHOWN_DIGITS))
}
