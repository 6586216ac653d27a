// PostgreSQL and Redis killed in the middle: rules go on, nothing acknowledged is lost, nothing is judged twice.

import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { createServer as createHttpServer } from 'node:http'
import { status } from '@grpc/grpc-js'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { Window_Function } from '#rpc/generated/telemetryx/v1/rules_pb.js'
import { hasPostgres, startPostgres, type PostgresPeer } from '#test/sim/postgres.ts'
import { hasRedis, startRedis, type RedisServer } from '#test/sim/redis.ts'
import { BrainBed, detailsOf } from './brain-bed.ts'

const WAIT = { timeout: 60_000, interval: 20 }
const windows = [{ name: 'n', function: Window_Function.COUNT, extent: { case: 'count' as const, value: 1000 } }]
const counting = {
  id: 'count',
  enabled: true,
  severity: 2,
  condition: '{">":[{"var":"windows.n"},0]}',
  windows,
  actions: [{ kind: { case: 'alert' as const, value: { message: '{windows.n}' } } }],
}

describe.skipIf(!hasPostgres)('While PostgreSQL is away (needs PostgreSQL)', () => {
  let postgres: PostgresPeer
  let bed: BrainBed
  const posts: string[] = []
  const hook = createHttpServer((request, response) => {
    posts.push(String(request.headers['x-telemetryx-delivery']))
    response.end()
  })
  beforeAll(async () => {
    postgres = await startPostgres()
    hook.listen(0, '127.0.0.1')
    await once(hook, 'listening')
    const webhooks = { allowPrivate: true, timeoutMs: 5000 }
    bed = await new BrainBed({ databaseUrl: postgres.url, webhooks }).start()
  })
  afterAll(async () => {
    await bed.close()
    hook.close()
    await postgres.stop()
  })
  afterEach(() => vi.waitFor(() => bed.rules().delete('count'), WAIT))

  it('rules are evaluated and their actions carried out; what was acknowledged is known when it is back', async () => {
    const url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`
    const actions = [...counting.actions, { kind: { case: 'webhook' as const, value: { url } } }]
    await bed.rules().create({ ...counting, actions })
    const line = bed.line()
    line.hello('pg-1')
    line.readings(1, [1])
    await vi.waitFor(() => expect(line.acknowledged).toEqual([1]), WAIT)
    await postgres.kill()
    for (let seq = 2; seq <= 6; seq++) {
      line.readings(seq, [seq])
      await vi.waitFor(() => expect(line.acknowledged).toContain(seq), WAIT)
    }
    await vi.waitFor(
      () => expect(line.alerts.map(({ message }) => message)).toEqual(['1', '2', '3', '4', '5', '6']),
      WAIT,
    )
    await vi.waitFor(() => expect(posts).toHaveLength(6), WAIT)
    const change = { rule: { id: 'count', name: 'X' }, updateMask: { paths: ['name'] } }
    const error: unknown = await bed
      .rules()
      .update(change)
      .catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: status.UNAVAILABLE })
    expect(detailsOf(error).retryMs).toBeGreaterThan(0)
    expect(await (await fetch(bed.url('/readyz'))).json()).toMatchObject({ status: 'ready', reasons: [{}, {}] })
    await postgres.restart()
    await vi.waitFor(async () => expect(await bed.metric('telemetryx_brain_spooled_commits')).toBe(0), WAIT)
    await bed.restart()
    const again = bed.line()
    again.hello('pg-1')
    for (let seq = 1; seq <= 6; seq++) again.readings(seq, [seq])
    again.readings(7, [7])
    await vi.waitFor(() => expect(again.acknowledged).toHaveLength(7), WAIT)
    await vi.waitFor(() => expect(again.alerts.map(({ message }) => message)).toEqual(['7']), WAIT)
    await vi.waitFor(() => expect(posts).toHaveLength(7), WAIT)
    expect(new Set(posts).size).toBe(7)
  })

  it('what the spool holds is in the database after a crash and a start', async () => {
    await bed.rules().create(counting)
    const line = bed.line()
    line.hello('pg-2')
    await vi.waitFor(() => expect(line.received).toHaveLength(1), WAIT)
    await postgres.kill()
    line.readings(1, [1, 2, 3])
    await vi.waitFor(() => expect(line.acknowledged).toEqual([3]), WAIT)
    await bed.stop() // the database is away all the time: nothing but the spool knows
    const starting = bed.start()
    await postgres.restart()
    await starting
    const ranges = postgres.psql("SELECT ranges FROM brain.position WHERE gateway = 'pg-2'")
    expect(ranges.trim()).toBe('[[1,3]]')
    const again = bed.line()
    again.hello('pg-2')
    again.readings(1, [1, 2, 3])
    await vi.waitFor(() => expect(again.acknowledged).toEqual([3]), WAIT)
    expect(again.alerts).toEqual([])
  })
})

describe.skipIf(!hasRedis)('While Redis is away (needs redis-server)', () => {
  let redis: RedisServer
  let bed: BrainBed
  beforeAll(async () => {
    redis = await startRedis()
    bed = await new BrainBed({ redisUrl: redis.url }).start()
  })
  afterAll(async () => {
    await bed.close()
    await redis.stop()
  })

  it('windows go on in memory, and are there after a restart without it', async () => {
    await bed.rules().create({ ...counting, cooldown: { seconds: 0n } })
    const line = bed.line()
    line.hello('redis-1')
    line.readings(1, [1, 2])
    await vi.waitFor(() => expect(line.alerts.map(({ message }) => message)).toEqual(['1', '2']), WAIT)
    await redis.kill()
    line.readings(3, [3])
    await vi.waitFor(() => expect(line.alerts.map(({ message }) => message)).toEqual(['1', '2', '3']), WAIT)
    await vi.waitFor(async () => expect(await bed.metric('telemetryx_brain_redis_up')).toBe(0), WAIT)
    await bed.restart()
    const again = bed.line()
    again.hello('redis-1')
    again.readings(4, [4])
    await vi.waitFor(() => expect(again.alerts.map(({ message }) => message)).toEqual(['4']), WAIT)
    await redis.restart()
  })
})

describe('The folder of a brain', () => {
  it('serves one brain at a time', async () => {
    const bed = await new BrainBed().start()
    const second = new BrainBed({ data: bed.folder })
    await expect(second.start()).rejects.toMatchObject({ code: 'STORE_LOCKED' })
    await bed.close()
  })

  it('is not needed by a brain whose port is taken: it says so and lets go of everything', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const bed = new BrainBed({ listen: { host: '127.0.0.1', port } })
    await expect(bed.start()).rejects.toMatchObject({ code: 'PORT_IN_USE' })
    taken.close()
    await expect(bed.start()).resolves.toBe(bed)
    await bed.close()
  })
})
