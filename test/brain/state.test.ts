// PostgreSQL and Redis killed in the middle: rules go on, nothing acknowledged is lost, nothing is judged twice.

import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { createServer as createHttpServer } from 'node:http'
import { create } from '@bufbuild/protobuf'
import { status, type ServiceError } from '@grpc/grpc-js'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { IngestRequestSchema, IngestService } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { Window_Function } from '#rpc/generated/telemetryx/v1/rules_pb.js'
import { serviceDefinition } from '#rpc/service-definition.ts'
import { hasPostgres, startPostgres, type PostgresPeer } from '#test/sim/postgres.ts'
import { hasRedis, startRedis, type RedisServer } from '#test/sim/redis.ts'
import { BrainBed, detailsOf, TOKENS } from './brain-bed.ts'

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

const { ingest } = serviceDefinition(IngestService)

function unlessAbsent(cause: unknown): void {
  if ((cause as ServiceError).code !== status.NOT_FOUND) throw cause
}

/** A worker of the database may end at any moment. */
function signalUnlessGone(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ESRCH') throw cause
  }
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
    postgres.psql('CREATE ROLE keeper LOGIN; GRANT CREATE ON DATABASE postgres TO keeper')
    bed = await new BrainBed({ databaseUrl: postgres.url.replace('postgres@', 'keeper@'), webhooks }).start()
  })
  afterAll(async () => {
    await bed.close()
    hook.close()
    await postgres.stop()
  })
  afterEach(() => vi.waitFor(() => bed.rules().delete('count').catch(unlessAbsent), WAIT))

  function backends(): number[] {
    const others = 'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()'
    return postgres.psql(others).split('\n').map(Number)
  }

  /** One reading, by a call of its own. */
  function handIn(gateway: string) {
    const batch = {
      epoch: 1,
      lastSeq: 1n,
      blocks: [{ firstSeq: 1n, sensors: [0], receivedAtMs: 1_795_000_000_000n, numbers: [1] }],
    }
    const dictionary = { sensors: [{ number: 0, id: 'press-1.oil-temperature', valueType: 1 }] }
    const request = create(IngestRequestSchema, { gateway, dictionary, batch })
    return bed.client(TOKENS.gateway).call(ingest, request, 60_000)
  }

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

  it('a gateway that has not sent before is told at once when to come again, and is taken when it is back', async () => {
    await postgres.kill()
    for (const name of ['pg-3', 'pg-4']) {
      const line = bed.line()
      line.hello(name)
      line.readings(1, [1])
      await vi.waitFor(() => expect(line.error).toMatchObject({ code: status.UNAVAILABLE }), WAIT)
      expect([detailsOf(line.error).reason, line.received]).toEqual(['UNAVAILABLE', []])
      expect(detailsOf(line.error).retryMs).toBeGreaterThan(0)
      const error = await handIn('pg-3').catch((cause: unknown) => cause)
      expect(error).toMatchObject({ code: status.UNAVAILABLE })
      expect(detailsOf(error).retryMs).toBeGreaterThan(0)
    }
    await postgres.restart()
    await vi.waitFor(async () => expect((await handIn('pg-3')).accepted).toBe(1), WAIT)
    const line = bed.line()
    line.hello('pg-3')
    line.readings(1, [1, 2])
    await vi.waitFor(() => expect(line.acknowledged).toEqual([2]), WAIT)
    line.end()
  })

  it('a database that does not answer is away as well', async () => {
    const stopped = [postgres.pid, ...backends()]
    try {
      for (const pid of stopped) signalUnlessGone(pid, 'SIGSTOP')
      const line = bed.line()
      line.hello('pg-5')
      await vi.waitFor(() => expect(line.error).toMatchObject({ code: status.UNAVAILABLE }), WAIT)
      expect(detailsOf(line.error).retryMs).toBeGreaterThan(0)
    } finally {
      for (const pid of stopped) signalUnlessGone(pid, 'SIGCONT')
    }
  })

  it('one that refuses the brain is away for callers, who hear nothing of its words', async () => {
    await bed.rules().create(counting)
    const change = { rule: { id: 'count', name: 'X' }, updateMask: { paths: ['name'] } }
    const refusal = (): Promise<unknown> =>
      bed
        .rules()
        .update(change)
        .catch((cause: unknown) => cause)
    postgres.psql('ALTER TABLE brain.rule OWNER TO postgres')
    const withoutRight = await refusal()
    postgres.psql('ALTER TABLE brain.rule OWNER TO keeper; ALTER ROLE keeper NOLOGIN')
    const ofKeeper = "FROM pg_stat_activity WHERE usename = 'keeper'"
    postgres.psql(`SELECT pg_terminate_backend(pid) ${ofKeeper}`)
    await vi.waitFor(() => expect(postgres.psql(`SELECT 1 ${ofKeeper}`)).toBe(''), WAIT)
    const withoutLogin = await refusal()
    postgres.psql('ALTER ROLE keeper LOGIN')
    for (const error of [withoutRight, withoutLogin]) {
      expect(error).toMatchObject({ code: status.UNAVAILABLE })
      expect((error as ServiceError).details).not.toContain('keeper')
      expect(detailsOf(error).reason).toBe('UNAVAILABLE')
      expect(detailsOf(error).retryMs).toBeGreaterThan(0)
    }
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
