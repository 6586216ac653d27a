// onDelay and offDelay: each level must hold for onDelay before it counts, and be gone for offDelay before it ceases to.
// Pure: the caller gives the time, from a clock that never steps back.

import { LEVEL_COUNT, NO_LEVEL, type LevelSet } from './level-set.ts'

export interface DelaySpec {
  readonly onDelayMs: number
  readonly offDelayMs: number
}

export class ConditionDelay {
  readonly #spec: DelaySpec
  /** By level: since when it has differed from `levels`. */
  readonly #since: number[] = []
  #levels: LevelSet = NO_LEVEL
  #pending: LevelSet = NO_LEVEL

  constructor(spec: DelaySpec) {
    this.#spec = spec
  }

  /** The levels that count now. */
  get levels(): LevelSet {
    return this.#levels
  }

  /** Levels that are under way to be on or off. */
  get pending(): LevelSet {
    return this.#pending
  }

  /** True when a step with `present` would change nothing, whatever the time: the fast path needs no clock. */
  isSettled(present: LevelSet): boolean {
    return present === this.#levels && this.#pending === NO_LEVEL
  }

  /** `present`: the levels whose condition holds; `nowMs`: monotonic. Answers the levels that count. */
  step(present: LevelSet, nowMs: number): LevelSet {
    const differing = present ^ this.#levels
    this.#pending &= differing
    for (let level = 0; level < LEVEL_COUNT; level++) {
      const bit = 1 << level
      if ((differing & bit) === 0) continue
      if ((this.#pending & bit) === 0) {
        this.#pending |= bit
        this.#since[level] = nowMs
      }
      const delayMs = (present & bit) !== 0 ? this.#spec.onDelayMs : this.#spec.offDelayMs
      if (nowMs - (this.#since[level] ?? nowMs) < delayMs) continue
      this.#levels ^= bit
      this.#pending &= ~bit
    }
    return this.#levels
  }

  /** Takes up a state from before a restart. */
  resume(levels: LevelSet): void {
    this.#levels = levels
    this.#pending = NO_LEVEL
  }
}
