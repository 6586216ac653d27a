// Latest values through a real Redis, as two processes with one database see them.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openRedis, type RedisPort } from '#backing/redis.ts'
import { readingsPort } from '#central/storage/readings-port.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { HelloSchema } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { hasPostgres, startPostgres, type PostgresPeer } from '#test/sim/postgres.ts'
import { hasRedis, startRedis, type RedisServer } from '#test/sim/redis.ts'
import { dictionary, envelope, makeTenant, numbers, openStorage, type Fixture } from './central-fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'telemetryx-latest-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const WAIT = { timeout: 60_000, interval: 20 }
const SENSOR = 'press-1.pressure'
const PAGE = { limit: 100, cursor: null }

describe.skipIf(!hasPostgres || !hasRedis)('Latest values in Redis (needs postgresql, redis-server)', () => {
  let postgres: PostgresPeer
  let server: RedisServer
  let one: Fixture
  let other: Fixture
  const ports: RedisPort[] = []
  let made = 0
  const tenant = () => makeTenant(one, `t${(made += 1)}`)

  const open = async (): Promise<Fixture> => {
    const redis = await openRedis({ url: server.url, clock: systemClock, log: silentLogger })
    ports.push(redis)
    return openStorage({ url: postgres.url, folder }, { redis })
  }

  beforeAll(async () => {
    ;[postgres, server] = await Promise.all([startPostgres({ fsync: 'off' }), startRedis()])
    one = await open()
    other = await open()
    await allUp()
  }, 180_000)
  afterAll(async () => {
    await Promise.all([one.close(), other.close()])
    await Promise.all(ports.map((port) => port.close()))
    await server.stop()
    await postgres.stop()
  })

  const allUp = () => vi.waitFor(() => expect(ports.map(({ isUp }) => isUp)).toEqual([true, true]), WAIT)
  const take = (t: number, firstSeq: number, values: readonly number[], gateway = 'edge-1') =>
    one.storage.ingest.take(t, numbers({ gateway, firstSeq, values, at: Date.now() - 10_000 }))
  const valueAt = async ({ storage }: Fixture, t: number, sensor = SENSOR) =>
    (await storage.readings.latestOf(t, sensor)).reading?.value
  /** The answer, once it is Redis that gives it: the first time, or after a long pause, it is the database. */
  const fromRedis = <T>({ storage }: Fixture, ask: () => Promise<T>): Promise<T> =>
    vi.waitFor(async () => {
      const before = storage.latest!.figures.redis
      const answer = await ask()
      expect(storage.latest!.figures.redis).toBe(before + 1)
      return answer
    }, WAIT)

  it('are those that another process took in, without asking the database', async () => {
    const t = await tenant()
    await take(t, 1, [1])
    expect(await fromRedis(other, () => valueAt(other, t))).toBe(1)
    let value = 1
    // Several in a row: one may be the database's, while Redis is slow.
    await vi.waitFor(async () => {
      for (let round = 0; round < 3; round++) {
        value += 1
        await take(t, value, [value])
        expect(await valueAt(other, t)).toBe(value)
      }
    }, WAIT)
    // What is only in Redis is what is answered: it was not the database.
    const { sensor } = (await other.storage.readings.latest(t, PAGE)).items[0]!
    const planted = { field: String(sensor.number), order: [9, 9] as const, value: `[1000,2000,0,4711]` }
    await vi.waitFor(async () => {
      await ports[0]!.putLatest(`latest:${t}:edge-1`, [planted], 0)
      expect(await valueAt(other, t)).toBe(4711)
    }, WAIT)
  })

  it('are exactly those of the database, for each kind of value, and before the first one', async () => {
    const t = await tenant()
    const sensors = dictionary(
      { number: 0, id: 'm.number' },
      { number: 1, id: 'm.boolean', valueType: 2 },
      { number: 2, id: 'm.int64', valueType: 3 },
      { number: 3, id: 'm.uint64', valueType: 4 },
      { number: 4, id: 'm.text', valueType: 5 },
      { number: 5, id: 'm.bad' },
    )
    const batch = envelope('edge-1', sensors, {
      epoch: 1,
      lastSeq: 7n,
      blocks: [
        {
          firstSeq: 1n,
          sensors: [0, 0, 1, 2, 3, 4, 5],
          statuses: [0, 0x40900000, 0, 0, 0, 0, 0x80050000],
          receivedAtMs: BigInt(Date.now()),
          numbers: [7, -0.1],
          booleans: [true],
          integers: [-(2n ** 62n) - 1n],
          unsignedIntegers: [2n ** 64n - 1n],
          texts: ['ä\0 \n\ud800'],
        },
      ],
    })
    const silent = { number: 0, id: 'silent.one', valueType: 1, machine: 'silent', factory: 'hall-2' }
    const hello = { gateway: 'edge-2', factory: 'Hall 2', epoch: 1, version: '1', dictionary: { sensors: [silent] } }
    await one.storage.ingest.hello(t, create(HelloSchema, hello))
    await one.storage.ingest.take(t, batch)
    const asked = { machine: 'press-1', ...PAGE }
    const { items: expected } = await readingsPort(one.storage.database, null).latest(t, PAGE)
    expect(expected.map(({ reading }) => reading?.value)).toEqual([
      null,
      true,
      -(2n ** 62n) - 1n,
      -0.1,
      'ä\ufffd \n\ufffd',
      2n ** 64n - 1n,
      undefined,
    ])
    for (const fixture of [one, other]) {
      const all = await fromRedis(fixture, () => fixture.storage.readings.latest(t, PAGE))
      expect(all).toEqual({ items: expected.map(({ reading, sensor }) => ({ reading, sensor })), next: null })
      const machine = await fromRedis(fixture, () => fixture.storage.readings.latest(t, asked))
      expect(machine.items.map(({ sensor }) => sensor.id)).toEqual(all.items.slice(0, 6).map(({ sensor }) => sensor.id))
      const factory = await fromRedis(fixture, () => fixture.storage.readings.latest(t, { factory: 'hall-2', ...PAGE }))
      expect(factory.items).toMatchObject([{ sensor: { id: 'silent.one' }, reading: null }])
    }
  })

  it('are not those of another tenant, though its gateways and sensors have the same names', async () => {
    const [mine, theirs] = [await tenant(), await tenant()]
    await take(mine, 1, [1])
    await take(theirs, 1, [2])
    for (const fixture of [one, other]) {
      expect(await fromRedis(fixture, () => valueAt(fixture, mine))).toBe(1)
      expect(await fromRedis(fixture, () => valueAt(fixture, theirs))).toBe(2)
    }
    const { items } = await fromRedis(other, () => other.storage.readings.latest(mine, PAGE))
    expect(items.map(({ reading }) => reading?.value)).toEqual([1])
    await take(mine, 2, [3], 'edge-2')
    await expect(valueAt(other, theirs, `edge-2.${SENSOR}`)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('are not made older by what is late, and are those of the newest type and epoch', async () => {
    const t = await tenant()
    await take(t, 10, [10])
    await take(t, 1, [1, 2, 3])
    expect(await fromRedis(other, () => valueAt(other, t))).toBe(10)
    let epoch = 1
    await vi.waitFor(async () => {
      for (let round = 0; round < 3; round++) {
        epoch += 1
        await one.storage.ingest.take(t, numbers({ epoch, firstSeq: 1, values: [epoch * 10], at: Date.now() }))
        expect(await valueAt(other, t)).toBe(epoch * 10)
      }
    }, WAIT)
  })

  it('go with their sensor, at once in the process that removes it', async () => {
    const t = await tenant()
    await take(t, 1, [1])
    expect(await fromRedis(one, () => valueAt(one, t))).toBe(1)
    await one.storage.model.removeSensor(t, SENSOR)
    await expect(valueAt(one, t)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await vi.waitFor(
      () => expect(valueAt(other, t)).rejects.toMatchObject({ code: 'NOT_FOUND' }),
      WAIT, // another process believes what it knows for five seconds
    )
  })

  it('are those of the database while Redis is killed, frozen and back again', async () => {
    const t = await tenant()
    let seq = 0
    const next = async () => {
      seq += 1
      await take(t, seq, [seq])
      await vi.waitFor(async () => {
        expect(await valueAt(one, t)).toBe(seq)
        expect(await valueAt(other, t)).toBe(seq)
      }, WAIT)
    }
    await next()
    await server.kill()
    for (let round = 0; round < 3; round++) await next()
    await server.restart()
    for (let round = 0; round < 3; round++) await next()
    await allUp()
    expect(await fromRedis(other, () => valueAt(other, t))).toBe(seq)
    server.freeze()
    for (let round = 0; round < 3; round++) await next()
    server.thaw()
    for (let round = 0; round < 3; round++) await next()
    await allUp()
    await next()
    expect(await fromRedis(other, () => valueAt(other, t))).toBe(seq)
    expect(await fromRedis(one, () => valueAt(one, t))).toBe(seq)
  }, 240_000)
})
