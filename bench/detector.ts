// How well and how fast the `anomaly` check detects: the standard score of the Numenta Anomaly Benchmark over the series
// in --data DIR (DIR/data/GROUP/FILE.csv, DIR/windows.json), microseconds per reading, bytes of state for each sensor.
//
// Each series goes through a detector of its own, one reading after the other, as in the gateway. Without --data only
// time and memory are measured, on a random walk.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { AnomalyDetector, scoreOf } from '#checks/anomaly/anomaly-detector.ts'
import { nabScore, nabScoreAt, type ScoredSeries } from './nab/score.ts'
import { readSeries, type Series } from './nab/series.ts'

export interface DetectorBenchOptions {
  /** Folder with the series; null for none. */
  readonly data: string | null
}

/** Readings of the series that stands in for data. */
const WALK_READINGS = 200_000
/** Detectors whose memory is measured together. */
const DETECTORS = 500
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
  const speed = { series: series.length, readings, microsecondsPerReading, stateBytesPerSensor: stateBytes() }
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

/** What a detector takes on the heap and in buffers, in the mean of many. */
function stateBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const used = (): number => {
    collect()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const before = used()
  const detectors = Array.from({ length: DETECTORS }, () => new AnomalyDetector({}))
  for (const detector of detectors) for (let at = 0; at < 200; at++) detector.evaluate(at % 7, at * 60_000)
  const after = used()
  // Read once more after the measurement, so that none of them was collected before it.
  return detectors.length === DETECTORS ? Math.round((after - before) / DETECTORS) : 0
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
