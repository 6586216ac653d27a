// Servers that refuse, stall, lie and vanish: a clear reason, nothing lost, nothing taken for delivered.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { isTelemetryError } from '#domain/errors.ts'
import type { Model, Sensor } from '#domain/sensor.ts'
import type { Delivery, UplinkConnection } from '#domain/uplink.ts'
import { silentLogger } from '#kit/logger.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { centralUplink } from '#uplinks/central/kind.ts'
import { ModelJournal, modelOf } from '../model-journal.ts'
import { hasOpenssl, makeCertificates } from '../mqtt/certificates.ts'
import { HttpReceiver } from './receiver-peer.ts'
import { acknowledge, problem, requestOf, ScriptedCentral, seqsOf, type Script } from './scripted-central.ts'

const never = new AbortController().signal

let model: Model
let central: ScriptedCentral
let connection: UplinkConnection
let losses: unknown[]

function open(config: object): void {
  losses = []
  connection = centralUplink.open(
    { id: 'hq', config, gateway: 'edge-01', factory: 'Plant A' },
    { log: silentLogger, model: () => model, lost: (cause) => losses.push(cause), epoch: 3, version: '1.2.3' },
  )
}

async function readings(count: number): Promise<Delivery> {
  const journal = new ModelJournal()
  for (let n = 0; n < count; n++) journal.append(0, n, Date.UTC(2026, 10, 20))
  const batch = (await journal.read({ epoch: 1, seq: 0 }, count))!
  return { lane: 'inOrder', historical: false, batch, rows: Uint32Array.from(batch.sensor.keys()), rowCount: count }
}

/** What is done with requests to /api/v1/ingest. */
function ingest(script: Script): void {
  central.script = (seen, response) => seen.path.endsWith('/ingest') && script(seen, response, central)
}

const ids = (...seqs: number[]): string[] => seqs.map((seq) => `edge-01/1/${seq}`)

describe('A central uplink and a server that', () => {
  beforeEach(async () => {
    model = modelOf(['press-1.pressure'])
    central = await ScriptedCentral.start()
    open({ url: central.url })
  })
  afterEach(async () => {
    await connection.close()
    await central.close()
  })

  it('keeps a register is told who sends, with which sensors, and again when they change', async () => {
    await connection.connect(never)
    const [{ method, path, body }] = central.seen as [(typeof central.seen)[0]]
    expect([method, path]).toEqual(['PUT', '/api/v1/gateways/edge-01'])
    expect(JSON.parse(body.toString())).toMatchObject({
      gateway: 'edge-01',
      factory: 'Plant A',
      epoch: 3,
      version: '1.2.3',
      dictionary: { sensors: [{ id: 'press-1.pressure', valueType: 'VALUE_TYPE_NUMBER' }] },
    })
    model = modelOf(['press-1.pressure', 'press-1.speed'])
    connection.modelChanged!()
    await vi.waitFor(() => expect(central.seen[1]?.body.toString()).toContain('press-1.speed'), EVENTUALLY)
  })

  it('hears of a sensor that is gone gets the records of it that still waited, and no longer its registration', async () => {
    const [gone, kept] = modelOf(['press-1.pressure', 'press-1.speed']).sensors as [Sensor, Sensor]
    const now = modelOf([])
    model = { ...now, sensors: [kept], retired: [gone], sensorAt: (number) => [gone, kept][number] }
    await connection.connect(never)
    expect(await connection.deliver(await readings(2), never)).toEqual({ rejected: [] })
    expect(central.ids).toEqual(ids(1, 2))
    const [{ body }] = central.seen as [(typeof central.seen)[0]]
    expect(body.toString()).toContain('press-1.speed')
    expect(body.toString()).not.toContain('press-1.pressure')
  })

  it('asks for patience gets the same records again, when it wants them', async () => {
    ingest(
      (_seen, response) => central.ingests().length === 1 && problem(response, 429, 'Too fast', { 'Retry-After': '1' }),
    )
    await connection.connect(never)
    expect(await connection.deliver(await readings(3), never)).toEqual({ rejected: [] })
    const [first, second] = central.ingests()
    expect(second!.at - first!.at).toBeGreaterThan(950)
    expect(second!.body.equals(first!.body)).toBe(true)
    expect(central.ids).toEqual(ids(1, 2, 3))
  })

  it.each([
    ['in seconds', () => '3600'],
    ['by a date', () => new Date(Date.now() + 3_600_000).toUTCString()],
  ])('asks for an hour %s is left alone for it', async (_how, when) => {
    ingest((_seen, response) => problem(response, 503, 'Maintenance', { 'Retry-After': when() }))
    await connection.connect(never)
    await expect(connection.deliver(await readings(1), never)).rejects.toMatchObject({
      retryable: true,
      message: expect.stringMatching(/is not ready \(503: Maintenance\); next try in 3[56]\d\d s/) as string,
    })
    expect(losses).toHaveLength(1)
    const before = central.seen.length
    await expect(connection.connect(never)).rejects.toMatchObject({ code: 'RATE_LIMITED', retryable: true })
    expect(central.seen).toHaveLength(before)
  })

  it('does not like one record gets all others, and that one becomes a dead letter with its words', async () => {
    ingest(
      (seen, response) =>
        seqsOf(requestOf(seen.body, seen.headers)).includes(7) && problem(response, 422, 'The value is absurd'),
    )
    await connection.connect(never)
    expect(await connection.deliver(await readings(20), never)).toEqual({
      rejected: [{ row: 6, reason: 'The value is absurd' }],
    })
    expect(central.ids).toEqual(ids(...Array.from({ length: 20 }, (_, n) => n + 1).filter((seq) => seq !== 7)))
  })

  it('refuses some records in its acknowledgement has them refused', async () => {
    ingest((seen, response) => {
      acknowledge(response, requestOf(seen.body, seen.headers), [
        { seq: 2, reason: 'Old' },
        { seq: 4, reason: 'Odd' },
      ])
      return true
    })
    await connection.connect(never)
    expect((await connection.deliver(await readings(5), never)).rejected).toEqual([
      { row: 1, reason: 'Old' },
      { row: 3, reason: 'Odd' },
    ])
  })

  it.each([9, 1])('refuses everything loses nothing for it, be it %i records: it is no receiver', async (count) => {
    ingest((_seen, response) => problem(response, 400, 'What is this?'))
    await connection.connect(never)
    await expect(connection.deliver(await readings(count), never)).rejects.toMatchObject({
      code: 'PROTOCOL',
      retryable: true,
      message: expect.stringContaining('refuses everything: What is this?') as string,
    })
  })

  const nonsense: [string, Script][] = [
    ['another position', (seen, response) => acknowledge(response, withLast(requestOf(seen.body, seen.headers), 99n))],
    [
      'a refusal of what was not sent',
      (seen, response) => acknowledge(response, requestOf(seen.body, seen.headers), [{ seq: 50, reason: '' }]),
    ],
    [
      'a refusal in another epoch',
      (seen, response) => acknowledge(response, requestOf(seen.body, seen.headers), [{ seq: 1, epoch: 9, reason: '' }]),
    ],
    [
      'no acknowledgement',
      (_seen, response) => void response.writeHead(202, { 'Content-Type': 'application/x-protobuf' }).end(),
    ],
    ['no type', (_seen, response) => void response.writeHead(202).end('ok')],
    [
      'a page',
      (_seen, response) => void response.writeHead(200, { 'Content-Type': 'text/html' }).end('<h1>Welcome</h1>'),
    ],
    [
      'damaged protobuf',
      (_seen, response) =>
        void response.writeHead(202, { 'Content-Type': 'application/x-protobuf' }).end(Buffer.from([0x0a, 0xff])),
    ],
    [
      'damaged JSON',
      (_seen, response) => void response.writeHead(202, { 'Content-Type': 'application/json' }).end('{'),
    ],
    [
      'far too much',
      (_seen, response) =>
        void response.writeHead(202, { 'Content-Type': 'application/json' }).end(Buffer.alloc(5 * 1024 * 1024)),
    ],
    [
      'half an answer',
      (_seen, response) => {
        response.writeHead(202, { 'Content-Length': '100' }).write('x')
        setImmediate(() => response.destroy())
      },
    ],
    ['nothing', (_seen, response) => void response.destroy()],
    ['a redirect', (_seen, response) => void response.writeHead(307, { Location: 'http://127.0.0.1:1/' }).end()],
    ['a fault of its own', (_seen, response) => void problem(response, 500, 'Oh')],
    ['no welcome', (_seen, response) => void problem(response, 401, 'Who are you?')],
  ]
  it.each(nonsense)('answers with %s has acknowledged nothing', async (_what, answer) => {
    ingest((seen, response) => {
      answer(seen, response, central)
      return true
    })
    await connection.connect(never)
    const error: unknown = await connection.deliver(await readings(3), never).catch((cause: unknown) => cause)
    expect(isTelemetryError(error) && error.retryable).toBe(true)
    expect(losses).toEqual([error])
    central.script = () => false
    await connection.connect(never)
    expect(await connection.deliver(await readings(3), never)).toEqual({ rejected: [] })
    expect(central.ids.slice(-3)).toEqual(ids(1, 2, 3))
  })

  it('takes only small requests gets small ones, and not what is larger by itself', async () => {
    ingest(({ body }, response) => body.length > 400 && problem(response, 413, 'Too large'))
    open({ url: central.url, compression: 'none' })
    await connection.connect(never)
    expect(await connection.deliver(await readings(100), never)).toEqual({ rejected: [] })
    expect(central.ids).toEqual(ids(...Array.from({ length: 100 }, (_, n) => n + 1)))
    ingest((_seen, response) => problem(response, 413, 'Too large'))
    expect((await connection.deliver(await readings(2), never)).rejected).toMatchObject([{ row: 0 }, { row: 1 }])
  })

  it('does not know zstd gets it plain', async () => {
    ingest(({ headers }, response) => 'content-encoding' in headers && problem(response, 415, 'zstd?'))
    await connection.connect(never)
    await connection.deliver(await readings(1), never)
    await connection.deliver(await readings(1), never)
    expect(central.ingests().map(({ headers }) => headers['content-encoding'])).toEqual(['zstd', undefined, undefined])
  })

  it('refuses to register it keeps it waiting, with the reason', async () => {
    central.script = (_seen, response) => problem(response, 403, 'Not yet')
    await expect(connection.connect(never)).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      retryable: true,
      message: expect.stringContaining('does not allow this gateway to send (403: Not yet)') as string,
    })
  })

  it('closes idle connections is still there', async () => {
    central.keepAliveTimeout = 1
    await connection.connect(never)
    await vi.waitFor(() => expect(central.seen.map(({ path }) => path)).toContain('/healthz'), EVENTUALLY)
    await connection.deliver(await readings(1), never)
    expect(losses).toEqual([])
  })

  it('answers nothing is given up when the delivery is', async () => {
    ingest(() => true)
    await connection.connect(never)
    const abort = new AbortController()
    const delivered = connection.deliver(await readings(1), abort.signal)
    const waiting = connection.deliver(await readings(1), never)
    const failed = Promise.all(
      [delivered, waiting].map((each) => expect(each).rejects.toMatchObject({ retryable: true })),
    )
    await vi.waitFor(() => expect(central.ingests()).toHaveLength(1), EVENTUALLY)
    abort.abort()
    await failed
    expect(central.ingests()).toHaveLength(1)
  })
})

describe.skipIf(!hasOpenssl)('A central uplink over TLS (needs openssl)', () => {
  it('trusts its own authority, shows token and certificate, and says what it does not trust', async () => {
    const made = makeCertificates()
    const tls = {
      cert: Buffer.from(made.text('broker.pem')),
      key: Buffer.from(made.text('broker.key')),
      clientCa: Buffer.from(made.text('ca.pem')),
    }
    const receiver = new HttpReceiver({ tls, token: 'secret-1' })
    await receiver.start()
    const own = { ca: made.path('ca.pem'), cert: made.path('client.pem'), key: made.path('client.key') }
    model = modelOf(['press-1.pressure'])
    try {
      open({ url: receiver.url, token: 'secret-1', tls: { ...own, ca: made.path('stranger.pem') } })
      await expect(connection.connect(never)).rejects.toMatchObject({
        code: 'UNAUTHENTICATED',
        message: expect.stringContaining('not trusted') as string,
      })
      open({ url: receiver.url, token: 'wrong', tls: own })
      await connection.connect(never)
      await expect(connection.deliver(await readings(1), never)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
      open({ url: receiver.url, token: 'secret-1', tls: own })
      await connection.connect(never)
      expect(await connection.deliver(await readings(2), never)).toEqual({ rejected: [] })
      expect(receiver.lines().map(({ id }) => id)).toEqual(ids(1, 2))
    } finally {
      await connection.close()
      await receiver.close()
    }
  })

  it('says that nobody is there', async () => {
    model = modelOf(['press-1.pressure'])
    open({ url: 'http://127.0.0.1:1' })
    await expect(connection.connect(never)).rejects.toMatchObject({
      code: 'CONNECTION_FAILED',
      message: '127.0.0.1:1 refuses the connection: nobody listens there',
    })
  })
})

function withLast(request: ReturnType<typeof requestOf>, lastSeq: bigint): ReturnType<typeof requestOf> {
  request.batch!.lastSeq = lastSeq
  return request
}
