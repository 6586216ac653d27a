// Limits with hysteresis: a level is entered at its limit and left once the value has come back inside by the hysteresis.

import type { StaticDecode } from 'typebox'
import type { ConditionLevel, ThresholdSpec } from '#domain/check.ts'
import { scoreOfRatio, type Detector, type Explanation, type LearningProgress } from './detector.ts'
import { LEVEL_BITS, NO_LEVEL, type LevelSet } from './level-set.ts'
import { PLAIN_TEXT, type QuantityText } from './quantity-text.ts'

type Spec = StaticDecode<typeof ThresholdSpec>

/** Digits kept of `limit − hysteresis`: drops the floating-point tail of 75.3 − 0.1. */
const RELEASE_DIGITS = 15

/** Order of the levels in the arrays; the low ones come first. */
const ORDER = ['lowLow', 'low', 'high', 'highHigh'] as const
const FIRST_HIGH = 2

const WORDS = { lowLow: 'low-low', low: 'low', high: 'high', highHigh: 'high-high' } as const

/**
 * Levels of a `threshold` check. high and highHigh hold from value ≥ limit until value ≤ limit − hysteresis (with
 * hysteresis 0: until value < limit); low and lowLow are the mirror image. Levels that are not configured never hold.
 */
export class ThresholdDetector implements Detector {
  // Low limits stand here with their sign turned, so that one rule serves both sides. Infinity: not configured, as no
  // finite value reaches it. Plain arrays of numbers, because there is one detector for each of ten thousand sensors.
  readonly #enterAt: readonly number[]
  /** At or inside of this a held level is left, unless it equals enterAt. */
  readonly #leaveAt: readonly number[]
  readonly #quietAbove: number
  readonly #quietBelow: number
  #levels: LevelSet = NO_LEVEL
  #value = 0

  constructor(spec: Spec) {
    this.#enterAt = ORDER.map((level, at) => (spec[level] ?? signOf(at) * Infinity) * signOf(at))
    this.#leaveAt = this.#enterAt.map((enterAt, at) =>
      releasePoint(enterAt, spec[`${ORDER[at]!}Hysteresis`] ?? spec.hysteresis ?? 0),
    )
    this.#quietAbove = -Math.min(this.#enterAt[0]!, this.#enterAt[1]!)
    this.#quietBelow = Math.min(this.#enterAt[2]!, this.#enterAt[3]!)
  }

  evaluate(value: number): LevelSet {
    this.#value = value
    if (this.#levels === NO_LEVEL && value > this.#quietAbove && value < this.#quietBelow) return NO_LEVEL
    this.#levels = this.#judge(0, -value) | this.#judge(1, -value) | this.#judge(2, value) | this.#judge(3, value)
    return this.#levels
  }

  explain(level: ConditionLevel, text: QuantityText = PLAIN_TEXT): Explanation {
    const at = ORDER.findIndex((name) => name === level)
    const name = ORDER[at]
    if (name === undefined) throw new RangeError(`A threshold check has no level ${level}`)
    const sign = signOf(at)
    const [enterAt, leaveAt] = [this.#enterAt[at]!, this.#leaveAt[at]!]
    const value = this.#value * sign
    const limit = enterAt * sign
    const words = `the ${WORDS[name]} limit of ${text.exact(limit)}`
    let phrase = `is back ${sign === 1 ? 'below' : 'above'} ${words}, not yet for long enough`
    if (value > enterAt) phrase = `is ${sign === 1 ? 'above' : 'below'} ${words}`
    else if (value === enterAt) phrase = `is at ${words}`
    else if (value > leaveAt) phrase = `has not come back to ${text.exact(leaveAt * sign)}, after ${words}`
    const decimals = text.decimalsBeside([limit, leaveAt * sign])
    return { finding: { value: this.#value, limit }, value: text.rounded(this.#value, decimals, limit), phrase }
  }

  /** 0 inside the limits, 1/2 at one, more beyond: in relation to the band between the limits, or to the limit itself. */
  scoreOf(value: number): number {
    const high = this.#quietBelow
    const low = this.#quietAbove
    const beyond = Math.max(value - high, low - value)
    if (!(beyond >= 0)) return 0
    const limit = value >= high ? high : low
    const band = high - low
    const scale = Number.isFinite(band) && band > 0 ? band : Math.abs(limit) || 1
    return scoreOfRatio(1 + beyond / scale)
  }

  resume(level: ConditionLevel): LevelSet {
    const at = ORDER.findIndex((name) => name === level)
    if (at < 0 || this.#enterAt[at] === Infinity) return NO_LEVEL
    this.#levels = LEVEL_BITS[level]
    // What is beyond the outer limit is beyond the inner one as well.
    if (level === 'lowLow' && this.#enterAt[1] !== Infinity) this.#levels |= LEVEL_BITS.low
    if (level === 'highHigh' && this.#enterAt[2] !== Infinity) this.#levels |= LEVEL_BITS.high
    return this.#levels
  }

  learning(): LearningProgress | null {
    return null
  }

  /** Levels stand in `ORDER` as their bits do in LEVEL_BITS; `turned`: the value with the sign of its side. */
  #judge(at: number, turned: number): LevelSet {
    const bit = 1 << at
    if (turned >= this.#enterAt[at]!) return bit
    return (this.#levels & bit) !== 0 && turned > this.#leaveAt[at]! ? bit : NO_LEVEL
  }
}

function signOf(at: number): 1 | -1 {
  return at < FIRST_HIGH ? -1 : 1
}

function releasePoint(enterAt: number, hysteresis: number): number {
  const exact = enterAt - hysteresis
  return Number.isInteger(exact) || exact === Infinity ? exact : Number(exact.toPrecision(RELEASE_DIGITS))
}
