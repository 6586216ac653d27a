// Analytics, models and reports with PostgreSQL and Redis killed in the middle: what is cached goes on, what needs the database says
// when to try again, and nothing is wrong afterwards.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { ReportScheduler } from '#brain/reports/schedule.ts'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { gaussian, seededRandom } from '#kit/random.ts'
import { ExportFormat } from '#rpc/generated/telemetryx/v1/analytics_pb.js'
import { hasPostgres, startPostgres, type PostgresPeer } from '#test/sim/postgres.ts'
import { hasRedis, startRedis, type RedisServer } from '#test/sim/redis.ts'
import { detailsOf } from '../brain-bed.ts'
import { at, startBed, wireSeries, type AnalyticsClient, type Bed } from './bed.ts'

const WAIT = { timeout: 60_000, interval: 50 }
const MINUTE = 60_000
const LENGTH = 600
const START = Math.floor(Date.now() / MINUTE) * MINUTE - LENGTH * MINUTE
const times = Float64Array.from({ length: LENGTH }, (_, minute) => START + minute * MINUTE)
const random = seededRandom(3)
const load = times.map(() => 50 + gaussian(random))
const range = { sensors: ['m.load'], from: at(START), to: at(START + 2 * LENGTH * MINUTE) }
const series = [wireSeries('m.load', times, load)]

describe.skipIf(!hasPostgres || !hasRedis)('Analytics (needs postgresql and redis-server)', () => {
  let postgres: PostgresPeer
  let redis: RedisServer
  let bed: Bed
  let client: AnalyticsClient

  beforeAll(async () => {
    postgres = await startPostgres()
    redis = await startRedis()
    bed = await startBed({ databaseUrl: postgres.url, redisUrl: redis.url })
    client = bed.client()
    await client.handIn('edge-01', { 'm.load': { times, values: load } })
    for (const seed of [1n, 2n]) {
      const detector = { method: { case: 'isolationForest' as const, value: { trees: 20, seed } } }
      await client.call('trainModel', { name: 'press', detector, series })
      await client.call('promoteModel', { name: 'press', version: Number(seed), force: true })
    }
  })
  afterAll(async () => {
    await bed.stop()
    await redis.stop()
    await postgres.stop()
  })
  // With connections that no server before had.
  afterEach(async () => {
    await vi.waitFor(() => client.call('listModels', {}), WAIT)
    await restart()
  })

  const report = async (): Promise<string> => (await client.call('runReport', range)).text

  /** Scores by a version; 0: by the one in use. */
  async function scores(version = 0): Promise<number[]> {
    const detector = { method: { case: 'model' as const, value: { name: 'press', version } } }
    const { scores: found } = await client.call('detectAnomalies', { detector, series, withScores: true })
    return found[0]!.scores
  }

  async function restart(): Promise<void> {
    bed = await bed.restart()
    client = bed.client()
  }

  it('score by what is in memory and in Redis while PostgreSQL is away, and on while Redis is away too', async () => {
    const [first, second] = [await scores(1), await scores(2)]
    expect(first).not.toEqual(second)
    await restart() // it has read the one in use; of the other only Redis has a copy
    await postgres.kill()
    expect(await scores()).toEqual(second)
    expect(await scores(1)).toEqual(first)
    // The retired one was asked for; the one in use still is.
    expect(await scores()).toEqual(second)
    const unknown: unknown = await scores(3).catch((cause: unknown) => cause)
    expect(unknown).toMatchObject({ code: status.UNAVAILABLE })
    expect(detailsOf(unknown).retryMs).toBeGreaterThan(0)
    await redis.kill()
    expect([await scores(1), await scores(2), await scores()]).toEqual([first, second, second])
    await redis.restart()
    await postgres.restart()
    await vi.waitFor(async () => expect(await scores(3).catch(codeOf)).toBe(status.NOT_FOUND), WAIT)
  })

  it('are slower, not wrong, with a Redis that does not answer', async () => {
    const [first, second] = [await scores(1), await scores()]
    redis.freeze()
    await restart()
    expect([await scores(1), await scores()]).toEqual([first, second])
    const { model } = await client.call('rollBackModel', { name: 'press' })
    expect(model).toMatchObject({ version: 1 })
    expect(await scores()).toEqual(first)
    redis.thaw()
    await redis.kill() // what it knew is gone
    await redis.restart()
    expect(await scores()).toEqual(first)
    await client.call('promoteModel', { name: 'press', version: 2, force: true })
    expect(await scores()).toEqual(second)
  })

  it('say UNAVAILABLE and when to try again where they need the database, and have everything when it is back', async () => {
    // Positions of a gateway are read from the database when it first sends.
    await client.handIn('edge-03', { 'm.early': { times: [START], values: [1] } })
    const before = await report()
    await postgres.kill()
    const detector = { method: { case: 'isolationForest' as const, value: { trees: 20 } } }
    const analyses = [{ kind: { case: 'aggregate' as const, value: {} } }]
    for (const call of [
      () => client.call('trainModel', { name: 'other', detector, sensors: ['m.load'] }),
      () => client.call('trainModel', { name: 'other', detector, series }),
      () => client.call('promoteModel', { name: 'press', version: 1 }),
      () => client.call('getModel', { name: 'press' }),
      () => client.collect('analyze', { ...range, analyses }),
      () => client.collect('exportReadings', { ...range, format: ExportFormat.CSV }),
      report,
    ]) {
      const error: unknown = await call().catch((cause: unknown) => cause)
      expect(error).toMatchObject({ code: status.UNAVAILABLE })
      expect(detailsOf(error).retryMs).toBeGreaterThan(0)
    }
    // What gateways hand in meanwhile is analysed later.
    const later = times.map((time) => time + LENGTH * MINUTE)
    await client.handIn('edge-03', { 'm.load': { times: later, values: load } })
    await postgres.restart()
    await vi.waitFor(async () => expect(await report()).not.toBe(before), WAIT)
    await vi.waitFor(async () => {
      const [all] = await client.collect('analyze', { ...range, gateway: 'edge-03', analyses })
      expect(all!.result.value).toMatchObject({ count: BigInt(LENGTH) })
    }, WAIT)
  })

  it('watch what comes when they begin while PostgreSQL is away', async () => {
    await client.handIn('edge-02', { 'v.early': { times: [START], values: [1] } })
    await postgres.kill()
    const watch = client
      .watch()
      .listen()
      .configure({ detector: { method: { case: 'zscore', value: { sigma: 8 } } }, sensors: ['w.*'], withScores: true })
    watch.send([{ sensor: 'x', gateway: 'g', value: { kind: { case: 'number', value: 1 } } }])
    await vi.waitFor(() => expect(watch.of('scores')).toHaveLength(1), WAIT) // it has subscribed
    const now = Date.now()
    const values = [...load.slice(0, 400), 500]
    await client.handIn('edge-02', { 'w.x': { times: values.map((_, n) => now + n), values } })
    await vi.waitFor(() => expect(watch.of('anomaly')).toHaveLength(1), WAIT)
    expect(watch.of('anomaly')[0]).toMatchObject({ sensor: 'w.x', value: 500 })
    watch.stream.cancel()
    await watch.ended
    await postgres.restart()
  })

  it('write a scheduled report that was due while PostgreSQL was away as soon as it is back', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'telemetryx-reports-'))
    const clock = new ManualClock()
    const text = await report()
    /** A file that is being written has a name with a dot before it. */
    const reports = () => readdirSync(join(folder, 'a')).filter((name) => !name.startsWith('.'))
    let tries = 0
    const scheduler = new ReportScheduler({
      clock,
      log: silentLogger,
      sendMail: null,
      folder,
      schedules: [{ name: 'r', tenant: 'a', title: 'R', sensors: ['*'], everyMs: 86_400_000, mailTo: [] }],
      run: () => report().finally(() => (tries += 1)),
    })
    await postgres.kill()
    scheduler.start()
    await clock.advance(0)
    await vi.waitFor(() => expect([tries, clock.pending]).toEqual([1, 1]), WAIT)
    expect(reports()).toEqual([])
    await postgres.restart()
    await vi.waitFor(async () => {
      await clock.advance(MINUTE) // when it is tried again
      expect(reports()).toHaveLength(1)
    }, WAIT)
    expect(readFileSync(join(folder, 'a', reports()[0]!), 'utf8')).toBe(text)
    await scheduler.stop()
    rmSync(folder, { recursive: true, force: true })
  })
})

function codeOf(cause: unknown): unknown {
  return typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : cause
}
