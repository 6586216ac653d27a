// WatchAnomalies as a client sees it.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { gaussian, seededRandom } from '#kit/random.ts'
import { startBed, type AnalyticsClient, type Bed } from './bed.ts'

const START = Date.UTC(2026, 10, 1)
const MINUTE = 60_000
const WAIT = 60_000

function noise(seed: number): Float64Array {
  const random = seededRandom(seed)
  return Float64Array.from({ length: 2000 }, () => 20 + gaussian(random))
}

const timeOf = (minute: number): bigint => BigInt(START + minute * MINUTE)

const reading = (minute: number, value: number) => ({
  sensor: 's',
  gateway: 'g',
  timeMs: timeOf(minute),
  value: { kind: { case: 'number' as const, value } },
  position: { epoch: 1, seq: BigInt(minute + 1) },
})

describe('WatchAnomalies', () => {
  let bed: Bed
  let client: AnalyticsClient
  beforeAll(async () => {
    bed = await startBed()
    client = bed.client()
  })
  afterAll(() => bed.stop())

  it.each([
    { case: 'zscore' as const, value: { sigma: 5 } },
    { case: 'adaptive' as const, value: {} },
    { case: 'isolationForest' as const, value: { threshold: 0.65 } },
    { case: 'arima' as const, value: { sigma: 5 } },
  ] as const)('scores what the stream brings by $case', async (method) => {
    const values = noise(4)
    values[1800]! += 15
    const watch = client
      .watch()
      .listen()
      .configure({ detector: { method: method as never }, withScores: true })
    const batch = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, n) => reading(from + n, values[from + n]!))
    // The forest and ARIMA are fitted beside the stream: what comes meanwhile has no score.
    watch.send(batch(0, 1700))
    await vi.waitFor(() => {
      watch.send([reading(1700, values[1700]!)])
      expect(watch.of('scores').at(-1)!.scores[0]).not.toBeNaN()
    }, WAIT)
    watch.send(batch(1701, 2000))
    watch.stream.end()
    expect(await watch.ended).toBeNull()
    const anomalies = watch.of('anomaly')
    expect(anomalies.find(({ timeMs }) => timeMs === timeOf(1800))).toMatchObject({
      sensor: 's',
      gateway: 'g',
      value: values[1800],
      position: { seq: 1801n },
    })
    // A forest calls the tails of the noise unusual as well.
    expect(anomalies.length).toBeLessThan(method.case === 'isolationForest' ? 100 : 6)
    expect(watch.heard.at(-1)).toMatchObject({ case: 'progress', value: { learning: 0, dropped: 0n } })
  })

  it('watches what gateways hand in, after having learnt from what is stored', async () => {
    const values = noise(6)
    const now = Date.now()
    const times = values.map((_, n) => now - 3_600_000 + n)
    await client.handIn('edge-09', { 'w.x': { times, values } })
    const watch = client
      .watch()
      .listen()
      .configure({ detector: { method: { case: 'zscore', value: { sigma: 8 } } }, sensors: ['w.*'], withScores: true })
    watch.send([reading(0, 1)])
    await vi.waitFor(() => expect(watch.of('scores')).toHaveLength(1), WAIT) // it has subscribed
    watch.stream.end() // it goes on: what it watches does not come from here
    // One that is usual and one that is not: without the past, neither could be told.
    await client.handIn('edge-09', { 'w.x': { times: [now, now + 1], values: [20, 100] } })
    await vi.waitFor(() => expect(watch.of('anomaly')).toHaveLength(1), WAIT)
    expect(watch.of('anomaly')[0]).toMatchObject({ sensor: 'w.x', gateway: 'edge-09', value: 100 })
    expect(watch.of('anomaly')[0]!.position!.seq).toBeGreaterThan(2000n)
    watch.stream.cancel()
    await watch.ended
  })

  it('loses nothing when the client reads slowly', async () => {
    const watch = client.watch()
    watch.stream.pause()
    watch.configure({ detector: { method: { case: 'ewma', value: { sigma: 0.001 } } } })
    const random = seededRandom(5)
    const batches = 10
    for (let batch = 0; batch < batches; batch++)
      watch.send(Array.from({ length: 1000 }, (_, n) => reading(n, gaussian(random))))
    watch.stream.end()
    watch.listen()
    watch.stream.resume()
    expect(await watch.ended).toBeNull()
    expect(watch.of('progress').at(-1)).toMatchObject({ scored: BigInt(batches * 1000), dropped: 0n })
    // All but those while it learnt, and the few that hit the mean within a thousandth.
    expect(watch.of('anomaly').length).toBeGreaterThan(batches * 1000 * 0.99)
  })

  it('reads nothing more from a client that takes no answers', async () => {
    const watch = client.watch()
    watch.stream.pause()
    watch.configure({ detector: { method: { case: 'ewma', value: { sigma: 0.001 } } } })
    const readings = Array.from({ length: 1000 }, (_, n) => reading(n, n % 7))
    // Until what both sides and the network buffer is full. A server that went on reading would take all of it: 180 MB.
    const most = 3000
    let [sent, before, same] = [0, -1, 0]
    while (same < 20) {
      for (; watch.stream.writableLength < 60 && sent < most; sent++) watch.send(readings)
      await client.call('listModels', {}) // a turn of the server, in which it would have read on
      same = watch.stream.writableLength === before ? same + 1 : 0
      before = watch.stream.writableLength
    }
    expect(sent).toBeLessThan(most)
    expect(watch.stream.writableLength).toBeGreaterThan(50)
    watch.stream.cancel()
    watch.listen()
    await watch.ended
  })

  it('ends with words when the stream begins with readings, or with a detector that is none', async () => {
    const watch = client
      .watch()
      .listen()
      .send([reading(0, 1)])
    expect(await watch.ended).toMatchObject({
      details: expect.stringContaining('does not begin with a configuration') as string,
    })
    const other = client
      .watch()
      .listen()
      .configure({ detector: { method: { case: 'ewma', value: { alpha: 2 } } } })
    expect(await other.ended).toMatchObject({
      details: expect.stringContaining('configuration.detector.ewma.alpha') as string,
    })
  })

  it('takes readings that say nothing for what they are', async () => {
    const watch = client
      .watch()
      .listen()
      .configure({ detector: { method: { case: 'zscore', value: {} } }, withScores: true })
    watch.send([
      { ...reading(0, 1), status: 0x80000000 },
      { ...reading(0, 1), value: { kind: { case: 'text', value: 'x' } } },
      { sensor: 's', gateway: 'g' },
      reading(0, Number.NaN),
    ])
    watch.stream.end()
    expect(await watch.ended).toBeNull()
    expect(watch.heard.map((message) => message.case)).toEqual(['scores', 'progress'])
    expect(watch.of('progress')[0]).toMatchObject({ scored: 0n, ignored: 4n })
  })

  it('stops scoring sensors for which there is no memory, and says so', async () => {
    const watch = client
      .watch()
      .listen()
      .configure({ detector: { method: { case: 'robustZscore', value: { window: 100_000 } } }, withScores: true })
    watch.send(Array.from({ length: 100 }, (_, n) => ({ ...reading(0, 1), sensor: `s${n}` })))
    watch.stream.end()
    expect(await watch.ended).toBeNull()
    // 2.4 MB each, 128 MiB a stream.
    expect(watch.of('progress')[0]).toMatchObject({ scored: 55n, ignored: 45n })
  })
})
