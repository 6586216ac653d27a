// What a stranger or a broken gateway may send to POST /ingest of a whole central: bodies that expand, counts without end, positions
// that are replayed, reordered, gapped and forged, names without end, and floods. Memory, other tenants and the server stay as they are.

import { create, toBinary } from '@bufbuild/protobuf'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { MAX_BATCH_RECORDS } from '#central/ingest/pending-batch.ts'
import { DEFAULT_INGEST_LIMITS } from '#central/ingest/ingest.ts'
import { DEFAULT_MODEL_LIMITS } from '#central/model/told.ts'
import { IngestRequestSchema } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { MAX_DICTIONARY } from '#rpc/ingest-request.ts'
import { hasPostgres } from '#test/sim/postgres.ts'
import { CentralPeer, type Answer } from './central-peer.ts'
import {
  batch,
  BOMB_BYTES,
  bulk,
  field,
  gzipBomb,
  manyNames,
  MIB,
  repeated,
  zstdBomb,
  type HostileRequest,
} from './hostile-requests.ts'

const WAIT = { timeout: 60_000, interval: 50 }
const PROTOBUF = 'application/x-protobuf'
/** Of one tenant at once, unless `http.limits` says otherwise. */
const TENANT_QUERIES = 8
const PROBLEM = 'application/problem+json'

describe.skipIf(!hasPostgres)('Central does not let itself be harmed (needs postgresql)', () => {
  let peer: CentralPeer
  let north: string
  let south: string
  let readNorth: string
  let readSouth: string

  beforeAll(async () => {
    peer = await CentralPeer.start()
    const admin = await peer.setUp()
    north = await peer.keyFor(admin, 'north', ['ingest'])
    south = await peer.keyFor(admin, 'south', ['ingest'])
    readNorth = await peer.keyFor(admin, 'north', ['read'])
    readSouth = await peer.keyFor(admin, 'south', ['read'])
  }, 180_000)
  afterAll(() => peer?.stop())

  const post = (key: string, body: Uint8Array | string, headers: Record<string, string> = {}) =>
    peer.ask('ingest', { key, body, headers: { 'content-type': PROTOBUF, ...headers } })
  const send = (key: string, request: HostileRequest) =>
    post(key, toBinary(IngestRequestSchema, create(IngestRequestSchema, request)), { accept: PROTOBUF })
  const sendJson = (key: string, request: unknown) =>
    peer.ask<{ accepted?: string; repeatedRecords?: string; acknowledgement?: unknown }>('ingest', {
      key,
      body: request,
    })
  const valuesOf = async (key: string, sensor = 'press-1.pressure') =>
    (await peer.ask<{ items: { value: number }[] }>(`sensors/${sensor}/readings`, { key })).body.items.map(
      ({ value }) => value,
    )
  const expectProblem = (answer: Answer, status: number, words: string) => {
    expect(answer).toMatchObject({ status, body: { detail: expect.stringContaining(words) as string } })
    expect(answer.headers.get('content-type')).toContain(PROBLEM)
  }
  /** It goes on as if nothing had been. */
  const isWell = async () => {
    expect((await peer.ask('/readyz')).status).toBe(200)
    expect((await peer.ask('sensors', { key: readSouth })).status).toBe(200)
  }

  describe('by bodies that expand', () => {
    it.each(['gzip', 'zstd'] as const)(
      'refuses %s beyond the limit before memory grows',
      async (encoding) => {
        const bomb = encoding === 'gzip' ? gzipBomb() : await zstdBomb()
        expect(bomb.length).toBeLessThan(MIB)
        const before = process.resourceUsage().maxRSS * 1024
        for (const type of [PROTOBUF, 'application/json']) {
          const answer = await post(north, bomb, { 'content-encoding': encoding, 'content-type': type })
          expectProblem(answer, 413, 'expands to more than')
          expect(answer.body).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
        }
        expect(process.resourceUsage().maxRSS * 1024 - before).toBeLessThan(BOMB_BYTES / 2)
        await isWell()
      },
      120_000,
    )

    it('refuses what is larger as it is, and what is not what it says', async () => {
      expect(await post(north, Buffer.alloc(9 * MIB))).toMatchObject({
        status: 413,
        body: { code: 'PAYLOAD_TOO_LARGE' },
      })
      expectProblem(await post(north, Buffer.from('no'), { 'content-encoding': 'zstd' }), 400, 'is not zstd')
      expectProblem(await post(north, Buffer.from('no'), { 'content-encoding': 'gzip' }), 400, 'is not gzip')
      expect(await post(north, Buffer.from('no'), { 'content-encoding': 'br' })).toMatchObject({ status: 415 })
      await isWell()
    })
  })

  describe('by counts without end', () => {
    const head = Buffer.from(toBinary(IngestRequestSchema, create(IngestRequestSchema, { gateway: 'edge-1' })))
    const EPOCH = Buffer.from([1 << 3, 1])
    const tooMany = `more than ${MAX_BATCH_RECORDS} records`

    it.each([
      [
        'empty sensors',
        field(3, repeated(field(1, Buffer.alloc(0)), MAX_DICTIONARY + 1)),
        `more than ${MAX_DICTIONARY} sensors`,
      ],
      ['rows of a byte each', field(4, Buffer.concat([EPOCH, field(6, field(3, Buffer.alloc(2 * MIB)))])), tooMany],
      [
        'alarms',
        field(
          4,
          Buffer.concat([EPOCH, repeated(field(7, field(2, field(4, Buffer.alloc(0)))), MAX_BATCH_RECORDS + 1)]),
        ),
        tooMany,
      ],
      [
        'events',
        field(4, Buffer.concat([EPOCH, repeated(field(8, field(2, Buffer.alloc(0))), MAX_BATCH_RECORDS + 1)])),
        tooMany,
      ],
      [
        'blocks without rows',
        field(4, Buffer.concat([EPOCH, repeated(field(6, Buffer.alloc(0)), MIB)])),
        'has no rows',
      ],
    ])('refuses %s', async (_what, part, words) => {
      expectProblem(await post(north, Buffer.concat([head, part])), 400, words)
      await isWell()
    })

    it('refuses lengths that reach beyond the body, and fields of another kind', async () => {
      for (const bytes of [
        [0x22, 0xff, 0xff, 0xff, 0xff, 0x0f],
        [0x22, 0x05, 0x32, 0x7f],
        [0x20, 0x01],
        [0x0a, 0x01, 0xff],
        [0],
      ])
        expectProblem(await post(north, Buffer.from(bytes)), 400, 'is no telemetryx.v1.IngestRequest')
      await isWell()
    })

    it('refuses the same in JSON', async () => {
      const many = (what: object) => ({ gateway: 'edge-1', ...what })
      const sensors = Array.from({ length: MAX_DICTIONARY + 1 }, () => ({}))
      for (const body of [
        many({ dictionary: { sensors } }),
        many({ batch: { blocks: sensors } }),
        many({ batch: { alarms: sensors } }),
      ])
        expectProblem(await sendJson(north, body), 400, 'more than 100000')
      const hello = many({ epoch: 1, dictionary: { sensors } })
      const greeting = await peer.ask('gateways/edge-1', { method: 'PUT', key: north, body: hello })
      expectProblem(greeting, 400, `more than ${MAX_DICTIONARY} sensors`)
      const named = await peer.ask('gateways/edge-1', { method: 'PUT', key: north, body: many({ statuses: sensors }) })
      expectProblem(named, 400, `more than ${MAX_DICTIONARY} statuses`)
      expectProblem(await sendJson(north, many({ batch: { openSeqs: sensors } })), 400, 'open positions')
      await isWell()
    })
  })

  describe('by positions', () => {
    it('keeps what is replayed once, reorders, and takes what fills a gap', async () => {
      const gateway = 'edge-1'
      expect(await sendJson(north, batch({ gateway, firstSeq: 4, values: [4, 5] }))).toMatchObject({
        status: 202,
        body: { accepted: 2 },
      })
      expect(await sendJson(north, batch({ gateway, firstSeq: 1, values: [1, 2] }))).toMatchObject({
        body: { accepted: 2 },
      })
      for (let again = 0; again < 3; again++)
        expect(await sendJson(north, batch({ gateway, firstSeq: 4, values: [4, 5] }))).toMatchObject({
          status: 202,
          body: { repeatedRecords: 2 },
        })
      expect(await sendJson(north, batch({ gateway, firstSeq: 2, values: [0, 3, 0] }))).toMatchObject({
        body: { accepted: 1, repeatedRecords: 2 },
      })
      expect((await valuesOf(readNorth)).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5])
    })

    it('refuses positions that no gateway can have, and takes nothing of them', async () => {
      const forged: [object, string][] = [
        [{ epoch: 0 }, 'it has no epoch'],
        [{ epoch: 4_294_967_295 }, 'epoch'],
        [{ lastSeq: '1' }, 'last_seq lies before'],
        [{ lastSeq: String(2n ** 60n) }, 'too large'],
        [{ lane: 77 }, 'lane'],
      ]
      for (const [head, words] of forged) {
        const request = batch({ gateway: 'edge-forged', firstSeq: 5, values: [1, 2] })
        expectProblem(await sendJson(north, { ...request, batch: { ...request.batch, ...head } }), 400, words)
      }
      const query = `SELECT count(*) FROM central.position p JOIN central.gateway g ON g.number = p.gateway WHERE g.id = 'edge-forged'`
      expect(peer.postgres.psql(query)).toBe('0')
      expect(await valuesOf(readNorth, 'edge-forged.press-1.pressure')).toEqual([])
    })

    it('lets a forged position harm the gateway itself and nobody else', async () => {
      const far = { ...batch({ gateway: 'edge-2', firstSeq: 1, values: [] }) }
      const claimed = { ...far, batch: { epoch: 1, firstSeq: '1', lastSeq: String(2 ** 53 - 1) } }
      expect(await sendJson(north, claimed)).toMatchObject({ status: 202 })
      expect(await sendJson(north, batch({ gateway: 'edge-2', firstSeq: 9, values: [1] }))).toMatchObject({
        body: { repeatedRecords: 1 },
      })
      expect(await sendJson(north, batch({ gateway: 'edge-3', firstSeq: 9, values: [1] }))).toMatchObject({
        body: { accepted: 1 },
      })
    })

    it('takes the gateway id of another tenant for one of the sender’s own', async () => {
      const before = await valuesOf(readNorth)
      expect(await sendJson(south, batch({ gateway: 'edge-1', firstSeq: 4, values: [40, 50] }))).toMatchObject({
        body: { accepted: 2 },
      })
      expect(await valuesOf(readSouth)).toEqual([40, 50])
      expect(await valuesOf(readNorth)).toEqual(before)
      expect(await sendJson(north, batch({ gateway: 'edge-1', firstSeq: 6, values: [6] }))).toMatchObject({
        body: { accepted: 1 },
      })
    })
  })

  it('takes so many names of sensors and tells the others that there are too many', async () => {
    const most = DEFAULT_MODEL_LIMITS.sensorsPerGateway
    expect(await send(north, manyNames('edge-names', 'm.s', { firstSeq: 1, count: most + 3 }))).toMatchObject({
      status: 202,
    })
    const kept = () => Number(peer.postgres.psql(`SELECT count(*) FROM central.sensor WHERE source_id ~ '^m[.][sr]'`))
    expect(kept()).toBe(most)
    // Names that are refused, again and again others: what is remembered of them is bounded.
    for (const firstSeq of [30_000, 60_000]) {
      const more = manyNames('edge-names', `m.r${firstSeq}-`, { firstSeq, count: most + 3 })
      expect(await send(north, more)).toMatchObject({ status: 202 })
    }
    expect(kept()).toBe(most)
    const again = batch({ gateway: 'edge-names', firstSeq: 100_000, values: [1], sensor: 'm.other' })
    expect(await sendJson(north, again)).toMatchObject({
      status: 202,
      body: {
        acknowledgement: {
          rejections: [{ reason: `A gateway has at most ${most} sensors here, and this would be one more` }],
        },
      },
    })
    expect(
      await sendJson(north, batch({ gateway: 'edge-names', firstSeq: 100_001, values: [7], sensor: 'm.s1' })),
    ).toMatchObject({
      body: { accepted: 1 },
    })
    expect(await sendJson(south, batch({ gateway: 'edge-names', firstSeq: 1, values: [1] }))).toMatchObject({
      body: { accepted: 1 },
    })
  }, 120_000)

  it('tells a tenant that floods it to wait, and takes what others send meanwhile', async () => {
    const gateway = 'edge-flood'
    await sendJson(north, batch({ gateway, firstSeq: 1, values: [1] }))
    await sendJson(south, batch({ gateway, firstSeq: 1, values: [1] }))
    const holder = new Client({ connectionString: peer.postgres.url })
    await holder.connect()
    try {
      // North's transactions stand still here, so that what it sends piles up.
      await holder.query(`BEGIN; SELECT FROM central.gateway WHERE id = '${gateway}' AND tenant =
        (SELECT number FROM central.tenant WHERE id = 'north') FOR UPDATE`)
      const pieces = Math.ceil(DEFAULT_INGEST_LIMITS.waitingBytes / MIB) + 8
      const flood = Array.from({ length: pieces }, (_, index) => send(north, bulk(gateway, 10 + index * 1000)))
      const answers: Answer[] = []
      const all = Promise.all(flood.map(async (each) => answers.push(await each)))
      await vi.waitFor(() => expect(answers.some(({ status }) => status === 429)).toBe(true), WAIT)
      const refused = answers.find(({ status }) => status === 429)!
      expect(refused.body).toMatchObject({ code: 'TOO_MANY_REQUESTS' })
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
      // By order, not by time: south is answered while north still waits.
      expect(await sendJson(south, batch({ gateway, firstSeq: 2, values: [2] }))).toMatchObject({
        body: { accepted: 1 },
      })
      expect(answers.length).toBeLessThan(pieces)
      await holder.query('ROLLBACK')
      await all
      expect(answers.filter(({ status }) => ![202, 429, 503].includes(status))).toEqual([])
    } finally {
      await holder.end()
    }
    await vi.waitFor(async () => {
      const answer = await sendJson(north, batch({ gateway, firstSeq: 2, values: [2] }))
      expect(answer.status).toBe(202)
    }, WAIT)
  }, 180_000)

  it('takes what gateways send while tenants have every query wait that they may', async () => {
    for (const key of [north, south]) await sendJson(key, batch({ gateway: 'edge-slow', firstSeq: 1, values: [1] }))
    const holder = new Client({ connectionString: peer.postgres.url })
    await holder.connect()
    try {
      await holder.query('BEGIN; LOCK TABLE central.alert IN ACCESS EXCLUSIVE MODE')
      const asked = [readNorth, readSouth].flatMap((key) =>
        Array.from({ length: TENANT_QUERIES }, () => peer.ask('alerts', { key })),
      )
      const held = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
      await vi.waitFor(() => {
        expect(peer.postgres.psql(held)).toBe(String(asked.length))
      }, WAIT)
      expect(await sendJson(north, batch({ gateway: 'edge-slow', firstSeq: 2, values: [2] }))).toMatchObject({
        status: 202,
        body: { accepted: 1 },
      })
      await holder.query('ROLLBACK')
      for (const { status } of await Promise.all(asked)) expect([200, 503]).toContain(status)
    } finally {
      await holder.end()
    }
  }, 180_000)

  it('says 503 and when to come again while PostgreSQL is away', async () => {
    await peer.postgres.kill()
    for (const ask of [
      () => sendJson(north, batch({ gateway: 'edge-1', firstSeq: 100, values: [1] })),
      () => peer.ask('ingest/mes', { key: north, body: { readings: [{ sensor: 'jobs', value: 1 }] } }),
      () => peer.ask('sensors', { key: readNorth }),
    ]) {
      const answer = await ask()
      expect(answer).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } })
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    }
    await peer.postgres.restart()
    await vi.waitFor(async () => {
      const answer = await sendJson(north, batch({ gateway: 'edge-1', firstSeq: 100, values: [1] }))
      expect(answer).toMatchObject({ status: 202 })
    }, WAIT)
    await isWell()
  }, 180_000)
})
