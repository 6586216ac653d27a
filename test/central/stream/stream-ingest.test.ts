import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { create } from '@bufbuild/protobuf'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { openNats, type NatsPort } from '#backing/nats.ts'
import { noTracing } from '#kit/tracing.ts'
import type { IngestPort } from '#central/ingest-ports.ts'
import { StreamIngest, type StreamIngestOptions } from '#central/stream/stream-ingest.ts'
import { consumerOf, DEAD_STREAM, INGEST_STREAM, ingestSubject } from '#central/stream/subjects.ts'
import { TelemetryError } from '#domain/errors.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { HelloSchema } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { hasNats, startNats, type NatsServer } from '#test/sim/nats.ts'
import { makeTenant, openStorage, type Fixture } from '../storage/central-fixture.ts'
import { envelopeOf } from './batches.ts'

const WAIT = { timeout: 30_000, interval: 20 }
const DAY_MS = 86_400_000

describe.skipIf(!hasNats)('ingest through the stream (needs nats-server)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-stream-'))
  let server: NatsServer
  let connection: NatsConnection
  let manager: JetStreamManager
  let fixture: Fixture
  let nats: NatsPort
  let tenant: number
  let tenants = 0
  const streams: StreamIngest[] = []

  beforeAll(async () => {
    server = await startNats()
    fixture = await openStorage({ url: null, folder })
    connection = await connect({ servers: server.url })
    manager = await jetstreamManager(connection)
    nats = await openNats({ urls: [server.url], credentials: null, clock: systemClock, log: silentLogger })
  }, 90_000)

  beforeEach(async () => {
    tenant = await makeTenant(fixture, `t${(tenants += 1)}`)
  })

  afterEach(async () => {
    for (const stream of streams.splice(0)) await stream.stop()
    for (const name of [INGEST_STREAM, DEAD_STREAM]) await manager.streams.delete(name).catch(() => {})
  })

  afterAll(async () => {
    await nats.close()
    await connection.close()
    await fixture.close()
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  function open(more: Partial<StreamIngestOptions> = {}): StreamIngest {
    const stream = new StreamIngest({
      nats,
      ingest: fixture.storage.ingest,
      tracing: noTracing,
      clock: systemClock,
      log: silentLogger,
      replicas: 1,
      partitions: 1,
      maxBytes: 1 << 26,
      ackWaitMs: 2000,
      finalTries: 2,
      ...more,
    })
    streams.push(stream)
    return stream
  }

  const seqs = async (): Promise<unknown[]> =>
    (
      await fixture.database.query('SELECT seq FROM central.reading WHERE tenant = $1 ORDER BY epoch, seq', [tenant])
    ).map(({ seq }) => seq)

  async function deadLetters(): Promise<(string | undefined)[]> {
    const { state } = await manager.streams.info(DEAD_STREAM)
    const letters: (string | undefined)[] = []
    for (let seq = state.first_seq; seq <= state.last_seq && state.messages > 0; seq++)
      letters.push((await manager.streams.getMessage(DEAD_STREAM, { seq }))?.header.get('Telemetryx-Reason'))
    return letters
  }

  it('is acknowledged before the database has it, and is there in the end, each batch once', async () => {
    const stream = open()
    const batches = [1, 4, 7].map((firstSeq) => envelopeOf({ gateway: 'mill', firstSeq, values: [1, 2, 'three'] }))
    for (const batch of batches)
      expect(await stream.take(tenant, batch)).toEqual({ accepted: 3, repeated: 0, refused: [] })
    expect(await stream.take(tenant, batches[1]!)).toEqual({ accepted: 0, repeated: 3, refused: [] })
    expect(await seqs()).toEqual([])
    stream.start()
    await vi.waitFor(async () => expect(await seqs()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]), WAIT)
    expect(stream.figures).toMatchObject({
      published: 3,
      repeats: 1,
      consumed: 3,
      dead: { refused: 0, nonsense: 0, crashes: 0 },
    })
  })

  it('refuses at once what makes no sense, and records of sensors that nobody has told of', async () => {
    const stream = open()
    const sound = envelopeOf({ gateway: 'mill', firstSeq: 1, values: [1, 2] })
    await expect(stream.take(tenant, { ...sound, gateway: '../etc' })).rejects.toMatchObject({ code: 'PROTOCOL' })
    await expect(stream.take(tenant, { ...sound, batch: Buffer.from('nonsense') })).rejects.toMatchObject({
      code: 'PROTOCOL',
    })
    expect(stream.figures.published).toBe(0)
    const taken = await stream.take(tenant, envelopeOf({ gateway: 'mill', firstSeq: 1, values: [1, Number.NaN] }))
    expect(taken).toMatchObject({ accepted: 1, refused: [{ seq: 2 }] })
    stream.start()
    await vi.waitFor(async () => expect(await seqs()).toEqual([1]), WAIT)
    await vi.waitFor(() => expect(stream.figures.consumed).toBe(1), WAIT)
    expect(await deadLetters()).toEqual([]) // its sender knows
  })

  it('sets aside what only the database refuses, what is damaged, and goes on', async () => {
    const stream = open()
    await stream.take(
      tenant,
      envelopeOf({ gateway: 'mill', firstSeq: 1, values: [1, 2], time: Date.now() + 9 * DAY_MS }),
    )
    await nats.publishDurable(ingestSubject(tenant, 0), Buffer.from('damaged'), { id: 'x', headers: {} })
    await stream.take(tenant, envelopeOf({ gateway: 'mill', firstSeq: 3, values: [3] }))
    stream.start()
    await vi.waitFor(async () => expect(await seqs()).toEqual([3]), WAIT)
    await vi.waitFor(async () => expect(await nats.waiting(INGEST_STREAM)).toBe(0), WAIT)
    expect(await deadLetters()).toEqual(['refused', 'nonsense'])
    expect(stream.figures.dead).toEqual({ refused: 1, nonsense: 1, crashes: 0 })
  })

  it('asks a tenant to wait who has too much waiting, and not another', async () => {
    const stream = open({ maxWaitingOfTenant: 2 })
    const send = (to: number, firstSeq: number) =>
      stream.take(to, envelopeOf({ gateway: 'mill', firstSeq, values: [1] }))
    await send(tenant, 1)
    await send(tenant, 2)
    await expect(send(tenant, 3)).rejects.toMatchObject({
      code: 'RATE_LIMITED',
      retryable: true,
      context: { retryAfterMs: expect.any(Number) },
    })
    await expect(send(await makeTenant(fixture, 'other'), 1)).resolves.toMatchObject({ accepted: 1 })
    stream.start()
    await vi.waitFor(async () => expect(await send(tenant, 3)).toMatchObject({ accepted: 1 }), WAIT)
    await vi.waitFor(async () => expect(await seqs()).toEqual([1, 2, 3]), WAIT)
    expect(stream.figures.turnedAway).toBeGreaterThan(0)
  })

  it('takes over as quickly as it is told, also where the consumers are there already', async () => {
    const waits = async () => Number((await manager.consumers.info(INGEST_STREAM, consumerOf(0))).config.ack_wait) / 1e6
    for (const ackWaitMs of [600_000, 1500]) {
      const stream = open({ ackWaitMs })
      stream.start()
      await vi.waitFor(async () => expect(await waits()).toBe(ackWaitMs), WAIT)
      await stream.stop()
    }
  })

  it('holds a batch while the database is away, and a gateway can still say hello', async () => {
    const { ingest } = fixture.storage
    let isAway = true
    const guard = <T>(work: () => Promise<T>): Promise<T> =>
      isAway ? Promise.reject(new TelemetryError('UNAVAILABLE', 'away', { retryable: true })) : work()
    const away: IngestPort = {
      take: (...args) => guard(() => ingest.take(...args)),
      hello: (...args) => guard(() => ingest.hello(...args)),
      takeProgram: (...args) => guard(() => ingest.takeProgram(...args)),
    }
    const stream = open({ ingest: away })
    stream.start()
    await stream.hello(tenant, create(HelloSchema, { gateway: 'mill', factory: 'Plant', epoch: 1, version: '9.9' }))
    await stream.take(tenant, envelopeOf({ gateway: 'mill', firstSeq: 1, values: [1] }))
    await stream.take(tenant, envelopeOf({ gateway: 'mill', firstSeq: 2, values: [2] }))
    await vi.waitFor(() => expect(stream.figures.retries).toBeGreaterThan(1), WAIT)
    expect(await seqs()).toEqual([])
    isAway = false
    await vi.waitFor(async () => expect(await seqs()).toEqual([1, 2]), WAIT)
    const gateways = await fixture.database.query('SELECT id, version FROM central.gateway WHERE tenant = $1', [tenant])
    expect(gateways).toEqual([{ id: 'mill', version: '9.9' }])
    expect(stream.figures).toMatchObject({ redelivered: 0, dead: { nonsense: 0 } })
  })
})
