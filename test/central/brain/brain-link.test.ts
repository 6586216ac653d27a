// A brain by hand, over real gRPC: one that takes too long, one that refuses, and what central makes of it.

import { Metadata, status, type handleUnaryCall, type ServiceError } from '@grpc/grpc-js'
import { create } from '@bufbuild/protobuf'
import { service as healthService } from 'grpc-health-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { BrainLink } from '#central/brain/brain-link.ts'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { noTracing } from '#kit/tracing.ts'
import { rpcAddress } from '#rpc/client.ts'
import {
  AnalyticsService,
  DetectAnomaliesRequestSchema,
  DetectAnomaliesResponseSchema,
} from '#rpc/generated/telemetryx/v1/analytics_pb.js'
import { RpcServer } from '#rpc/server.ts'
import { serviceDefinition } from '#rpc/service-definition.ts'

const { detectAnomalies } = serviceDefinition(AnalyticsService)
const request = create(DetectAnomaliesRequestSchema)
const AT_ONCE = 60_000

vi.setConfig({ testTimeout: 120_000 })

let clock: ManualClock
let server: RpcServer
let port: number
let seen: Metadata[]
let answer: handleUnaryCall<unknown, unknown>
/** null: no answer comes. */
let health: 'SERVING' | 'NOT_SERVING' | null

beforeEach(async () => {
  clock = new ManualClock()
  server = new RpcServer({ tls: null })
  seen = []
  server.grpc.addService(
    { detectAnomalies },
    {
      detectAnomalies: ((call, callback) => {
        seen.push(call.metadata)
        answer(call, callback)
      }) satisfies handleUnaryCall<unknown, unknown>,
    },
  )
  health = 'SERVING'
  const check: handleUnaryCall<unknown, unknown> = (_call, callback) => {
    if (health !== null) callback(null, { status: health })
  }
  server.grpc.addService(healthService, { Check: check, Watch: () => {} })
  port = await server.listen('127.0.0.1', 0)
})
afterEach(() => server.stop(AbortSignal.abort()))

async function withLink(
  timeoutMs: number,
  work: (link: BrainLink) => Promise<void>,
  lookTimeoutMs = AT_ONCE,
): Promise<void> {
  const client = {
    address: rpcAddress(`127.0.0.1:${port}`, false),
    tls: null,
    token: null,
    keepaliveMs: 0,
    keepaliveTimeoutMs: 0,
  }
  const tools = { clock, log: silentLogger, tracing: noTracing, random: () => 0.5 }
  const link = new BrainLink({ ...tools, client, timeoutMs, lookTimeoutMs })
  try {
    await work(link)
  } finally {
    link.stop()
  }
}

const call = (link: BrainLink, ask = {}) =>
  link.call(detectAnomalies, request, { token: null, traceparent: null, ...ask })

const refuse = (code: number, details: string, more = new Metadata()): void => {
  answer = (_call, callback) => callback({ code, details, metadata: more } as ServiceError)
}

describe('a brain that', () => {
  it('answers is shown the token and the trace of this very question', async () => {
    answer = (_call, callback) => callback(null, create(DetectAnomaliesResponseSchema, { found: 3n }))
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    await withLink(AT_ONCE, async (link) => {
      expect(link.isUp).toBeNull()
      expect((await call(link, { token: 'first', traceparent })).found).toBe(3n)
      await call(link, { token: 'second' })
      await call(link)
      expect(link.isUp).toBe(true)
    })
    expect(seen.map((metadata) => [metadata.get('authorization'), metadata.get('traceparent')])).toEqual([
      [['Bearer first'], [traceparent]],
      [['Bearer second'], []],
      [[], []],
    ])
  })

  it('is there and takes too long is not away: questions of others go on', async () => {
    answer = () => {} // never
    await withLink(50, async (link) => {
      for (let n = 0; n < 5; n++) await expect(call(link)).rejects.toMatchObject({ code: 'TIMEOUT', retryable: true })
      expect([link.breaker, link.isUp]).toEqual(['closed', true])
    })
  })

  it('takes too long and does not answer a look either is away', async () => {
    answer = () => {} // never
    health = null
    const work = async (link: BrainLink): Promise<void> => {
      for (let n = 0; n < 3; n++) await expect(call(link)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
      expect([link.breaker, link.isUp]).toEqual(['open', false])
    }
    await withLink(50, work, 50)
  })

  it('is looked after is found when it comes back', async () => {
    health = 'NOT_SERVING'
    await withLink(AT_ONCE, async (link) => {
      link.start()
      await vi.waitFor(() => expect(link.isUp).toBe(false), AT_ONCE)
      health = 'SERVING'
      await vi.waitFor(async () => {
        await clock.advance(2000)
        expect([link.isUp, link.breaker]).toEqual([true, 'closed'])
      }, AT_ONCE)
    })
  })

  it('refuses what is asked says so by the names of the query', async () => {
    refuse(status.INVALID_ARGUMENT, 'detector.isolation_forest.sample_size: must be 2 to 4096; series: is empty')
    await withLink(AT_ONCE, async (link) => {
      await expect(call(link)).rejects.toMatchObject({
        code: 'INVALID_REQUEST',
        errors: [
          { path: 'query.sampleSize', message: 'must be 2 to 4096' },
          { path: 'query.series', message: 'is empty' },
        ],
      })
      refuse(status.RESOURCE_EXHAUSTED, 'The request has 10000 values, at most 500 are taken at once')
      await expect(call(link)).rejects.toMatchObject({ code: 'INVALID_REQUEST', errors: [{ path: 'query.from' }] })
    })
  })

  it.each([
    [status.UNAUTHENTICATED, 'REJECTED'],
    [status.PERMISSION_DENIED, 'REJECTED'],
    [status.UNIMPLEMENTED, 'REJECTED'],
  ])('refuses who asks (%s) is not away', async (code, expected) => {
    refuse(code, 'no')
    await withLink(AT_ONCE, async (link) => {
      for (let n = 0; n < 5; n++) await expect(call(link)).rejects.toMatchObject({ code: expected, retryable: false })
      expect([link.breaker, link.isUp]).toEqual(['closed', true])
    })
  })

  it('has too much to do says when to come again', async () => {
    const details = new Metadata()
    details.set('grpc-status-details-bin', Buffer.from([8, 8]))
    refuse(status.RESOURCE_EXHAUSTED, 'Too many analyses wait', details)
    await withLink(AT_ONCE, (link) =>
      expect(call(link)).rejects.toMatchObject({ code: 'BUFFER_FULL', retryable: true }),
    )
  })

  it('has a fault of its own is there; a connection that breaks is not', async () => {
    const known = new Metadata()
    known.set('x-request-id', 'one')
    refuse(status.INTERNAL, 'A fault in TelemetryX itself', known)
    await withLink(AT_ONCE, async (link) => {
      await expect(call(link)).rejects.toMatchObject({ code: 'REJECTED' })
      expect(link.isUp).toBe(true)
      refuse(status.INTERNAL, 'Received RST_STREAM')
      for (let n = 0; n < 3; n++) await expect(call(link)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
      expect([link.breaker, link.isUp]).toEqual(['open', false])
      const before = seen.length
      await expect(call(link)).rejects.toMatchObject({
        code: 'UNAVAILABLE',
        context: { retryAfterMs: expect.any(Number) as number },
      })
      expect(seen).toHaveLength(before)
    })
  })
})
