// How well and how fast the `anomaly` check detects: the standard score of the Numenta Anomaly Benchmark over the series
// in --data DIR (DIR/data/GROUP/FILE.csv, DIR/windows.json), microseconds per reading, bytes of state for each sensor. And
// what a reading costs every type of check, beside a bare loop.
//
// Each series goes through a detector of its own, one reading after the other, as in the gateway. Without --data a random
// walk takes the place of the series, and nothing is scored.

import { AnomalyDetector, scoreOf } from '#checks/anomaly/anomaly-detector.ts'
import { measureCosts } from './detectors/cost.ts'
import { nabScore, nabScoreAt, type ScoredSeries } from './nab/score.ts'
import { readSeries, type Series } from './nab/series.ts'

export interface DetectorBenchOptions {
  /** Folder with the series; null for none. */
  readonly data: string | null
}

/** Readings of the series that stands in for data. */
const WALK_READINGS = 200_000
/** Surprise of the normal limit. */
const NORMAL_LIMIT = scoreOf(4)

export async function run({ data }: DetectorBenchOptions): Promise<Record<string, number>> {
  const series = data === null ? [randomWalk()] : readSeries(data)
  if (series.length === 0) throw new Error(`There is no series in ${data}`)
  // The first round warms the compiler up; the second is measured.
  scoreAll(series)
  const started = performance.now()
  const scored = scoreAll(series)
  const readings = series.reduce((sum, { values }) => sum + values.length, 0)
  const microsecondsPerReading = ((performance.now() - started) * 1000) / readings
  const costs = await measureCosts()
  const stateBytesPerSensor = costs['anomalyBytesPerSensor']!
  const speed = { series: series.length, readings, microsecondsPerReading, stateBytesPerSensor, ...costs }
  const windows = scored.reduce((sum, one) => sum + one.windows.length, 0)
  if (windows === 0) return speed
  const { score, threshold } = nabScore(scored)
  const nabAtNormalLimit = nabScoreAt(scored, NORMAL_LIMIT)
  return { nabStandard: score, nabThreshold: threshold, nabAtNormalLimit, windows, ...speed }
}

function scoreAll(series: readonly Series[]): ScoredSeries[] {
  return series.map(({ times, values, windows }) => {
    const detector = new AnomalyDetector({})
    const scores = new Float64Array(values.length)
    for (let row = 0; row < values.length; row++) {
      detector.evaluate(values[row]!, times[row]!)
      scores[row] = detector.score
    }
    return { scores, windows }
  })
}

function randomWalk(): Series {
  const times = new Float64Array(WALK_READINGS)
  const values = new Float64Array(WALK_READINGS)
  let state = 1
  for (let at = 1; at < WALK_READINGS; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    times[at] = at * 60_000
    values[at] = values[at - 1]! + state / 2 ** 32 - 0.5
  }
  return { file: 'random walk', times, values, windows: [] }
}
