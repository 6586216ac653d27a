// Limits with hysteresis: a level is entered at its limit and left once the value has come back inside by the hysteresis.

import type { StaticDecode } from 'typebox'
import type { ConditionLevel, ThresholdSpec } from '#domain/check.ts'
import type { Detector, Explanation, LearningProgress } from './detector.ts'
import { formatNumber } from './format-number.ts'
import { LEVEL_BITS, NO_LEVEL, type LevelSet } from './level-set.ts'

type Spec = StaticDecode<typeof ThresholdSpec>

/** Digits kept of `limit − hysteresis`: drops the floating-point tail of 75.3 − 0.1. */
const RELEASE_DIGITS = 15

/** One limit seen as an upper one: low limits come with their sign turned, so that one rule serves both sides. */
interface Limit {
  readonly sign: 1 | -1
  readonly bit: LevelSet
  /** sign × limit; Infinity when not configured: no finite value reaches it. */
  readonly enterAt: number
  /** sign × the value at which a held level is left (inclusive, unless it is enterAt itself). */
  readonly leaveAt: number
}

/**
 * Levels of a `threshold` check. high and highHigh hold from value ≥ limit until value ≤ limit − hysteresis (with
 * hysteresis 0: until value < limit); low and lowLow are the mirror image. Levels that are not configured never hold.
 */
export class ThresholdDetector implements Detector {
  readonly #limits: Readonly<Record<Exclude<ConditionLevel, 'anomaly'>, Limit>>
  readonly #quietAbove: number
  readonly #quietBelow: number
  #levels: LevelSet = NO_LEVEL
  #value = 0

  constructor(spec: Spec) {
    const hysteresis = spec.hysteresis ?? 0
    this.#limits = {
      lowLow: toLimit(-1, LEVEL_BITS.lowLow, spec.lowLow, hysteresis),
      low: toLimit(-1, LEVEL_BITS.low, spec.low, hysteresis),
      high: toLimit(1, LEVEL_BITS.high, spec.high, hysteresis),
      highHigh: toLimit(1, LEVEL_BITS.highHigh, spec.highHigh, hysteresis),
    }
    this.#quietAbove = -Math.min(this.#limits.lowLow.enterAt, this.#limits.low.enterAt)
    this.#quietBelow = Math.min(this.#limits.high.enterAt, this.#limits.highHigh.enterAt)
  }

  evaluate(value: number): LevelSet {
    this.#value = value
    if (this.#levels === NO_LEVEL && value > this.#quietAbove && value < this.#quietBelow) return NO_LEVEL
    const { lowLow, low, high, highHigh } = this.#limits
    this.#levels =
      this.#judge(lowLow, value) | this.#judge(low, value) | this.#judge(high, value) | this.#judge(highHigh, value)
    return this.#levels
  }

  explain(level: ConditionLevel): Explanation {
    if (level === 'anomaly') throw new RangeError('A threshold check has no level anomaly')
    const { sign, enterAt, leaveAt } = this.#limits[level]
    const value = this.#value * sign
    const limit = enterAt * sign
    const name = `${level} ${formatNumber(limit)}`
    const inside = sign === 1 ? 'below' : 'above'
    let phrase = `is back ${inside} ${name}, not yet for long enough`
    if (value > enterAt) phrase = `is ${sign === 1 ? 'above' : 'below'} ${name}`
    else if (value === enterAt) phrase = `is at ${name}`
    else if (value > leaveAt) phrase = `has not come back to ${formatNumber(leaveAt * sign)} (${name})`
    return { finding: { value: this.#value, limit }, phrase }
  }

  resume(level: ConditionLevel): LevelSet {
    if (level === 'anomaly' || this.#limits[level].enterAt === Infinity) return NO_LEVEL
    const { low, high } = this.#limits
    this.#levels = LEVEL_BITS[level]
    // What is beyond the outer limit is beyond the inner one as well.
    if (level === 'highHigh' && high.enterAt !== Infinity) this.#levels |= high.bit
    if (level === 'lowLow' && low.enterAt !== Infinity) this.#levels |= low.bit
    return this.#levels
  }

  learning(): LearningProgress | null {
    return null
  }

  #judge(limit: Limit, value: number): LevelSet {
    const turned = value * limit.sign
    if (turned >= limit.enterAt) return limit.bit
    return (this.#levels & limit.bit) !== 0 && turned > limit.leaveAt ? limit.bit : NO_LEVEL
  }
}

function toLimit(sign: 1 | -1, bit: LevelSet, limit: number | undefined, hysteresis: number): Limit {
  if (limit === undefined) return { sign, bit, enterAt: Infinity, leaveAt: Infinity }
  const enterAt = limit * sign
  const exact = enterAt - hysteresis
  const leaveAt = Number.isInteger(exact) ? exact : Number(exact.toPrecision(RELEASE_DIGITS))
  return { sign, bit, enterAt, leaveAt }
}
