import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openTracing } from '#kit/tracing.ts'
import { TelemetryError } from '#domain/errors.ts'
import { formatTraceparent, newTrace, parseTraceparent } from '#kit/trace-context.ts'
import { OtlpReceiver } from '#test/sim/otlp-receiver.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
let receiver: OtlpReceiver
beforeEach(async () => {
  receiver = await OtlpReceiver.start()
})
afterEach(() => receiver.stop())

const service = { service: 'telemetryx-test', version: '1.2.3' }

describe('traces', () => {
  it('are sent by OTLP, each span under the one that asked for it', async () => {
    const tracing = await openTracing({ endpoint: receiver.endpoint, ...service })
    const sender = newTrace()
    const result = await tracing.span(
      'ingest',
      { kind: 'server', parent: formatTraceparent(sender), attributes: { tenant: 7 } },
      (outer) =>
        tracing.span('transaction', { kind: 'client', parent: outer.traceparent }, (inner) => {
          inner.set('rows', 12)
          return Promise.resolve(inner.traceparent)
        }),
    )
    await tracing.close()
    expect(parseTraceparent(result)?.traceId).toBe(sender.traceId)
    const [inner, outer] = receiver.spans
    expect(outer).toMatchObject({
      service: 'telemetryx-test',
      name: 'ingest',
      kind: 2,
      isError: false,
      traceId: sender.traceId,
      parentSpanId: sender.spanId,
      attributes: { tenant: 7 },
    })
    expect(inner).toMatchObject({
      name: 'transaction',
      kind: 3,
      traceId: sender.traceId,
      parentSpanId: outer!.spanId,
      attributes: { rows: 12 },
    })
  })

  it('begin where nobody has begun one, or with nonsense', async () => {
    const tracing = await openTracing({ endpoint: receiver.endpoint, ...service })
    for (const parent of [null, 'nonsense'])
      await tracing.span('alone', { kind: 'internal', parent }, ({ traceparent }) => {
        expect(parseTraceparent(traceparent)).not.toBeNull()
        return Promise.resolve()
      })
    await tracing.close()
    expect(receiver.spans.map(({ parentSpanId }) => parentSpanId ?? '')).toEqual(['', ''])
  })

  it('are not kept of a trace that its beginner does not keep', async () => {
    const tracing = await openTracing({ endpoint: receiver.endpoint, ...service })
    const parent = formatTraceparent({ ...newTrace(), isSampled: false })
    await tracing.span('unseen', { kind: 'server', parent }, ({ traceparent }) => {
      expect(parseTraceparent(traceparent)).toMatchObject({ isSampled: false })
      return Promise.resolve()
    })
    await tracing.close()
    expect(receiver.spans).toEqual([])
  })

  it('say what failed, and let the error pass', async () => {
    const tracing = await openTracing({ endpoint: receiver.endpoint, ...service })
    const cause = new TelemetryError('UNAVAILABLE', 'away')
    const failing = tracing.span('ingest', { kind: 'server', parent: null }, () => Promise.reject(cause))
    await expect(failing).rejects.toBe(cause)
    await tracing.close()
    expect(receiver.spans).toMatchObject([{ isError: true, attributes: { 'error.type': 'UNAVAILABLE' } }])
  })

  it('hold up nobody when their receiver is away', async () => {
    const { endpoint } = receiver
    await receiver.stop()
    const tracing = await openTracing({ endpoint, ...service })
    for (let span = 0; span < 10_000; span++)
      await tracing.span('unheard', { kind: 'internal', parent: null }, () => Promise.resolve())
    await tracing.close()
    receiver = await OtlpReceiver.start()
  })

  it('load nothing of OpenTelemetry while there is nowhere to send them to', async () => {
    const program = (endpoint: string | null): string => `
      import { openTracing } from '#kit/tracing.ts'
      import { registerHooks } from 'node:module'
      const loaded = []
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
      const tracing = await openTracing({ endpoint: ${JSON.stringify(endpoint)}, service: 'x', version: '1' })
      const parent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
      const passed = await tracing.span('x', { kind: 'internal', parent }, async ({ traceparent }) => traceparent)
      await tracing.close()
      console.log(JSON.stringify({ passedOn: passed === parent, count: loaded.filter((url) => url.includes('opentelemetry')).length }))`
    const run = async (endpoint: string | null): Promise<unknown> => {
      const args = ['--input-type=module', '-e', program(endpoint)]
      const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root })
      return JSON.parse(stdout)
    }
    expect(await run(null)).toEqual({ passedOn: true, count: 0 })
    expect(await run(receiver.endpoint)).toEqual({ passedOn: false, count: expect.toSatisfy((n: number) => n > 5) })
  })
})
