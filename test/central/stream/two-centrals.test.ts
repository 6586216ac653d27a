// Two processes of `telemetryx central` with one PostgreSQL, NATS and Redis: what is handed in at one is seen at the other, live and
// asked for; who has logged in at one is known at the other; when one is killed the other goes on, with nothing lost and nothing twice.

import { toBinary } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { IngestRequestSchema, type IngestRequest } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { hasNats, startNats, type NatsServer } from '#test/sim/nats.ts'
import { hasPostgres, startPostgres, type PostgresPeer } from '#test/sim/postgres.ts'
import { hasRedis, startRedis, type RedisServer } from '#test/sim/redis.ts'
import { cookieOf, type Answer } from '../api/central-peer.ts'
import { entriesOf } from '../live/entries.ts'
import { CentralCommand } from './central-command.ts'

const WAIT = { timeout: 90_000, interval: 50 }
const ROUTE_LIMIT = 30

interface Message {
  readonly readings?: readonly { sensor: string; value: unknown }[]
  readonly alarm?: { id: string; gateway: string }
  readonly alert?: { id: string }
}

const isPresent = hasPostgres && hasNats && hasRedis

describe.skipIf(!isPresent)('two processes of central (needs postgresql, nats-server, redis-server)', () => {
  let postgres: PostgresPeer
  let nats: NatsServer
  let redis: RedisServer
  let a: CentralCommand
  let b: CentralCommand
  let cookie: string
  let ingest: string
  let read: string
  let socket: WebSocket
  const messages: Message[] = []
  const values = () =>
    Object.fromEntries(
      messages.flatMap(({ readings = [] }) => readings).map(({ sensor, value }) => [sensor, value] as const),
    )

  beforeAll(async () => {
    ;[postgres, nats, redis] = await Promise.all([startPostgres({ fsync: 'off' }), startNats(), startRedis()])
    const yaml = `databaseUrl: ${postgres.url}
redisUrl: ${redis.url}
nats: { urls: ["${nats.url}"], partitions: 2 }
http: { port: 0, limits: { routePerMinute: ${ROUTE_LIMIT} } }`
    a = await CentralCommand.start(yaml)
    const first = {
      token: a.setupToken,
      name: 'shift-lead',
      password: 'a long password',
      tenant: { id: 'north', name: 'North' },
    }
    cookie = cookieOf(await a.ask('setup', { body: first }))
    b = await CentralCommand.start(yaml)
    const keyWith = async (scopes: readonly string[]) =>
      (await a.ask<{ key: string }>('keys', { cookie, body: { name: scopes.join(), scopes } })).body.key
    ingest = await keyWith(['ingest'])
    read = await keyWith(['read'])
    socket = new WebSocket(`${b.url.replace('http', 'ws')}/api/v1/live`, {
      headers: { authorization: `Bearer ${read}` },
    })
    socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString()) as Message))
    await vi.waitFor(() => expect(messages.length).toBeGreaterThan(0), WAIT) // what is so: the feed is heard from now on
  }, 240_000)

  afterAll(async () => {
    socket?.terminate()
    await Promise.all([a?.stop(), b?.stop()])
    await Promise.all([nats?.stop(), redis?.stop()])
    await postgres?.stop()
  })

  const handIn = async (central: CentralCommand, request: IngestRequest | object) => {
    const isBinary = '$typeName' in request
    const answer = await central.ask('ingest', {
      key: ingest,
      body: isBinary ? toBinary(IngestRequestSchema, request as IngestRequest) : request,
      ...(isBinary && { headers: { 'content-type': 'application/x-protobuf' } }),
    })
    expect(answer).toMatchObject({ status: 202 })
  }
  /** One reading of edge-7, as a gateway sends it in JSON. */
  const reading = (seq: number) => ({
    gateway: 'edge-7',
    factory: 'Plant',
    dictionary: { sensors: [{ number: 0, id: 'press-1.pressure', valueType: 1, machine: 'press-1' }] },
    batch: {
      epoch: 1,
      firstSeq: String(seq),
      lastSeq: String(seq),
      blocks: [{ firstSeq: String(seq), sensors: [0], receivedAtMs: String(Date.now()), numbers: [seq] }],
    },
  })

  it('tells a live client of one the readings, alarms and alerts that were handed in at the other', async () => {
    await handIn(a, reading(1))
    await handIn(a, entriesOf(Date.now()))
    await vi.waitFor(() => {
      expect(values()).toMatchObject({ 'press-1.pressure': 1 })
      expect(messages.flatMap(({ alarm }) => alarm?.id ?? [])).toEqual(['edge-01/1-1'])
      expect(messages.flatMap(({ alert }) => alert?.id ?? [])).toEqual(['alert-1'])
    }, WAIT)
    // Of programs too.
    const body = { readings: [{ sensor: 'jobs', value: 12 }] }
    expect(await a.ask('ingest/mes', { key: ingest, body })).toMatchObject({ status: 202 })
    await vi.waitFor(() => expect(values()).toMatchObject({ 'mes.jobs': 12 }), WAIT)
  }, 120_000)

  it('answers latest values of the other', async () => {
    for (const central of [b, a])
      await vi.waitFor(
        async () => {
          const { body } = await central.ask('sensors/press-1.pressure/latest', { key: read })
          expect(body).toMatchObject({ value: 1, quality: 'good' })
        },
        { ...WAIT, interval: 500 },
      )
    await vi.waitFor(
      async () => {
        const { body: page } = await b.ask<{ items: { sensor: string }[] }>('latest?factory=plant', { cookie })
        expect(page.items.map(({ sensor }) => sensor)).toEqual(['press-1.pressure'])
        const { body } = await b.ask<string>('/metrics', { cookie })
        expect(Number(/telemetryx_central_latest_total\{from="redis"\} (\d+)/.exec(body)?.[1])).toBeGreaterThan(0)
      },
      { ...WAIT, interval: 1000 },
    )
  }, 240_000)

  it('knows who has logged in at the other, until they log out there', async () => {
    const session = (central: CentralCommand, of: string) => central.ask('session', { cookie: of })
    expect((await session(b, cookie)).body).toMatchObject({ tenant: { id: 'north' }, user: { name: 'shift-lead' } })
    const login = { name: 'shift-lead', password: 'a long password' }
    const own = cookieOf(await a.ask('session', { body: login }))
    expect((await session(b, own)).body).toMatchObject({ user: { name: 'shift-lead' } })
    expect((await a.ask('session', { method: 'DELETE', cookie: own })).status).toBe(204)
    await vi.waitFor(async () => expect((await session(b, own)).body['user']).toBeNull(), { ...WAIT, interval: 500 })
  }, 120_000)

  it('counts requests of both against one limit', async () => {
    const statuses: number[] = []
    for (let round = 0; round < ROUTE_LIMIT - 5; round++)
      for (const central of [a, b]) statuses.push((await central.ask('factories', { key: read })).status)
    expect(statuses[0]).toBe(200)
    expect(statuses).toContain(429) // each by itself has had fewer than the limit
  }, 120_000)

  it('goes on with nothing lost and nothing twice when the other is killed', async () => {
    for (let seq = 2; seq <= 10; seq++) await handIn(a, reading(seq))
    await vi.waitFor(() => expect(values()).toMatchObject({ 'press-1.pressure': 10 }), WAIT) // nothing is under way at A
    await a.kill()
    await handIn(b, reading(10)) // it may not have been heard that it was taken
    for (let seq = 11; seq <= 20; seq++) await handIn(b, reading(seq))
    await vi.waitFor(() => expect(values()).toMatchObject({ 'press-1.pressure': 20 }), WAIT)
    const { body } = await b.ask<{ items: { value: number }[] }>('sensors/press-1.pressure/readings', { key: read })
    expect(body.items.map(({ value }) => value)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    expect(socket.readyState).toBe(WebSocket.OPEN)
    expect((await b.ask('session', { cookie })).body).toMatchObject({ user: { name: 'shift-lead' } })
  }, 180_000)

  it('takes batches while PostgreSQL is away, and says when to come again while NATS is', async () => {
    const program = () => b.ask('ingest/mes', { key: ingest, body: { readings: [{ sensor: 'jobs', value: 13 }] } })
    const batch = (seq: number) => b.ask('ingest', { key: ingest, body: reading(seq) })
    const expectLater = (answer: Answer) => {
      expect(answer).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } })
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    }
    await postgres.kill()
    expect(await batch(21)).toMatchObject({ status: 202 })
    // A program is told what became of its readings, which only the database knows (decision 33).
    expectLater(await program())
    await postgres.restart()
    await vi.waitFor(() => expect(values()).toMatchObject({ 'press-1.pressure': 21 }), WAIT)
    await vi.waitFor(async () => expect(await program()).toMatchObject({ status: 202 }), WAIT)
    await nats.kill()
    await vi.waitFor(async () => expectLater(await batch(22)), WAIT)
    expect(await program()).toMatchObject({ status: 202 })
    await nats.restart()
    await vi.waitFor(async () => expect(await batch(22)).toMatchObject({ status: 202 }), WAIT)
    await vi.waitFor(
      async () => {
        const { body } = await b.ask<{ items: { value: number }[] }>('sensors/press-1.pressure/readings', { key: read })
        expect(body.items.map(({ value }) => value)).toEqual(Array.from({ length: 22 }, (_, index) => index + 1))
      },
      { ...WAIT, interval: 500 },
    )
  }, 240_000)
})
