import { describe, expect, it } from 'vitest'
import { detect, type TimedSeries } from '#brain/analytics/detect.ts'
import type { DetectorSpec } from '#brain/analytics/detector-spec.ts'
import { gaussian, seededRandom } from '#kit/random.ts'
import { AnomalyDetector } from '#checks/anomaly/anomaly-detector.ts'

const MINUTE = 60_000
const LENGTH = 1200
const SPIKE = 900

/** Noise around a slow wave, with one spike. */
function noisy(seed: number, sensor = 'press-1.pressure', spike = 12): TimedSeries {
  const random = seededRandom(seed)
  const values = Float64Array.from({ length: LENGTH }, () => 20 + gaussian(random))
  values[SPIKE]! += spike
  return { sensor, times: values.map((_, at) => Date.UTC(2026, 0, 1) + at * MINUTE), values }
}

const SPECS: readonly DetectorSpec[] = [
  { method: 'zscore', window: 300, sigma: 5 },
  { method: 'robustZscore', window: 300, sigma: 5 },
  { method: 'movingAverage', window: 30, sigma: 5 },
  { method: 'ewma', alpha: 0.05, sigma: 5.5 },
  { method: 'arima', p: 1, d: 0, q: 0, sigma: 5 },
  { method: 'adaptive' },
]

describe.each(SPECS)('The detector $method', (spec) => {
  it('finds a spike in noise, and nothing else', () => {
    const { anomalies, scores } = detect(spec, [noisy(1)], true)
    expect(anomalies.map(({ at }) => at)).toEqual([SPIKE])
    const [found] = anomalies
    expect(found!.score).toBeGreaterThanOrEqual(0.5)
    expect(found!.score).toBeLessThanOrEqual(1)
    expect(Math.abs(found!.expected - 20)).toBeLessThan(3)
    expect(found!.message).toMatch(/above/)
    const usual = scores![0]!.filter((score, at) => at !== SPIKE && !Number.isNaN(score))
    expect(Math.max(...usual)).toBeLessThan(0.5)
  })

  it('says nothing of values that are missing, and goes on behind them', () => {
    const series = noisy(1)
    series.values.fill(Number.NaN, 500, 510)
    const { anomalies, scores } = detect(spec, [series], true)
    expect(anomalies.map(({ at }) => at)).toEqual([SPIKE])
    expect(scores![0]!.subarray(500, 510).every(Number.isNaN)).toBe(true)
  })
})

describe('Detection', () => {
  it('by the adaptive detector is that of the gateway, score by score', () => {
    const series = noisy(4)
    const ours = detect({ method: 'adaptive' }, [series], true).scores![0]!
    const gateway = new AnomalyDetector({})
    series.values.forEach((value, at) => {
      const isLearning = gateway.learning() !== null
      gateway.evaluate(value, series.times[at]!)
      expect(ours[at]).toBe(isLearning ? Number.NaN : gateway.score)
    })
  })

  it('by the moving average accepts a ramp and finds its end', () => {
    const series = noisy(2, 'ramp', 0)
    series.values.forEach((value, at) => (series.values[at] = 2 * Math.min(at, 1000) + value))
    const { anomalies } = detect({ method: 'movingAverage', window: 30, sigma: 5 }, [series], false)
    expect(anomalies.length).toBeGreaterThan(0)
    expect(anomalies.every(({ at }) => at > 1000 && at < 1040)).toBe(true)
    expect(anomalies[0]!.message).toMatch(/below where the moving average/)
  })

  const forest: DetectorSpec = {
    method: 'isolationForest',
    trees: 200,
    sampleSize: 256,
    threshold: 0.6,
    seed: 5,
    features: null,
  }

  it('by a forest over two sensors finds what neither shows by itself, and names the one', () => {
    const random = seededRandom(9)
    const load = Float64Array.from({ length: LENGTH }, () => 50 + 40 * (random() - 0.5))
    const power = load.map((value) => 2 * value + gaussian(random))
    ;[load[SPIKE], power[SPIKE]] = [32, 138] // each within its range
    const times = load.map((_, at) => at * MINUTE)
    const series = [
      { sensor: 'm.load', times, values: load },
      { sensor: 'm.power', times, values: power },
    ]
    const { scores } = detect(forest, series, true)
    const highest = [...scores![0]!].map((score, at) => ({ score, at })).sort((a, b) => b.score - a.score)
    expect(highest.slice(0, 5).map(({ at }) => at)).toContain(SPIKE)
    expect(scores![1]).toEqual(scores![0])
    power[SPIKE] = 300
    const { anomalies } = detect(forest, series, false)
    const found = anomalies.find(({ at }) => at === SPIKE)
    expect(found).toMatchObject({ series: 1 })
    expect(found!.message).toMatch(
      /^300 is unusual beside the 1 other sensor: score 0\.\d\d, 0\.\d\d with its usual value$/,
    )
  })

  it('by a forest on features finds a change of rhythm that leaves the values usual', () => {
    const random = seededRandom(3)
    const values = Float64Array.from({ length: LENGTH }, (_, at) => {
      const isFast = at >= 800 && at < 864
      return Math.sin((2 * Math.PI * at) / (isFast ? 4 : 32)) + 0.05 * gaussian(random)
    })
    const series = [{ sensor: 's', times: values.map((_, at) => at * MINUTE), values }]
    const { scores } = detect({ ...forest, features: { window: 32, step: 8 } }, series, true)
    const [highest] = [...scores![0]!]
      .map((score, at) => ({ score, at }))
      .filter(({ score }) => !Number.isNaN(score))
      .sort((a, b) => b.score - a.score)
    expect(highest!.at).toBeGreaterThan(800)
    expect(highest!.at).toBeLessThan(896)
  })

  it('tells which sensor has too few values for ARIMA', () => {
    const series = { sensor: 'a.b', times: new Float64Array(5), values: new Float64Array(5) }
    expect(() => detect({ method: 'arima', p: 1, d: 1, q: 1, sigma: 4 }, [series], false)).toThrow(/^a\.b: /)
  })
})
