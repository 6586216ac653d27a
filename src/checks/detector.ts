// What every type of check is: a deterministic reducer that takes good readings one at a time and answers which of its
// conditions hold. It keeps its own state, knows no clock, does no I/O and allocates nothing in `evaluate`.

import type { ConditionLevel, Finding } from '#domain/check.ts'
import type { LevelSet } from './level-set.ts'
import type { QuantityText } from './quantity-text.ts'

/** A score in [0, 1] for how many times the limit a distance is: 0 at rest, 1/2 at the limit, near 1 far beyond. NaN is 0. */
export function scoreOfRatio(ratio: number): number {
  if (ratio === Infinity) return 1
  return ratio > 0 ? ratio / (1 + ratio) : 0
}

/** Why a check spoke. */
export interface Explanation {
  readonly finding: Finding
  /** The value for people, `80.6 °C`; null when there is none. */
  readonly value: string | null
  /** Follows the value, or the sensor's name when there is none: `is above the high limit of 75 °C`. */
  readonly phrase: string
}

/** Readings that a check has learnt from so far, and how many it needs before it judges. */
export interface LearningProgress {
  readonly seen: number
  readonly needed: number
}

export interface Detector {
  /**
   * Takes one reading of good quality: `value` is finite; `time` is its own, Unix milliseconds (may repeat or step back);
   * `nowMs` is monotonic, and 0 for a detector without `tick`. Answers the levels whose condition holds now, or UNDECIDED.
   */
  evaluate(value: number, time: number, nowMs: number): LevelSet
  /** For conditions that time alone brings about: what holds at `nowMs`, monotonic, without a new reading. */
  tick?(nowMs: number): LevelSet
  /** True when the condition is about silence: it is ticked also while the latest reading is not good. */
  readonly isAboutSilence?: boolean
  /** How unusual the last reading was, in [0, 1], for a detector that works it out anyway; 1/2 at its limit. */
  readonly score?: number
  /** How unusual `value` would be as the next reading, likewise; before `evaluate`. For a backtest: it may cost more. */
  scoreOf?(value: number): number
  /** Why `level` holds, by the last reading evaluated; `text` writes the sensor's numbers, without a unit by default. */
  explain(level: ConditionLevel, text?: QuantityText): Explanation
  /**
   * Takes up the state of an alarm that stands at `level` since before a restart. Answers the levels that hold from
   * then on; the empty set when this check has no such level any more.
   */
  resume(level: ConditionLevel): LevelSet
  /** What it has learnt, for a file; absent where nothing is learnt. */
  save?(): Float64Array
  /** Takes up, in its start state, what `save` gave under the same settings. False: that does not fit, and this one is of no use. */
  restore?(state: Float64Array): boolean
  /** null once it judges. */
  learning(): LearningProgress | null
}
