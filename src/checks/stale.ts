// A sensor that says nothing, or nothing good, for some time.

import type { StaticDecode } from 'typebox'
import type { ConditionLevel, StaleSpec } from '#domain/check.ts'
import { formatSpan } from '#domain/display.ts'
import type { Detector, Explanation, LearningProgress } from './detector.ts'
import { LEVEL_BITS, NO_LEVEL, type LevelSet } from './level-set.ts'

type Spec = StaticDecode<typeof StaleSpec>

/**
 * Holds once no good reading has come for `for`, on the monotonic clock, counted from the start while there was none.
 * Bad and uncertain readings do not count as life: a device that has gone silent gives one bad reading, and
 * "last usable value" is what a source says of a value that nobody has measured again.
 */
export class StaleDetector implements Detector {
  readonly isAboutSilence = true
  readonly #forMs: number
  /** Monotonic time of the last good reading; NaN: none yet, and no tick either. */
  #since = Number.NaN
  #silentMs = 0

  constructor(spec: Spec) {
    this.#forMs = spec.for
  }

  evaluate(_value: number, _time: number, nowMs: number): LevelSet {
    this.#since = nowMs
    return NO_LEVEL
  }

  tick(nowMs: number): LevelSet {
    if (Number.isNaN(this.#since)) this.#since = nowMs
    this.#silentMs = nowMs - this.#since
    return this.#silentMs >= this.#forMs ? LEVEL_BITS.stale : NO_LEVEL
  }

  explain(level: ConditionLevel): Explanation {
    if (level !== 'stale') throw new RangeError(`A stale check has no level ${level}`)
    const seconds = this.#silentMs / 1000
    return {
      finding: { value: null, limit: this.#forMs / 1000, seconds },
      value: null,
      phrase: `has had no good reading for ${formatSpan(this.#silentMs)}`,
    }
  }

  /** The silence goes on until a good reading comes. */
  resume(level: ConditionLevel): LevelSet {
    if (level !== 'stale') return NO_LEVEL
    this.#since = -Infinity
    return LEVEL_BITS.stale
  }

  learning(): LearningProgress | null {
    return null
  }
}
