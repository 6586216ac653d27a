// Scores one series reading by reading: the gateway's own detectors (src/checks), and the moving average.

import { AnomalyDetector } from '#checks/anomaly/anomaly-detector.ts'
import type { Detector } from '#checks/detector.ts'
import { EwmaDetector } from '#checks/ewma.ts'
import { LEVEL_BITS } from '#checks/level-set.ts'
import { RobustZscoreDetector } from '#checks/robust-zscore.ts'
import { ZscoreDetector } from '#checks/zscore.ts'
import type { StreamSpec } from './detector-spec.ts'
import { MovingAverageScorer } from './moving-average.ts'
import type { ScoreReason, SeriesScorer } from './series-scorer.ts'

export function createScorer(spec: StreamSpec): SeriesScorer {
  switch (spec.method) {
    case 'zscore':
      return new CheckScorer(new ZscoreDetector({ type: 'zscore', window: spec.window, sigma: spec.sigma }))
    case 'robustZscore':
      return new CheckScorer(
        new RobustZscoreDetector({ type: 'zscore', robust: true, window: spec.window, sigma: spec.sigma }),
      )
    case 'ewma':
      return new CheckScorer(new EwmaDetector({ type: 'ewma', alpha: spec.alpha, sigma: spec.sigma }))
    case 'movingAverage':
      return new MovingAverageScorer(spec.window, spec.sigma)
    case 'adaptive':
      return new AdaptiveScorer()
  }
}

/** A detector that can tell the score of a value before it takes it. */
class CheckScorer implements SeriesScorer {
  readonly #detector: Required<Pick<Detector, 'scoreOf'>> & Detector
  score = Number.NaN
  isAnomaly = false

  constructor(detector: Required<Pick<Detector, 'scoreOf'>> & Detector) {
    this.#detector = detector
  }

  get isLearning(): boolean {
    return this.#detector.learning() !== null
  }

  take(value: number, time: number): void {
    const detector = this.#detector
    const isLearning = detector.learning() !== null
    this.score = isLearning ? Number.NaN : detector.scoreOf(value)
    this.isAnomaly = detector.evaluate(value, time, 0) === LEVEL_BITS.anomaly
  }

  explain(): ScoreReason {
    const { finding, phrase, value } = this.#detector.explain('anomaly')
    return { expected: finding.mean ?? Number.NaN, message: sentence(value, phrase) }
  }
}

/** Score from which on the gateway's check raises at its normal sensitivity. */
const ADAPTIVE_LIMIT = 0.5

/** The check `anomaly`; only what is news is an anomaly, not each reading while one lasts. */
class AdaptiveScorer implements SeriesScorer {
  readonly #detector = new AnomalyDetector({})
  score = Number.NaN
  isAnomaly = false

  get isLearning(): boolean {
    return this.#detector.learning() !== null
  }

  take(value: number, time: number): void {
    const isLearning = this.isLearning
    const levels = this.#detector.evaluate(value, time)
    this.score = isLearning ? Number.NaN : this.#detector.score
    this.isAnomaly = levels === LEVEL_BITS.anomaly && this.score >= ADAPTIVE_LIMIT
  }

  explain(): ScoreReason {
    const { finding, phrase, value } = this.#detector.explain('anomaly')
    return { expected: finding.mean ?? Number.NaN, message: sentence(value, phrase) }
  }
}

function sentence(value: string | null, phrase: string): string {
  return value === null ? phrase : `${value} ${phrase}`
}
