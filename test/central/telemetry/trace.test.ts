import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { positionOf } from '#central/telemetry/batch-position.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { traceOfRecords } from '#kit/trace-context.ts'
import { hasNats, startNats, type NatsServer } from '#test/sim/nats.ts'
import { OtlpReceiver } from '#test/sim/otlp-receiver.ts'
import { hasPostgres } from '#test/sim/postgres.ts'
import { centralUplink } from '#uplinks/central/kind.ts'
import { BrainBed, TOKENS } from '../../brain/brain-bed.ts'
import { delivery, MODEL, never, openUplink } from '../../uplinks/grpc/bed.ts'
import { CentralPeer } from '../api/central-peer.ts'
import { envelopeOf } from '../stream/batches.ts'

const WAIT = { timeout: 30_000, interval: 50 }
const EPOCH = 7

describe('the position of a batch', () => {
  it('is that of its first record', () => {
    const { batch } = envelopeOf({ gateway: 'mill', epoch: 3, firstSeq: 4711, values: [1, 'two', 3] })
    expect(positionOf(batch)).toEqual({ epoch: 3, seq: 4711 })
  })

  it('is none when the bytes make no sense', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const position = positionOf(bytes)
        if (position !== null) expect(position.epoch > 0 && position.seq > 0).toBe(true)
      }),
    )
    expect(positionOf(new Uint8Array())).toBeNull()
    expect(positionOf(Buffer.from('nonsense'))).toBeNull()
  })
})

describe.skipIf(!hasNats || !hasPostgres)('one trace (needs nats-server, postgresql)', () => {
  let receiver: OtlpReceiver
  let nats: NatsServer
  let central: CentralPeer
  let brain: BrainBed
  let key: string

  beforeAll(async () => {
    ;[receiver, nats] = await Promise.all([OtlpReceiver.start(), startNats()])
    const yaml = `nats: { urls: ['${nats.url}'], partitions: 2 }\nopentelemetry: { endpoint: '${receiver.endpoint}' }`
    central = await CentralPeer.start({ yaml })
    brain = await new BrainBed({ traceEndpoint: receiver.endpoint }).start()
    key = await central.keyFor(await central.setUp(), 'north', ['ingest'])
  }, 90_000)

  afterAll(async () => {
    await brain.close()
    await central.stop()
    await nats.stop()
    await receiver.stop()
  })

  it('follows records from the gateway through central, its stream and its database, and to the brain', async () => {
    const toCentral = centralUplink.open(
      { id: 'central', config: { url: central.url, token: key }, gateway: 'edge-01', factory: 'Plant A' },
      { log: silentLogger, model: () => MODEL, lost: () => {}, epoch: EPOCH, version: '1', notify: () => {} },
    )
    const url = `127.0.0.1:${brain.brain.ports.grpc}`
    const toBrain = openUplink({ config: { url, token: TOKENS.gateway } }).connection
    for (const connection of [toCentral, toBrain]) {
      await connection.connect(never)
      expect(await connection.deliver(await delivery(EPOCH, 20), never)).toEqual({ rejected: [] })
      await connection.close()
    }

    const { spanId, traceId } = traceOfRecords('edge-01', EPOCH, 1)
    const spans = () => receiver.spans.filter((span) => span.traceId === traceId)
    const named = (name: string) => spans().find((span) => span.name === name)
    await vi.waitFor(() => {
      const names = spans().map(({ name, service }) => `${service} ${name}`)
      const steps = ['ingest', 'stream publish', 'stream receive', 'transaction'].map(
        (step) => `telemetryx-central ${step}`,
      )
      expect(names).toEqual(expect.arrayContaining([...steps, 'telemetryx-brain judge']))
    }, WAIT)
    // Each under the one before it; the gateway itself sends no spans, only its place in the trace.
    expect(named('ingest')!.parentSpanId).toBe(spanId)
    expect(named('stream publish')!.parentSpanId).toBe(named('ingest')!.spanId)
    expect(named('stream receive')!.parentSpanId).toBe(named('stream publish')!.spanId)
    expect(named('transaction')!.parentSpanId).toBe(named('stream receive')!.spanId)
    expect(named('transaction')!.attributes).toMatchObject({
      'telemetryx.accepted': 20,
      'telemetryx.gateway': 'edge-01',
    })
    expect(named('judge')!.parentSpanId).toBe(spanId)
    expect(named('judge')!.attributes).toMatchObject({ 'telemetryx.accepted': 20 })
  })

  it('is that of whoever sends, when it says one', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    const answer = await central.ask('ingest', {
      key,
      headers: { traceparent },
      body: {
        gateway: 'mill',
        dictionary: { sensors: [{ number: 0, id: 'mill-1.power', valueType: 'VALUE_TYPE_NUMBER' }] },
        batch: {
          epoch: 1,
          lastSeq: '1',
          blocks: [{ firstSeq: '1', sensors: [0], receivedAtMs: String(systemClock.now()), numbers: [21.5] }],
        },
      },
    })
    expect(answer).toMatchObject({ status: 202 })
    await vi.waitFor(() => {
      const ours = receiver.spans.filter(({ traceId }) => traceId === traceparent.slice(3, 35))
      expect(ours.map(({ name }) => name)).toEqual(expect.arrayContaining(['ingest', 'stream publish', 'transaction']))
      expect(ours.find(({ name }) => name === 'ingest')!.parentSpanId).toBe('00f067aa0ba902b7')
    }, WAIT)
  })
})
