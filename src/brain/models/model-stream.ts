// Live scoring by a model of the registry: one of these for each gateway. Readings are brought to the grid that the model was trained
// on; of several sensors a point is there when each has a new reading.

import { ArimaScorer } from '../analytics/arima-scorer.ts'
import { forestMessage } from '../analytics/detect.ts'
import type { ForestJudge } from '../analytics/forest-judge.ts'
import { ForestStream } from '../analytics/forest-stream.ts'
import { SlotMeans } from '../analytics/slot-means.ts'
import type { ScoreReason } from '../analytics/series-scorer.ts'
import type { TrainedModel } from './model.ts'
import { judgeOf } from './training-jobs.ts'

export interface ModelVerdict extends ScoreReason {
  readonly score: number
  readonly isAnomaly: boolean
  /** Number of the sensor that is to blame. */
  readonly sensor: number
  readonly value: number
}

/** Slots without a reading that ARIMA goes over; after more it begins anew. */
const MAX_SKIPPED = 100

export class ModelStream {
  readonly #model: TrainedModel
  readonly #rows: (row: Float64Array, skipped: number) => ModelVerdict | null
  readonly #means: SlotMeans | null
  /** Without a grid: the values since the last row. */
  readonly #row: Float64Array
  readonly #isNew: Uint8Array

  constructor(model: TrainedModel) {
    const columns = model.sensors.length
    this.#model = model
    this.#means = model.everyMs === null ? null : new SlotMeans(columns, model.everyMs)
    this.#row = new Float64Array(columns)
    this.#isNew = new Uint8Array(columns)
    this.#rows =
      model.kind === 'arima'
        ? arimaRows(model)
        : forestRows(judgeOf(model), new ForestStream(columns, model.spec.features), columns)
  }

  /** −1: the model knows nothing of it. */
  columnOf(sensor: string): number {
    return this.#model.sensors.indexOf(sensor)
  }

  /** Takes a reading; answers the verdict on the point that it completes, if it does. */
  take(column: number, value: number, time: number): ModelVerdict | null {
    if (this.#means !== null) {
      let verdict: ModelVerdict | null = null
      this.#means.push(column, value, time, (row, _, skipped) => {
        verdict = this.#rows(row, skipped)
      })
      return verdict
    }
    this.#row[column] = value
    this.#isNew[column] = 1
    if (this.#isNew.includes(0)) return null
    this.#isNew.fill(0)
    return this.#rows(this.#row, 0)
  }
}

function forestRows(judge: ForestJudge, stream: ForestStream, sensors: number) {
  return (row: Float64Array, skipped: number): ModelVerdict | null => {
    if (skipped > 0) stream.reset()
    if (!stream.push(row)) return null
    const score = judge.score(stream.point, 0)
    if (!judge.isAnomaly(score))
      return { score, isAnomaly: false, sensor: 0, value: row[0]!, expected: Number.NaN, message: '' }
    const { scoreWithout, sensor } = judge.culprit(stream.point, 0)
    const value = row[sensor]!
    const message = forestMessage(value, { score, scoreWithout, sensors })
    return { score, isAnomaly: true, sensor, value, expected: Number.NaN, message }
  }
}

function arimaRows(model: Extract<TrainedModel, { kind: 'arima' }>) {
  const begin = (): ArimaScorer => new ArimaScorer(model.fit, model.spread, model.spec.sigma)
  let scorer = begin()
  return (row: Float64Array, skipped: number): ModelVerdict | null => {
    if (skipped > MAX_SKIPPED) scorer = begin()
    else for (let slot = 0; slot < skipped; slot++) scorer.take(Number.NaN)
    const value = row[0]!
    scorer.take(value)
    const { isAnomaly, score } = scorer
    if (Number.isNaN(score)) return null
    return {
      score,
      isAnomaly,
      sensor: 0,
      value,
      ...(isAnomaly ? scorer.explain() : { expected: Number.NaN, message: '' }),
    }
  }
}
