// Live scoring by a detector that is fitted to a stretch of readings: it collects, has a worker fit, scores, and fits again now and
// then, so that it follows the sensor.

import { ArimaScorer } from './arima-scorer.ts'
import { forestMessage } from './detect.ts'
import type { FittedSpec } from './detector-spec.ts'
import { FEATURES } from './features.ts'
import { ForestJudge } from './forest-judge.ts'
import { ForestStream } from './forest-stream.ts'
import { IsolationForest } from './isolation-forest.ts'
import type { StreamFit } from './jobs.ts'
import type { ScoreReason, SeriesScorer } from './series-scorer.ts'

/** Newest readings that a fit sees, and after how many new ones it is made anew. */
export const STREAM_WINDOW = 1024
/** Readings before the first fit, at least. */
const FIRST_FIT = 256
/** After a fit that failed. */
const RETRY_AFTER = 256

/** Has a worker fit; rejects when it cannot be done now, or not with these values. */
export type FitStream = (spec: FittedSpec, values: Float64Array) => Promise<StreamFit>

export class FittedScorer implements SeriesScorer {
  readonly #spec: FittedSpec
  readonly #fit: FitStream
  readonly #values = new Float64Array(STREAM_WINDOW)
  #count = 0
  #nextFit: number
  #scorer: SeriesScorer | null = null
  score = Number.NaN
  isAnomaly = false

  constructor(spec: FittedSpec, fit: FitStream) {
    this.#spec = spec
    this.#fit = fit
    const forest = spec.method === 'isolationForest' ? spec : null
    const points = forest?.features ? 8 * forest.features.step + forest.features.window : (forest?.sampleSize ?? 0)
    this.#nextFit = Math.min(STREAM_WINDOW, Math.max(FIRST_FIT, points))
  }

  get isLearning(): boolean {
    return this.#scorer === null
  }

  take(value: number, time: number): void {
    this.#values[this.#count % STREAM_WINDOW] = value
    this.#count += 1
    this.#scorer?.take(value, time)
    this.score = this.#scorer?.score ?? Number.NaN
    this.isAnomaly = this.#scorer?.isAnomaly ?? false
    if (this.#count < this.#nextFit) return
    this.#nextFit = Infinity
    void this.#renew()
  }

  explain(): ScoreReason {
    return this.#scorer!.explain() // only after an anomaly, which a scorer found
  }

  async #renew(): Promise<void> {
    try {
      const fit = await this.#fit(this.#spec, this.#newest())
      const scorer = scorerOf(this.#spec, fit)
      // Up to where the stream is now.
      for (const value of this.#newest()) scorer.take(value, 0)
      this.#scorer = scorer
      this.#nextFit = this.#count + STREAM_WINDOW
    } catch {
      // Too many wait, or the values are all alike: as before, until there are others.
      this.#nextFit = this.#count + RETRY_AFTER
    }
  }

  #newest(): Float64Array {
    if (this.#count <= STREAM_WINDOW) return this.#values.slice(0, this.#count)
    const start = this.#count % STREAM_WINDOW
    const newest = new Float64Array(STREAM_WINDOW)
    newest.set(this.#values.subarray(start))
    newest.set(this.#values.subarray(0, start), STREAM_WINDOW - start)
    return newest
  }
}

function scorerOf(spec: FittedSpec, fit: StreamFit): SeriesScorer {
  if (fit.kind === 'arima') return new ArimaScorer(fit.fit, fit.spread, spec.method === 'arima' ? spec.sigma : 0)
  const forest = new IsolationForest(fit.columns, fit.sampleSize, fit.nodes)
  const { features, threshold } = spec.method === 'isolationForest' ? spec : { features: null, threshold: 1 }
  const columnsEach = features === null ? 1 : FEATURES.length
  return new ForestScorer(new ForestJudge(forest, fit.usual, { threshold, columnsEach }), new ForestStream(1, features))
}

/** One sensor by a forest. */
class ForestScorer implements SeriesScorer {
  readonly #judge: ForestJudge
  readonly #stream: ForestStream
  readonly #row = new Float64Array(1)
  score = Number.NaN
  isAnomaly = false
  readonly isLearning = false

  constructor(judge: ForestJudge, stream: ForestStream) {
    this.#judge = judge
    this.#stream = stream
  }

  take(value: number): void {
    this.#row[0] = value
    const isPoint = this.#stream.push(this.#row)
    this.score = isPoint ? this.#judge.score(this.#stream.point, 0) : Number.NaN
    this.isAnomaly = isPoint && this.#judge.isAnomaly(this.score)
  }

  explain(): ScoreReason {
    const { scoreWithout } = this.#judge.culprit(this.#stream.point, 0)
    return {
      expected: Number.NaN,
      message: forestMessage(this.#row[0]!, { score: this.score, scoreWithout, sensors: 1 }),
    }
  }
}
