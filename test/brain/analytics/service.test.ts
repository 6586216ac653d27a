import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AnomalyDetector } from '#checks/anomaly/anomaly-detector.ts'
import { gaussian, seededRandom } from '#kit/random.ts'
import { at, refusalOf, seconds, startBed, wireSeries, type AnalyticsClient, type Bed } from './bed.ts'

const MINUTE = 60_000
const START = Math.floor(Date.now() / MINUTE) * MINUTE - 2000 * MINUTE
const times = Float64Array.from({ length: 2000 }, (_, minute) => START + minute * MINUTE)

function noise(seed: number, level = 20): Float64Array {
  const random = seededRandom(seed)
  return times.map(() => level + gaussian(random))
}

describe('AnalyticsService', () => {
  let bed: Bed
  let client: AnalyticsClient
  const load = noise(1, 50)
  const power = load.map((value, minute) => 2 * value + Math.sin(minute))

  beforeAll(async () => {
    bed = await startBed({ limits: { maxRecords: 50_000 } })
    client = bed.client()
    await client.handIn('edge-01', { 'm.load': { times, values: load }, 'm.power': { times, values: power } })
    await client.handIn('edge-02', { 'm.load': { times: times.slice(0, 10), values: load.slice(0, 10) } })
  })
  afterAll(() => bed.stop())

  describe('DetectAnomalies', () => {
    const values = noise(2)
    values[1500]! += 15
    const series = [wireSeries('s.a', times, values)]

    it.each([
      { zscore: {} },
      { robustZscore: { window: 200 } },
      { movingAverage: {} },
      { ewma: { sigma: 6 } },
      { arima: { p: 1, q: 1, sigma: 5 } },
      { adaptive: {} },
      { isolationForest: { threshold: 0.7, seed: 5n } },
    ])('finds the spike: %o', async (method) => {
      const [name, value] = Object.entries(method)[0]!
      const detector = { method: { case: name, value } } as never
      const { anomalies, found, scores } = await client.call('detectAnomalies', { detector, series, withScores: true })
      const spike = anomalies.find(({ timeMs }) => timeMs === BigInt(times[1500]!))
      expect(spike).toMatchObject({ sensor: 's.a', value: values[1500] })
      expect(spike!.message).not.toBe('')
      expect(found).toBe(BigInt(anomalies.length))
      // A forest calls the tails of the noise unusual as well.
      expect(anomalies.length).toBeLessThan(name === 'isolationForest' ? 50 : 5)
      expect(scores[0]!.scores).toHaveLength(values.length)
      expect(scores[0]!.scores[1500]).toBe(spike!.score)
    })

    it('gives the scores of the gateway, bit by bit', async () => {
      const detector = { method: { case: 'adaptive', value: {} } } as const
      const { scores } = await client.call('detectAnomalies', { detector, series, withScores: true })
      const gateway = new AnomalyDetector({})
      values.forEach((value, minute) => {
        const isLearning = gateway.learning() !== null
        gateway.evaluate(value, times[minute]!)
        expect(scores[0]!.scores[minute]).toBe(isLearning ? Number.NaN : gateway.score)
      })
    })

    it('names every field that is wrong', async () => {
      const wrong = { ...series[0]!, timeDeltas: [0] }
      const detector = { method: { case: 'zscore', value: { window: 1, sigma: -1 } } } as const
      const { code, details, message } = await refusalOf(client.call('detectAnomalies', { detector, series: [wrong] }))
      expect(code).toBe('INVALID_ARGUMENT')
      expect(message).toContain('detector.zscore.window: must be 2 to 100000')
      for (const field of ['google.rpc.BadRequest', 'detector.zscore.sigma', 'series[0].time_deltas'])
        expect(details).toContain(field)
      const nothing = await refusalOf(client.call('detectAnomalies', { series }))
      expect(nothing).toMatchObject({ code: 'INVALID_ARGUMENT', message: 'detector: has no method' })
    })

    it('refuses more values than one call may have', async () => {
      const many = new Float64Array(50_001)
      const detector = { method: { case: 'zscore', value: {} } } as const
      const refusal = await refusalOf(
        client.call('detectAnomalies', { detector, series: [wireSeries('s', many, many)] }),
      )
      expect(refusal).toMatchObject({ code: 'RESOURCE_EXHAUSTED' })
      expect(refusal.message).toContain('at most 50000')
    })

    it('gives up at the deadline, and goes on with others meanwhile', async () => {
      const random = seededRandom(3)
      const long = Float64Array.from({ length: 40_000 }, () => gaussian(random))
      const heavy = {
        method: {
          case: 'isolationForest',
          value: { trees: 1000, sampleSize: 4096, features: { window: 512, step: 1 } },
        },
      } as const
      const slow = refusalOf(
        client.call(
          'detectAnomalies',
          { detector: heavy, series: [wireSeries('s', new Float64Array(40_000), long)] },
          700,
        ),
      )
      const quick = await client.call('detectAnomalies', {
        detector: { method: { case: 'zscore', value: {} } },
        series,
      })
      expect(quick.found).toBeGreaterThan(0n)
      expect(await slow).toMatchObject({ code: 'DEADLINE_EXCEEDED' })
      // The thread is free again: what waits behind it is answered.
      const next = await client.call('detectAnomalies', { detector: { method: { case: 'arima', value: {} } }, series })
      expect(next.found).toBeGreaterThan(0n)
    })
  })

  describe('Analyze', () => {
    const range = { from: at(START), to: at(START + 2000 * MINUTE) }

    it('aggregates what gateways have handed in, window by window', async () => {
      const analyses = [{ kind: { case: 'aggregate', value: {} } }] as const
      const responses = await client.collect('analyze', {
        ...range,
        sensors: ['m.*'],
        gateway: 'edge-01',
        window: seconds(60_000),
        analyses: [...analyses],
      })
      expect(responses).toHaveLength(4) // two sensors, two windows of 1000 minutes
      const [first] = responses
      expect(first!.result.value).toMatchObject({
        sensor: 'm.load',
        gateway: 'edge-01',
        count: 1000n,
        first: load[0],
        last: load[999],
      })
      expect(first!.result).toMatchObject({ case: 'aggregate' })
      const mean = load.subarray(0, 1000).reduce((sum, value) => sum + value, 0) / 1000
      expect((first!.result.value as { mean: number }).mean).toBeCloseTo(mean, 9)
      const all = await client.collect('analyze', { ...range, sensors: ['m.load'], analyses: [...analyses] })
      expect(all.map(({ result }) => (result.value as { gateway: string; count: bigint }).count)).toEqual([2000n, 10n])
    })

    it('works out percentiles, histograms, correlations, features and forecasts', async () => {
      const responses = await client.collect('analyze', {
        ...range,
        sensors: ['m.load', 'm.power'],
        gateway: 'edge-01',
        analyses: [
          { kind: { case: 'percentiles', value: { percentiles: [0, 50, 100] } } },
          { kind: { case: 'histogram', value: { bins: 10 } } },
          { kind: { case: 'correlation', value: { every: seconds(60) } } },
          { kind: { case: 'forecast', value: { every: seconds(600), horizon: seconds(6000) } } },
          { kind: { case: 'features', value: { extraction: { window: 64 } } } },
        ],
      })
      const of = (name: string) =>
        responses.filter(({ result }) => result.case === name).map(({ result }) => result.value as never)
      const [percentiles] = of('percentiles') as { values: number[] }[]
      expect(percentiles!.values[0]).toBe(Math.min(...load))
      expect(percentiles!.values[2]).toBe(Math.max(...load))
      const [histogram] = of('histogram') as { counts: bigint[] }[]
      expect(histogram!.counts.reduce((sum, count) => sum + count)).toBe(2000n)
      const correlations = of('correlation') as { coefficient: number; pairs: bigint }[]
      expect(correlations).toHaveLength(1)
      expect(correlations[0]!.coefficient).toBeGreaterThan(0.9)
      expect(correlations[0]!.pairs).toBe(2000n)
      const [forecast] = of('forecast') as { points: { timeMs: bigint; value: number; low: number; high: number }[] }[]
      expect(forecast!.points).toHaveLength(10)
      expect(forecast!.points[0]!.timeMs).toBe(BigInt(START + 2000 * MINUTE))
      expect(Math.abs(forecast!.points[0]!.value - 50)).toBeLessThan(1)
      expect(forecast!.points.every(({ high, low, value }) => low < value && value < high)).toBe(true)
      const [features] = of('features') as { names: string[]; values: number[]; timesMs: bigint[] }[]
      expect(features!.values).toHaveLength(features!.names.length * features!.timesMs.length)
    })

    it('shows a tenant nothing of another', async () => {
      const analyses = [{ kind: { case: 'aggregate' as const, value: {} } }]
      const request = { ...range, sensors: ['*'], analyses }
      expect(await refusalOf(bed.client('b-engineer').collect('analyze', request))).toMatchObject({ code: 'NOT_FOUND' })
    })

    it('names what is wrong with a request', async () => {
      const request = {
        sensors: ['x'.repeat(257)],
        from: at(START),
        to: at(START),
        analyses: [{ kind: { case: 'percentiles' as const, value: { percentiles: [101] } } }, {}],
      }
      const { code, message } = await refusalOf(client.collect('analyze', request))
      expect(code).toBe('INVALID_ARGUMENT')
      for (const field of [
        'sensors[0]',
        'to: must be after from',
        'analyses[0].percentiles',
        'analyses[1]: has no kind',
      ])
        expect(message).toContain(field)
    })
  })

  it('refuses a caller without a token, and a viewer who would change a model', async () => {
    const { AnalyticsClient } = await import('./bed.ts')
    const stranger = new AnalyticsClient(bed.port, null)
    expect(await refusalOf(stranger.call('listModels', {}))).toMatchObject({ code: 'UNAUTHENTICATED' })
    stranger.close()
    const viewer = bed.client('a-viewer')
    expect(await refusalOf(viewer.call('deleteModel', { name: 'x' }))).toMatchObject({ code: 'PERMISSION_DENIED' })
    expect((await viewer.call('listModels', {})).models).toEqual([])
  })
})
