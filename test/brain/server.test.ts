import { readFileSync } from 'node:fs'
import { Client, credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js'
import { service as healthService } from 'grpc-health-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { create } from '@bufbuild/protobuf'
import { withDeadlines } from '#brain/rpc/observing.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { RpcClient, rpcAddress } from '#rpc/client.ts'
import {
  EvaluateRequestSchema,
  EvaluateResponseSchema,
  ListRulesRequestSchema,
  RulesService,
} from '#rpc/generated/telemetryx/v1/rules_pb.js'
import { RpcServer } from '#rpc/server.ts'
import { serviceDefinition } from '#rpc/service-definition.ts'
import { hasOpenssl, makeCertificates } from '#test/uplinks/mqtt/certificates.ts'
import { BrainBed, RulesClient, TOKENS } from './brain-bed.ts'

const WAIT = { timeout: 60_000, interval: 20 }
const rules = serviceDefinition(RulesService)

describe.skipIf(!hasOpenssl)('Over TLS (needs openssl)', () => {
  const certificates = hasOpenssl ? makeCertificates() : null!
  const tls = {
    cert: hasOpenssl ? certificates.path('broker.pem') : '',
    key: hasOpenssl ? certificates.path('broker.key') : '',
    clientCa: hasOpenssl ? certificates.path('ca.pem') : '',
  }
  const bed = new BrainBed({ tls })
  beforeAll(() => bed.start())
  afterAll(() => bed.close())

  function client(files: { cert: string; key: string } | null): RulesClient {
    const pem = (name: string) => readFileSync(certificates.path(name))
    return new RulesClient(
      new RpcClient({
        address: rpcAddress(`grpcs://127.0.0.1:${bed.brain.ports.grpc}`, true),
        tls: {
          ca: pem('ca.pem'),
          cert: files && pem(files.cert),
          key: files && pem(files.key),
          rejectUnauthorized: true,
        },
        token: TOKENS.engineer,
        keepaliveMs: 0,
        keepaliveTimeoutMs: 0,
      }),
    )
  }

  it('serves clients with a certificate of its authority, and no others', async () => {
    expect((await client({ cert: 'client.pem', key: 'client.key' }).list()).rules).toEqual([])
    await expect(client(null).list()).rejects.toMatchObject({ code: status.UNAVAILABLE })
    await expect(client({ cert: 'stranger.pem', key: 'stranger.key' }).list()).rejects.toMatchObject({
      code: status.UNAVAILABLE,
    })
  })
})

describe('A call', () => {
  const bed = new BrainBed()
  beforeAll(() => bed.start())
  afterAll(() => bed.close())

  function list(metadata: Metadata): Promise<{ answer: Metadata; error: ServiceError | null }> {
    const client = new Client(`127.0.0.1:${bed.brain.ports.grpc}`, credentials.createInsecure())
    const { path, requestSerialize, responseDeserialize } = rules.listRules
    return new Promise((resolve) => {
      let answer = new Metadata()
      const request = create(ListRulesRequestSchema)
      client
        .makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, (error) => {
          resolve({ answer, error })
          client.close()
        })
        .on('metadata', (headers: Metadata) => (answer = headers))
    })
  }

  it('keeps the request id that it brings, and gets one when it brings none', async () => {
    const metadata = new Metadata()
    metadata.set('authorization', `Bearer ${TOKENS.viewer}`)
    metadata.set('x-request-id', 'mine-1')
    expect((await list(metadata)).answer.get('x-request-id')).toEqual(['mine-1'])
    metadata.remove('x-request-id')
    expect(String((await list(metadata)).answer.get('x-request-id')[0])).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('has the request id also when it is refused', async () => {
    const metadata = new Metadata()
    metadata.set('x-request-id', 'mine-2')
    const { error } = await list(metadata)
    expect([error?.code, error?.metadata.get('x-request-id')]).toEqual([status.UNAUTHENTICATED, ['mine-2']])
  })

  it('without a deadline gets one', async () => {
    const clock = new ManualClock()
    const server = new RpcServer({ tls: null, interceptors: [withDeadlines(clock, 5000)] })
    let asked = 0
    const answers: (() => void)[] = []
    server.grpc.addService(
      { evaluate: rules.evaluate },
      {
        evaluate: (_call: unknown, done: (error: null, answer: unknown) => void) => {
          asked += 1
          answers.push(() => done(null, create(EvaluateResponseSchema)))
        },
      },
    )
    const port = await server.listen('127.0.0.1', 0)
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
    const { path, requestSerialize, responseDeserialize } = rules.evaluate
    const failed = new Promise<ServiceError | null>((resolve) => {
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, create(EvaluateRequestSchema), (error) =>
        resolve(error),
      )
    })
    await vi.waitFor(() => expect(asked).toBe(1), WAIT)
    await clock.advance(5001)
    expect((await failed)?.code).toBe(status.DEADLINE_EXCEEDED)
    answers[0]!() // late: nobody is there any more
    client.close()
    await server.stop(AbortSignal.abort())
  })
})

describe('A stop', () => {
  it('acknowledges what is under way, tells the health, and ends streams so that they come again', async () => {
    const bed = await new BrainBed().start()
    const line = bed.line()
    line.hello('draining')
    await vi.waitFor(() => expect(line.received).toHaveLength(1), WAIT)
    // One that watches has no end of its own: the stop must not wait for it.
    const health = new Client(`127.0.0.1:${bed.brain.ports.grpc}`, credentials.createInsecure())
    const { path, requestSerialize, responseDeserialize } = healthService['Watch']!
    const states: string[] = []
    const watching = health.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service: '' })
    watching.on('data', ({ status: state }: { status: string }) => states.push(state))
    watching.on('error', () => {})
    await vi.waitFor(() => expect(states).toEqual(['SERVING']), WAIT)
    for (let seq = 1; seq <= 20; seq++) line.readings(seq, [seq])
    await vi.waitFor(() => expect(line.acknowledged.length).toBeGreaterThan(0), WAIT)
    const stopped = bed.close()
    await vi.waitFor(() => expect(line.error?.code).toBe(status.UNAVAILABLE), WAIT)
    await stopped
    expect(states).toEqual(['SERVING', 'NOT_SERVING'])
    health.close()
  })
})
