// What scores one series reading by reading.

export interface SeriesScorer {
  /** Takes a finite value; `time` in Unix milliseconds. */
  take(value: number, time: number): void
  /** Of the last reading, in [0, 1]; NaN while it learns. */
  readonly score: number
  readonly isAnomaly: boolean
  readonly isLearning: boolean
  /** Of the last anomaly. */
  explain(): ScoreReason
}

export interface ScoreReason {
  /** What was expected; NaN where the detector cannot tell. */
  readonly expected: number
  /** For people. */
  readonly message: string
}
