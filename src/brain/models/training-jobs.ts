// What the worker threads do for models: train and judge one, and score with one. Pure.

import { TelemetryError } from '#domain/errors.ts'
import { fitArima, leastValues } from '../analytics/arima.ts'
import { ArimaScorer, robustSpread } from '../analytics/arima-scorer.ts'
import {
  forestPoints,
  judgePoints,
  MAX_FIT_VALUES,
  scoreSeries,
  type Detection,
  type TimedSeries,
} from '../analytics/detect.ts'
import type { ArimaSpec, FittedSpec, ForestSpec } from '../analytics/detector-spec.ts'
import { columnMedians, ForestJudge } from '../analytics/forest-judge.ts'
import { IsolationForest, type Matrix } from '../analytics/isolation-forest.ts'
import type { JobTable } from '../analytics/jobs.ts'
import { profileOf } from './drift.ts'
import { evaluateArima, evaluateForest, scattered, type Evaluation } from './evaluate.ts'
import {
  checksumOf,
  columnsEach,
  decodeModel,
  encodeModel,
  type ArimaModel,
  type ForestModel,
  type TrainedModel,
} from './model.ts'

export interface StoredBody {
  readonly body: Uint8Array
  readonly checksum: string
}

export interface TrainAsk {
  readonly spec: FittedSpec
  /** One for each sensor, all of one length. */
  readonly series: readonly TimedSeries[]
  /** By sensor: readings as they came, for the profile. */
  readonly readings: readonly Float64Array[]
  readonly spanMs: number
  readonly everyMs: number | null
  /** Share of the points that is held out. */
  readonly holdOut: number
  /** The one in use, to be judged on the same points. */
  readonly active: StoredBody | null
}

export interface Trained extends StoredBody {
  readonly trainedOn: number
  readonly evaluation: Evaluation
  /** null: there is none in use that fits. */
  readonly activeScore: number | null
}

export interface TrainingJobs {
  readonly train: { readonly ask: TrainAsk; readonly answer: Trained }
  readonly judge: {
    readonly ask: StoredBody & { readonly series: readonly TimedSeries[]; readonly withScores: boolean }
    readonly answer: Detection
  }
}

export const TRAINING_JOBS: JobTable<TrainingJobs> = {
  train: (ask) => (ask.spec.method === 'arima' ? trainArima(ask, ask.spec) : trainForest(ask, ask.spec)),
  judge: ({ body, checksum, series, withScores }) => judge(decodeModel(body, checksum), series, withScores),
}

/** Points that a training needs at least, held-out ones among them. */
export const MIN_POINTS = 50

function commonOf({
  everyMs,
  readings,
  series,
  spanMs,
}: TrainAsk): Pick<TrainedModel, 'sensors' | 'profiles' | 'spanMs' | 'everyMs'> {
  return { everyMs, sensors: series.map(({ sensor }) => sensor), profiles: readings.map(profileOf), spanMs }
}

function trainForest(ask: TrainAsk, spec: ForestSpec): Trained {
  const points = forestPoints(ask.series, spec)
  if (points.rows < MIN_POINTS)
    throw new TelemetryError('OUT_OF_RANGE', `There are ${points.rows} points; a model needs at least ${MIN_POINTS}`)
  const end = Math.floor(points.rows * (1 - ask.holdOut))
  // Windows of features that reach over the border have seen what is held out.
  const shared = spec.features === null ? 0 : Math.ceil(spec.features.window / spec.features.step) - 1
  const known = rowsOf(points, 0, Math.max(2, end - shared))
  const heldOut = rowsOf(points, end, points.rows)
  const forest = IsolationForest.grow(known, spec)
  const model: ForestModel = { ...commonOf(ask), kind: 'isolationForest', spec, forest, usual: columnMedians(known) }
  const scatter = scattered(known, heldOut.rows)
  const active = activeOf(ask)
  const isLike = active?.kind === 'isolationForest' && isSameForest(active, model)
  return {
    ...sealed(model),
    trainedOn: known.rows,
    evaluation: evaluateForest(model, heldOut, scatter),
    activeScore: isLike ? evaluateForest(active, heldOut, scatter).score : null,
  }
}

function isSameForest(a: ForestModel, b: ForestModel): boolean {
  return a.sensors.join() === b.sensors.join() && a.spec.features?.window === b.spec.features?.window
}

function rowsOf({ cells, columns }: Matrix, from: number, to: number): Matrix {
  return { rows: to - from, columns, cells: cells.subarray(from * columns, to * columns) }
}

function trainArima(ask: TrainAsk, spec: ArimaSpec): Trained {
  const { values } = ask.series[0]!
  const least = Math.max(MIN_POINTS, leastValues(spec))
  if (values.length < least)
    throw new TelemetryError('OUT_OF_RANGE', `There are ${values.length} points; a model needs at least ${least}`)
  const end = Math.floor(values.length * (1 - ask.holdOut))
  const known = values.subarray(Math.max(0, end - MAX_FIT_VALUES), end)
  const fit = fitArima(known, spec)
  const model: ArimaModel = { ...commonOf(ask), kind: 'arima', spec, fit, spread: robustSpread(fit, known) }
  const active = activeOf(ask)
  const isLike = active?.kind === 'arima' && active.sensors[0] === model.sensors[0]
  return {
    ...sealed(model),
    trainedOn: known.length,
    evaluation: evaluateArima(model, values, end),
    activeScore: isLike ? evaluateArima(active, values, end).score : null,
  }
}

/** One that cannot be read any more is no reason not to train another. */
function activeOf({ active }: TrainAsk): TrainedModel | null {
  try {
    return active === null ? null : decodeModel(active.body, active.checksum)
  } catch {
    return null
  }
}

function sealed(model: TrainedModel): StoredBody {
  const body = encodeModel(model)
  return { body, checksum: checksumOf(body) }
}

/** Scores series by a model; they stand in the order of its sensors. */
export function judge(model: TrainedModel, series: readonly TimedSeries[], withScores: boolean): Detection {
  if (model.kind === 'isolationForest')
    return judgePoints(judgeOf(model), forestPoints(series, model.spec), series, withScores)
  const anomalies: Detection['anomalies'][number][] = []
  const scorer = new ArimaScorer(model.fit, model.spread, model.spec.sigma)
  const scores = scoreSeries(scorer, series[0]!, { number: 0, anomalies, takesMissing: true })
  return { anomalies, scores: withScores ? [scores] : null }
}

export function judgeOf({ forest, spec, usual }: ForestModel): ForestJudge {
  return new ForestJudge(forest, usual, { threshold: spec.threshold, columnsEach: columnsEach(spec) })
}
