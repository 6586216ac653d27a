// A value that has not moved for some time: a frozen transmitter looks like a quiet process.

import type { StaticDecode } from 'typebox'
import type { ConditionLevel, FlatlineSpec } from '#domain/check.ts'
import { formatSpan } from '#domain/display.ts'
import type { Detector, Explanation, LearningProgress } from './detector.ts'
import { LEVEL_BITS, NO_LEVEL, type LevelSet } from './level-set.ts'
import { PLAIN_TEXT, type QuantityText } from './quantity-text.ts'

type Spec = StaticDecode<typeof FlatlineSpec>

/**
 * Holds once the value has stayed within ± tolerance of one reading for `for`, on the monotonic clock: a step of the wall
 * clock neither raises nor hides it. It also holds without a new reading, as long as the latest one is good: a source that
 * sends changes only has nothing to say about a value that stands still.
 */
export class FlatlineDetector implements Detector {
  readonly #forMs: number
  readonly #tolerance: number
  /** The value that later ones are compared with; NaN before the first. */
  #anchor = Number.NaN
  /** Monotonic; NaN before the first reading, −Infinity when it held before a restart. */
  #since = Number.NaN
  #value = 0
  #lastedMs = 0

  constructor(spec: Spec) {
    this.#forMs = spec.for
    this.#tolerance = spec.tolerance ?? 0
  }

  evaluate(value: number, _time: number, nowMs: number): LevelSet {
    this.#value = value
    if (Number.isNaN(this.#anchor)) {
      this.#anchor = value
      if (this.#since !== -Infinity) this.#since = nowMs
    } else if (Math.abs(value - this.#anchor) > this.#tolerance) {
      this.#anchor = value
      this.#since = nowMs
    }
    return this.tick(nowMs)
  }

  tick(nowMs: number): LevelSet {
    this.#lastedMs = nowMs - this.#since
    return this.#lastedMs >= this.#forMs ? LEVEL_BITS.flatline : NO_LEVEL
  }

  explain(level: ConditionLevel, text: QuantityText = PLAIN_TEXT): Explanation {
    if (level !== 'flatline') throw new RangeError(`A flatline check has no level ${level}`)
    const seconds = this.#lastedMs / 1000
    return {
      finding: { value: this.#value, limit: this.#forMs / 1000, seconds },
      value: text.plain(this.#value),
      phrase: `has not moved for ${formatSpan(this.#lastedMs)}`,
    }
  }

  /** Holds on until the value moves. */
  resume(level: ConditionLevel): LevelSet {
    if (level !== 'flatline') return NO_LEVEL
    this.#since = -Infinity
    return LEVEL_BITS.flatline
  }

  learning(): LearningProgress | null {
    return null
  }
}
