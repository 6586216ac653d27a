// A gateway, central and the brain, each in a process of its own, and a receiver of traces: one trace through all three, each span
// under the one that asked for it.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { formatTraceparent, newTrace, traceOfRecords } from '#kit/trace-context.ts'
import { startGatewayProcess } from '#test/cli/gateway-process.ts'
import { OtlpReceiver } from '#test/sim/otlp-receiver.ts'
import { hasPostgres, startPostgres } from '#test/sim/postgres.ts'
import { RoleProcess } from './role-process.ts'

const WAIT = { timeout: 60_000, interval: 100 }
const DETECT = 'telemetryx.v1.AnalyticsService/DetectAnomalies'
const JSON_BODY = { 'content-type': 'application/json' }

/** A key for the gateway, and the administrator's session, by the one-time link. */
async function enter({ api, setup }: RoleProcess['addresses']): Promise<{ cookie: string; key: string }> {
  const token = new URL(setup!).hash.replace('#token=', '')
  const ask = async (path: string, body: object, headers: object = {}): Promise<Response> => {
    const options = { method: 'POST', headers: { ...JSON_BODY, ...headers }, body: JSON.stringify(body) }
    const answer = await fetch(`${api}/${path}`, options)
    expect(answer.status).toBe(201)
    return answer
  }
  const tenant = { id: 'north', name: 'North' }
  const session = await ask('setup', { token, name: 'shift-lead', password: 'a long password', tenant })
  const cookie = session.headers.get('set-cookie')!.split(';')[0]!
  const answer = await ask('keys', { name: 'edge-01', scopes: ['ingest'], gateway: 'edge-01' }, { cookie })
  return { cookie, ...((await answer.json()) as { key: string }) }
}

it.skipIf(!hasPostgres)(
  'gateway, central and brain as processes put the same records into one trace (needs postgresql)',
  { timeout: 240_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'telemetryx-trace-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const receiver = await OtlpReceiver.start()
    onTestFinished(() => receiver.stop())
    const postgres = await startPostgres()
    onTestFinished(() => postgres.stop())
    const file = (name: string, yaml: string): string => {
      writeFileSync(join(folder, name), yaml)
      return join(folder, name)
    }
    const traces = `opentelemetry: { endpoint: '${receiver.endpoint}' }\n`
    const database = `databaseUrl: "${postgres.url}"\n`
    const start = async (role: 'brain' | 'central', yaml: string): Promise<RoleProcess> => {
      const process = await RoleProcess.start(role, file(`${role}.yaml`, `version: 1\n${database}${traces}${yaml}`))
      onTestFinished(() => process.end('SIGKILL'))
      return process
    }
    const brain = await start('brain', `data: ./brain\nlisten: { port: 0 }\nhttp: { port: 0 }\n`)
    const brainPort = /(\d+)$/.exec(String(brain.addresses.grpc))![1]!
    const asked = `brain: { url: "127.0.0.1:${brainPort}" }\n`
    const central = await start('central', `data: ./central\nhttp: { port: 0 }\ngrpc: { port: 0 }\n${asked}`)
    const { cookie, key } = await enter(central.addresses)
    const gateway = await startGatewayProcess(
      file(
        'gateway.yaml',
        `version: 1\ngateway: { id: edge-01, factory: Plant A }\ndata: ./gateway\nhttp: { port: 0, auth: none }\n${traces}` +
          `devices:\n  - { id: apps, driver: http, sensors: [ { id: jobs, field: jobs } ] }\n` +
          `uplinks:\n  - { id: central, type: central, url: "${central.addresses.api!.replace('/api/v1', '')}", token: "${key}" }\n` +
          `  - { id: central-grpc, type: grpc, url: "127.0.0.1:${central.addresses.grpc}", token: "${key}" }\n` +
          `  - { id: brain, type: grpc, url: "127.0.0.1:${brainPort}" }\n`,
      ),
    )
    const body = JSON.stringify({ readings: [1, 2, 3].map((value) => ({ sensor: 'jobs', value })) })
    const handed = await fetch(`${gateway.url}/api/v1/ingest/apps`, { method: 'POST', headers: JSON_BODY, body })
    expect(handed.status).toBe(202)

    const { spanId, traceId } = traceOfRecords('edge-01', 1, 1)
    const spans = () => receiver.spans.filter((span) => span.traceId === traceId)
    const delivered = (uplink: string) =>
      spans().filter(({ attributes, name }) => name === 'deliver' && attributes['telemetryx.uplink'] === uplink)
    const under = (parents: readonly { spanId: string }[], name: string) =>
      spans().filter((span) => span.name === name && parents.some((parent) => parent.spanId === span.parentSpanId))
    await vi.waitFor(() => {
      const root = spans().filter((span) => span.name === 'records')
      expect(root).toMatchObject([{ service: 'telemetryx-gateway', spanId }])
      expect(root[0]!.parentSpanId ?? '').toBe('')
      for (const uplink of ['central', 'central-grpc', 'brain'])
        expect(delivered(uplink)[0]).toMatchObject({ service: 'telemetryx-gateway', kind: 3, parentSpanId: spanId })
      const ingest = under(delivered('central'), 'ingest')
      expect(ingest[0]).toMatchObject({ service: 'telemetryx-central', kind: 2 })
      expect(under(ingest, 'transaction')[0]).toMatchObject({ service: 'telemetryx-central' })
      // A stream has one header for many batches: there the records' own place is the parent.
      expect(under(root, 'ingest')[0]).toMatchObject({ service: 'telemetryx-central' })
      expect(under(root, 'judge')[0]).toMatchObject({ service: 'telemetryx-brain', kind: 2 })
    }, WAIT)

    // Every parent in the trace is a span that was sent: nothing hangs in the air.
    const known = new Set(spans().map((span) => span.spanId))
    expect(spans().filter((span) => (span.parentSpanId ?? '') !== '' && !known.has(span.parentSpanId!))).toEqual([])
    const [delivery] = delivered('central')
    expect(delivery!.attributes).toMatchObject({
      'telemetryx.gateway': 'edge-01',
      'telemetryx.lane': 'inOrder',
      'http.response.status_code': 202,
      'telemetryx.refused': 0,
    })
    expect(delivery!.isError).toBe(false)
    await gateway.end('SIGTERM')

    // What somebody asks of central, and central of the brain for it, stands in the trace of whoever asks.
    const ask = async (traceparent: string): Promise<number> => {
      const url = `${central.addresses.api}/sensors/apps.jobs/anomalies?method=zscore&scores=true`
      return (await fetch(url, { headers: { cookie, traceparent } })).status
    }
    const own = newTrace()
    await vi.waitFor(async () => expect(await ask(formatTraceparent(own))).toBe(200), WAIT)
    const named = (service: string, name: string, parent: string | undefined) =>
      receiver.spans.find(
        (span) =>
          span.traceId === own.traceId &&
          span.service === service &&
          span.name === name &&
          span.parentSpanId === parent,
      )
    await vi.waitFor(() => {
      const request = named('telemetryx-central', 'GET /api/v1/sensors/:id/anomalies', own.spanId)
      const call = named('telemetryx-central', DETECT, request!.spanId)
      expect(named('telemetryx-brain', DETECT, call!.spanId)).toMatchObject({ kind: 2, isError: false })
    }, WAIT)

    // And so do the lines that central writes into its log about it.
    await brain.end('SIGKILL')
    const second = newTrace()
    expect(await ask(formatTraceparent(second))).toBe(503)
    await vi.waitFor(() => {
      const lines = central.log.map((line) => JSON.parse(line) as { trace_id?: string; span_id?: string; msg: string })
      const traced = lines.filter((line) => line.trace_id === second.traceId)
      expect(traced.map(({ msg }) => msg)).toContain('A request could not be answered')
      for (const line of traced) expect(line.span_id).toMatch(/^[0-9a-f]{16}$/)
      expect(lines.find(({ msg }) => msg === 'The API listens')).not.toHaveProperty('trace_id')
    }, WAIT)
  },
)
