// DetectAnomalies as a pure function: series in, anomalies and scores out. Runs in the worker thread when it is long.

import { TelemetryError } from '#domain/errors.ts'
import { fitArima } from './arima.ts'
import { ArimaScorer, robustSpread } from './arima-scorer.ts'
import type { ArimaSpec, DetectorSpec, ForestSpec } from './detector-spec.ts'
import { featureRows, FEATURES, type FeatureRows } from './features.ts'
import { columnMedians, ForestJudge } from './forest-judge.ts'
import { IsolationForest } from './isolation-forest.ts'
import { createScorer } from './scorer.ts'
import type { SeriesScorer } from './series-scorer.ts'

/** One sensor's values, oldest first. */
export interface TimedSeries {
  readonly sensor: string
  /** Unix milliseconds. */
  readonly times: Float64Array
  /** NaN where there was no good value. */
  readonly values: Float64Array
}

export interface FoundAnomaly {
  /** Number of the series. */
  readonly series: number
  /** Place in it. */
  readonly at: number
  readonly score: number
  /** NaN: the detector cannot tell. */
  readonly expected: number
  readonly message: string
}

export interface Detection {
  readonly anomalies: readonly FoundAnomaly[]
  /** By series, by value; NaN while the detector learns. null unless asked for. */
  readonly scores: readonly Float64Array[] | null
}

/** Values that a fit sees at most: the newest. */
export const MAX_FIT_VALUES = 10_000

/** Throws OUT_OF_RANGE when a detector has too few values to learn from. */
export function detect(spec: DetectorSpec, series: readonly TimedSeries[], withScores: boolean): Detection {
  if (spec.method === 'isolationForest') return detectByForest(spec, series, withScores)
  const anomalies: FoundAnomaly[] = []
  const scores = series.map((one, number) => {
    const scorer = spec.method === 'arima' ? arimaScorer(spec, one) : createScorer(spec)
    return scoreSeries(scorer, one, { number, anomalies, takesMissing: spec.method === 'arima' })
  })
  return { anomalies, scores: withScores ? scores : null }
}

export function scoreSeries(
  scorer: SeriesScorer,
  { times, values }: TimedSeries,
  { anomalies, number, takesMissing }: { number: number; anomalies: FoundAnomaly[]; takesMissing: boolean },
): Float64Array {
  const scores = new Float64Array(values.length).fill(Number.NaN)
  for (let at = 0; at < values.length; at++) {
    const value = values[at]!
    if (Number.isNaN(value) && !takesMissing) continue
    scorer.take(value, times[at]!)
    scores[at] = scorer.score
    if (scorer.isAnomaly) anomalies.push({ series: number, at, score: scorer.score, ...scorer.explain() })
  }
  return scores
}

function arimaScorer(spec: ArimaSpec, { sensor, values }: TimedSeries): SeriesScorer {
  try {
    const fitted = values.subarray(Math.max(0, values.length - MAX_FIT_VALUES))
    const fit = fitArima(fitted, spec)
    return new ArimaScorer(fit, robustSpread(fit, fitted), spec.sigma)
  } catch (cause) {
    if (cause instanceof TelemetryError)
      throw new TelemetryError(cause.code, `${sensor}: ${cause.message}`, { cause, context: { sensor } })
    throw cause
  }
}

/** The forest's points: the values at one place together, or the features of the windows that end there. */
export function forestPoints(series: readonly TimedSeries[], { features }: Pick<ForestSpec, 'features'>): FeatureRows {
  if (features !== null)
    return featureRows(
      series.map(({ values }) => values),
      features.window,
      features.step,
    )
  const columns = series.length
  const ends: number[] = []
  for (let at = 0; at < (series[0]?.values.length ?? 0); at++)
    if (series.every(({ values }) => Number.isFinite(values[at]!))) ends.push(at)
  const cells = new Float64Array(ends.length * columns)
  ends.forEach((at, row) => series.forEach(({ values }, column) => (cells[row * columns + column] = values[at]!)))
  return { rows: ends.length, columns, cells, ends: Int32Array.from(ends) }
}

function detectByForest(spec: ForestSpec, series: readonly TimedSeries[], withScores: boolean): Detection {
  const points = forestPoints(series, spec)
  const forest = IsolationForest.grow(points, spec)
  const columnsEach = spec.features === null ? 1 : FEATURES.length
  const judge = new ForestJudge(forest, columnMedians(points), { threshold: spec.threshold, columnsEach })
  return judgePoints(judge, points, series, withScores)
}

/** Scores points by a forest that is there already. */
export function judgePoints(
  judge: ForestJudge,
  points: FeatureRows,
  series: readonly TimedSeries[],
  withScores: boolean,
): Detection {
  const anomalies: FoundAnomaly[] = []
  const length = series[0]?.values.length ?? 0
  const scores = new Float64Array(length).fill(Number.NaN)
  for (let row = 0; row < points.rows; row++) {
    const offset = row * points.columns
    const score = judge.score(points.cells, offset)
    const at = points.ends[row]!
    scores[at] = score
    if (!judge.isAnomaly(score)) continue
    const { scoreWithout, sensor } = judge.culprit(points.cells, offset)
    const message = forestMessage(series[sensor]!.values[at]!, { score, scoreWithout, sensors: series.length })
    anomalies.push({ series: sensor, at, score, expected: Number.NaN, message })
  }
  return { anomalies, scores: withScores ? series.map(() => scores) : null }
}

export function forestMessage(
  value: number,
  { score, scoreWithout, sensors }: { score: number; scoreWithout: number; sensors: number },
): string {
  const together = sensors > 1 ? ` beside the ${sensors - 1} other sensor${sensors > 2 ? 's' : ''}` : ''
  return `${Number(value.toPrecision(6))} is unusual${together}: score ${score.toFixed(2)}, ${scoreWithout.toFixed(2)} with its usual value`
}
