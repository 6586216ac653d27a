// How fast a value changes, in units per second, measured over at least `over`.

import type { StaticDecode } from 'typebox'
import type { ConditionLevel, RateSpec } from '#domain/check.ts'
import { formatSpan } from '#domain/display.ts'
import type { Detector, Explanation, LearningProgress } from './detector.ts'
import { LEVEL_BITS, NO_LEVEL, UNDECIDED, type LevelSet } from './level-set.ts'
import { PLAIN_TEXT, type QuantityText } from './quantity-text.ts'

type Spec = StaticDecode<typeof RateSpec>

const DEFAULT_OVER_MS = 1000

/** Points kept to measure from, over / STEPS apart at least. */
const STEPS = 32
const CAPACITY = STEPS + 2

/**
 * Change in a second between a reading and the newest one that is at least `over` older: two readings a millisecond apart,
 * or at one and the same time, make no storm. Undecided until there is such an older one, and anew when time steps back.
 * After a gap it is the mean rate over the gap. Memory: 34 points of 16 bytes, however fast the readings come.
 */
export class RateDetector implements Detector {
  readonly #low: number
  readonly #high: number
  readonly #overMs: number
  readonly #times = new Float64Array(CAPACITY)
  readonly #values = new Float64Array(CAPACITY)
  /** Place of the oldest point, and how many there are. */
  #first = 0
  #count = 0
  #latestTime = -Infinity
  // The last verdict.
  #value = 0
  #rate = 0
  #spanMs = 0

  constructor(spec: Spec) {
    this.#low = spec.low ?? -Infinity
    this.#high = spec.high ?? Infinity
    this.#overMs = Math.max(1, spec.over ?? DEFAULT_OVER_MS)
  }

  evaluate(value: number, time: number): LevelSet {
    if (time < this.#latestTime) this.#count = 0
    this.#latestTime = time
    this.#dropBefore(time - this.#overMs)
    const baseTime = this.#times[this.#first]!
    const isMeasured = this.#count > 0 && time - baseTime >= this.#overMs
    if (isMeasured) {
      this.#value = value
      this.#spanMs = time - baseTime
      // Divided first: the difference of two huge values may be beyond the float64 range.
      const seconds = this.#spanMs / 1000
      this.#rate = value / seconds - this.#values[this.#first]! / seconds
      if (!Number.isFinite(this.#rate)) this.#rate = Math.sign(this.#rate) * Number.MAX_VALUE
    }
    this.#keep(value, time)
    if (!isMeasured) return UNDECIDED
    if (this.#rate >= this.#high) return LEVEL_BITS.high
    return this.#rate <= this.#low ? LEVEL_BITS.low : NO_LEVEL
  }

  explain(level: ConditionLevel, text: QuantityText = PLAIN_TEXT): Explanation {
    if (level !== 'low' && level !== 'high') throw new RangeError(`A rate check has no level ${level}`)
    const limit = level === 'low' ? this.#low : this.#high
    const rate = this.#rate
    const speed = text.perSecond(Math.abs(rate), text.decimalsBeside([limit]), Math.abs(limit))
    const span = this.#spanMs < 1000 ? `${this.#spanMs} ms` : formatSpan(this.#spanMs)
    const change = `${rate < 0 ? 'fell' : 'rose'} by ${speed} over the last ${span}`
    const phrase = `${change}; the ${level} limit is ${text.exact(limit)} per second`
    return { finding: { value: this.#value, limit, rate }, value: text.plain(this.#value), phrase }
  }

  resume(level: ConditionLevel): LevelSet {
    const isConfigured = (level === 'low' && this.#low > -Infinity) || (level === 'high' && this.#high < Infinity)
    return isConfigured ? LEVEL_BITS[level] : NO_LEVEL
  }

  learning(): LearningProgress | null {
    return null
  }

  /** Drops points while the one after is old enough too: the newest that is old enough is then the first. */
  #dropBefore(time: number): void {
    while (this.#count > 1 && this.#times[(this.#first + 1) % CAPACITY]! <= time) {
      this.#first = (this.#first + 1) % CAPACITY
      this.#count -= 1
    }
  }

  #keep(value: number, time: number): void {
    if (this.#count > 0) {
      const newest = (this.#first + this.#count - 1) % CAPACITY
      const sinceMs = time - this.#times[newest]!
      // Of several readings at one time the last one counts.
      if (sinceMs === 0) this.#values[newest] = value
      if (sinceMs * STEPS < this.#overMs || sinceMs === 0) return
      if (this.#count === CAPACITY) {
        this.#first = (this.#first + 1) % CAPACITY
        this.#count -= 1
      }
    }
    const at = (this.#first + this.#count) % CAPACITY
    this.#times[at] = time
    this.#values[at] = value
    this.#count += 1
  }
}
