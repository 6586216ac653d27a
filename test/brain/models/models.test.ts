// Models from training to roll-back, on PostgreSQL that is killed in the middle.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { gaussian, seededRandom } from '#kit/random.ts'
import { ModelState } from '#rpc/generated/telemetryx/v1/analytics_pb.js'
import { hasPostgres, startPostgres, type PostgresPeer } from '../../sim/postgres.ts'
import { refusalOf, seconds, startBed, wireSeries, type AnalyticsClient, type Bed } from '../analytics/bed.ts'

const MINUTE = 60_000
const LENGTH = 3000
const START = Math.floor(Date.now() / MINUTE) * MINUTE - LENGTH * MINUTE
const times = Float64Array.from({ length: LENGTH }, (_, minute) => START + minute * MINUTE)
const random = seededRandom(12)
const load = times.map((_, minute) => 50 + 20 * Math.sin(minute / 30) + gaussian(random))
const power = load.map((value) => 2 * value + gaussian(random))

const forest = { method: { case: 'isolationForest' as const, value: { trees: 60, seed: 3n } } }
const arima = { method: { case: 'arima' as const, value: { p: 1, d: 1, q: 1 } } }
const machine = { sensors: ['m.load', 'm.power'], every: seconds(60) }

describe.skipIf(!hasPostgres)('Models (needs postgresql)', () => {
  let postgres: PostgresPeer
  let bed: Bed
  let client: AnalyticsClient

  beforeAll(async () => {
    postgres = await startPostgres()
    bed = await startBed({ databaseUrl: postgres.url })
    client = bed.client()
    await client.handIn('edge-01', { 'm.load': { times, values: load }, 'm.power': { times, values: power } })
  })
  afterAll(async () => {
    await bed.stop()
    await postgres.stop()
  })

  it('trains on what is stored, judges on what it has not seen, and scores live and on request', async () => {
    const { model } = await client.call('trainModel', { name: 'press', detector: forest, ...machine, promote: true })
    expect(model).toMatchObject({
      name: 'press',
      version: 1,
      state: ModelState.ACTIVE,
      kind: 'isolationForest',
      sensors: machine.sensors,
      createdBy: 'a-engineer',
      every: { seconds: 60n },
    })
    expect(model!.trainedOn).toBe(2400n)
    expect(model!.evaluation!.points).toBe(600n)
    expect(model!.evaluation!.score).toBeGreaterThan(0.8)
    expect(model!.evaluation!.activeScore).toBeUndefined()
    // Each within its range, but not together.
    const strange = { load: [...load.slice(0, 50), 32], power: [...power.slice(0, 50), 138] }
    const all = times.slice(0, 51)
    const detector = { method: { case: 'model' as const, value: { name: 'press' } } }
    const series = [wireSeries('m.power', all, strange.power), wireSeries('m.load', all, strange.load)]
    const { scores } = await client.call('detectAnomalies', { detector, series, withScores: true })
    const [last, usual] = [scores[0]!.scores.at(-1)!, scores[0]!.scores.slice(0, 50)]
    expect(last).toBeGreaterThan(usual.toSorted((a, b) => a - b)[45]!)
    const watch = client.watch().listen().configure({ detector, withScores: true })
    const reading = (sensor: string, n: number, value: number) => ({
      sensor,
      gateway: 'g',
      timeMs: BigInt(all[n]!),
      value: { kind: { case: 'number' as const, value } },
    })
    for (let n = 0; n < 51; n++)
      watch.send([reading('m.load', n, strange.load[n]!), reading('m.power', n, strange.power[n]!)])
    watch.stream.end()
    expect(await watch.ended).toBeNull()
    // A minute's point is there when the next minute begins: row n comes with the first reading of minute n + 1.
    const live = watch.of('scores').map((message) => message.scores[0]!)
    expect(live.slice(1)).toEqual(scores[0]!.scores.slice(0, 50))
  })

  it('keeps a worse candidate out of use unless it is forced, and goes back', async () => {
    const better = await client.call('trainModel', { name: 'ladder', detector: forest, ...machine, promote: true })
    const poor = { method: { case: 'isolationForest' as const, value: { trees: 1, sampleSize: 2, seed: 1n } } }
    const worse = await client.call('trainModel', { name: 'ladder', detector: poor, ...machine, promote: true })
    expect(worse.model).toMatchObject({ version: 2, state: ModelState.CANDIDATE })
    expect(worse.model!.evaluation!.activeScore).toBeCloseTo(better.model!.evaluation!.score, 12)
    const refusal = await refusalOf(client.call('promoteModel', { name: 'ladder', version: 2 }))
    expect(refusal).toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: expect.stringContaining('was judged') as string,
    })
    expect((await client.call('promoteModel', { name: 'ladder', version: 2, force: true })).model!.state).toBe(
      ModelState.ACTIVE,
    )
    expect((await client.call('getModel', { name: 'ladder', version: 1 })).model!.state).toBe(ModelState.RETIRED)
    expect((await client.call('rollBackModel', { name: 'ladder' })).model!.version).toBe(1)
    expect((await client.call('getModel', { name: 'ladder' })).model!.version).toBe(1)
    expect(await refusalOf(client.call('rollBackModel', { name: 'ladder' }))).toMatchObject({
      code: 'FAILED_PRECONDITION',
    })
    expect(await refusalOf(client.call('deleteModel', { name: 'ladder', version: 1 }))).toMatchObject({
      code: 'FAILED_PRECONDITION',
    })
    expect((await client.call('deleteModel', { name: 'ladder' })).deleted).toBe(2)
    expect(await refusalOf(client.call('getModel', { name: 'ladder' }))).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('trains ARIMA and forests on series that are handed in', async () => {
    const series = [wireSeries('x.y', times, load)]
    const { model } = await client.call('trainModel', { name: 'handed', detector: arima, series })
    expect(model).toMatchObject({ state: ModelState.CANDIDATE, kind: 'arima', sensors: ['x.y'] })
    expect(model!.evaluation!.score).toBeGreaterThan(0)
    expect(model!.evaluation!.anomalyShare).toBeLessThan(0.01)
    const detector = { method: { case: 'model' as const, value: { name: 'handed', version: 1 } } }
    const spiked = load.slice()
    spiked[1000]! += 30
    const { anomalies } = await client.call('detectAnomalies', { detector, series: [wireSeries('x.y', times, spiked)] })
    expect(anomalies.map(({ timeMs }) => timeMs)).toContain(BigInt(times[1000]!))
  })

  it('lists by name and page, the newest version first', async () => {
    const series = [wireSeries('x.y', times.slice(0, 200), load.slice(0, 200))]
    for (const name of ['page-b', 'page-a', 'page-b'])
      await client.call('trainModel', { name, detector: forest, series })
    const names: string[] = []
    let pageToken = ''
    do {
      const page = await client.call('listModels', { pageSize: 1, pageToken })
      names.push(...page.models.map(({ name, version }) => `${name}.${version}`))
      pageToken = page.nextPageToken
    } while (pageToken !== '')
    expect(names.filter((name) => name.startsWith('page'))).toEqual(['page-a.1', 'page-b.2', 'page-b.1'])
    expect(await refusalOf(client.call('listModels', { pageToken: "'; DROP" }))).toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
  })

  it('shows a tenant no model of another, and takes none away', async () => {
    const series = [wireSeries('x.y', times.slice(0, 200), load.slice(0, 200))]
    await client.call('trainModel', { name: 'own', detector: forest, series, promote: true })
    const other = bed.client('b-engineer')
    expect((await other.call('listModels', {})).models).toEqual([])
    for (const refused of [
      () => other.call('getModel', { name: 'own', version: 1 }),
      () => other.call('promoteModel', { name: 'own', version: 1 }),
      () => other.call('deleteModel', { name: 'own' }),
      () => other.call('trainModel', { name: 'mine', detector: forest, ...machine }),
      () => other.call('detectAnomalies', { detector: { method: { case: 'model', value: { name: 'own' } } }, series }),
    ])
      expect(await refusalOf(refused())).toMatchObject({ code: 'NOT_FOUND' })
    expect((await client.call('getModel', { name: 'own' })).model!.version).toBe(1)
  })

  it('names what is wrong with a training', async () => {
    const { code, message } = await refusalOf(
      client.call('trainModel', {
        name: 'No Good',
        detector: { method: { case: 'adaptive', value: {} } },
        sensors: ['a', 'a'],
        holdOut: 0.9,
      }),
    )
    expect(code).toBe('INVALID_ARGUMENT')
    for (const field of ['name:', 'detector:', 'sensors: names a sensor twice', 'every:', 'hold_out:'])
      expect(message).toContain(field)
    const few = [wireSeries('x.y', times.slice(0, 20), load.slice(0, 20))]
    expect(await refusalOf(client.call('trainModel', { name: 'few', detector: forest, series: few }))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'There are 20 points; a model needs at least 50',
    })
  })

  it('notices that a sensor is not as it was when the model was trained', async () => {
    const settled = seededRandom(77)
    const values = Float64Array.from({ length: 1500 }, () => 10 + gaussian(settled))
    const moments = values.map((_, n) => START + n * 1000)
    const series = [wireSeries('d.x', moments, values)]
    await client.call('trainModel', { name: 'drifting', detector: forest, series, promote: true })
    const later = (start: number, shift: number) => ({
      times: values.map((_, n) => START + start + n * 1100),
      values: values.map(() => 10 + shift + gaussian(settled)),
    })
    const driftOf = async () => (await client.call('getModel', { name: 'drifting' })).model!.drift
    await client.handIn('edge-05', { 'd.x': later(10_000_000, 0) })
    expect(await driftOf()).toMatchObject({ drifted: false, sensor: 'd.x' })
    expect((await driftOf())!.index).toBeLessThan(0.1)
    await client.handIn('edge-05', { 'd.x': later(20_000_000, 1) })
    expect(await driftOf()).toMatchObject({ drifted: true, sensor: 'd.x' })
    const metrics = await bed.brain.registry.metrics()
    expect(metrics).toMatch(/telemetryx_brain_model_drift\{tenant="a",model="drifting",sensor="d\.x"\} 0?\.?[1-9]/)
  })

  it('survives a kill of PostgreSQL in the middle of a training: models in use go on, nothing is half there', async () => {
    const series = [wireSeries('k.x', times, load)]
    await client.call('trainModel', { name: 'kept', detector: forest, series, promote: true })
    const detector = { method: { case: 'model' as const, value: { name: 'kept' } } }
    const before = await client.call('detectAnomalies', { detector, series, withScores: true })
    const heavy = { method: { case: 'isolationForest' as const, value: { trees: 1000, sampleSize: 2048, seed: 1n } } }
    const training = refusalOf(client.call('trainModel', { name: 'kept', detector: heavy, series, promote: true }))
    await postgres.kill()
    expect(await training).toMatchObject({ code: 'UNAVAILABLE' })
    // From memory, the same scores.
    const away = await client.call('detectAnomalies', { detector, series, withScores: true })
    expect(away.scores).toEqual(before.scores)
    expect(await refusalOf(client.call('listModels', {}))).toMatchObject({ code: 'UNAVAILABLE' })
    await postgres.restart()
    const models = await vi.waitFor(async () => (await client.call('listModels', { name: 'kept' })).models, {
      timeout: 60_000,
      interval: 200,
    })
    expect(models.map(({ state, version }) => ({ state, version }))).toEqual([{ state: ModelState.ACTIVE, version: 1 }])
  })

  it('is warm after a restart: models and stored readings are there', async () => {
    const { models } = await client.call('listModels', { name: 'press' })
    bed = await bed.restart()
    client = bed.client()
    expect((await client.call('listModels', { name: 'press' })).models).toEqual(
      models.map((model) => ({ ...model, drift: undefined })),
    )
    const analyses = [{ kind: { case: 'aggregate' as const, value: {} } }]
    const range = {
      from: { seconds: BigInt(START / 1000), nanos: 0 },
      to: { seconds: BigInt(START / 1000 + LENGTH * 60), nanos: 0 },
    }
    const found = await client.collect('analyze', { ...range, sensors: ['m.*'], gateway: 'edge-01', analyses })
    expect(found.map(({ result }) => (result.value as { count: bigint }).count)).toEqual([
      BigInt(LENGTH),
      BigInt(LENGTH),
    ])
  })
})
