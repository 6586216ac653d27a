// What uplinks tell of their deliveries: one span each, under the records' own place, with what happened on the way.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { traceOfRecords } from '#kit/trace-context.ts'
import { openTracing } from '#kit/tracing.ts'
import { OtlpReceiver, type ReceivedSpan } from '#test/sim/otlp-receiver.ts'
import { centralUplink } from '#uplinks/central/kind.ts'
import { RecordTraces } from '#uplinks/record-traces.ts'
import { problem, ScriptedCentral, type Script } from './central/scripted-central.ts'
import { delivery, MODEL, never } from './grpc/bed.ts'

const EPOCH = 7

/** What takes long is a machine with much else to do. */
vi.setConfig({ testTimeout: 120_000 })

describe('deliveries', () => {
  let receiver: OtlpReceiver
  let central: ScriptedCentral

  beforeEach(async () => {
    receiver = await OtlpReceiver.start()
    central = await ScriptedCentral.start()
  })
  afterEach(async () => {
    await central.close()
    await receiver.stop()
  })

  /** What `work` sent, once the process has let go of it. */
  async function traced(work: (traces: RecordTraces) => Promise<void>): Promise<readonly ReceivedSpan[]> {
    const tracing = await openTracing({ endpoint: receiver.endpoint, service: 'telemetryx-gateway', version: '1' })
    await work(new RecordTraces({ clock: systemClock, tracing, gateway: 'edge-01' }))
    await tracing.close()
    return receiver.spans
  }

  async function toCentral(traces: RecordTraces, positions: readonly number[], config: object = {}): Promise<void> {
    const connection = centralUplink.open(
      { id: 'hq', config: { url: central.url, ...config }, gateway: 'edge-01', factory: 'Plant A' },
      {
        log: silentLogger,
        model: () => MODEL,
        lost: () => {},
        epoch: EPOCH,
        version: '1',
        trace: (one, attributes, send) => traces.deliver({ delivery: one, uplink: 'hq' }, attributes, send),
      },
    )
    await connection.connect(never)
    for (const first of positions) await connection.deliver(await delivery(EPOCH, 2, first), never)
    await connection.close()
  }

  function ingest(script: Script): void {
    central.script = (seen, response) => seen.path.endsWith('/ingest') && script(seen, response, central)
  }

  it('stand under the place of their records, which is told once for 4096 positions', async () => {
    const spans = await traced((traces) => toCentral(traces, [1, 3, 4095, 4097]))
    const [first, second] = [1, 4096].map((seq) => traceOfRecords('edge-01', EPOCH, seq))
    const of = (traceId: string) => spans.filter((span) => span.traceId === traceId)
    expect(of(first!.traceId).map(({ name }) => name)).toEqual(['records', 'deliver', 'deliver', 'deliver'])
    expect(of(second!.traceId).map(({ name }) => name)).toEqual(['records', 'deliver'])
    for (const span of of(first!.traceId).slice(1)) expect(span.parentSpanId).toBe(first!.spanId)
    const [records, deliver] = of(first!.traceId)
    expect(records).toMatchObject({ spanId: first!.spanId, startedAt: Date.UTC(2026, 10, 20) })
    expect(records!.endedAt).toBeGreaterThanOrEqual(records!.startedAt)
    expect(deliver).toMatchObject({
      kind: 3,
      attributes: {
        'telemetryx.gateway': 'edge-01',
        'telemetryx.uplink': 'hq',
        'telemetryx.lane': 'inOrder',
        'telemetryx.records': 2,
        'telemetryx.position': `${EPOCH}/1`,
        'telemetryx.refused': 0,
        'http.response.status_code': 202,
      },
    })
    // What central is told to go on from.
    const [sent] = central.ingests()
    expect(sent!.headers['traceparent']).toBe(`00-${first!.traceId}-${deliver!.spanId}-01`)
  })

  it('tell of waits and of what was sent again', async () => {
    let asked = 0
    ingest(({ headers }, response) => {
      if ('content-encoding' in headers) return problem(response, 415, 'zstd?')
      asked += 1
      return asked === 1 && problem(response, 429, 'Too fast', { 'Retry-After': '0' })
    })
    const spans = await traced((traces) => toCentral(traces, [1]))
    const deliveries = spans.filter(({ name }) => name === 'deliver')
    expect(deliveries).toHaveLength(1)
    expect(deliveries[0]).toMatchObject({ isError: false, events: ['again without compression', 'wait'] })
  })

  it('that fail say why, and the error passes', async () => {
    ingest((_seen, response) => problem(response, 503, 'Maintenance'))
    const spans = await traced((traces) => expect(toCentral(traces, [1])).rejects.toMatchObject({ retryable: true }))
    expect(spans.filter(({ name }) => name === 'deliver')).toMatchObject([
      { isError: true, attributes: { 'error.type': 'CONNECTION_FAILED' } },
    ])
  })

  it('of which one record is refused show the requests that found it', async () => {
    let asked = 0
    ingest((_seen, response) => {
      asked += 1
      return asked === 1 && problem(response, 422, 'One of them is wrong')
    })
    const spans = await traced((traces) => toCentral(traces, [1]))
    expect(spans.filter(({ name }) => name === 'deliver').map(({ isError }) => isError)).toEqual([true, false, false])
  })

  it('go on untouched while nobody receives the traces', async () => {
    const { endpoint } = receiver
    await receiver.stop()
    const tracing = await openTracing({ endpoint, service: 'telemetryx-gateway', version: '1' })
    const traces = new RecordTraces({ clock: systemClock, tracing, gateway: 'edge-01' })
    await toCentral(
      traces,
      Array.from({ length: 50 }, (_, n) => 1 + 2 * n),
    )
    await tracing.close()
    expect(new Set(central.ids).size).toBe(100)
    receiver = await OtlpReceiver.start()
  })
})
