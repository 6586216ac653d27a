// What gateways ask of central beside handing in records (src/uplinks/central): to be registered, and whether there is a
// configuration for them; and what became of one.

import { fromJson, type JsonValue as ProtoJson } from '@bufbuild/protobuf'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { invalid } from '#api/problem.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { JsonValue } from '#domain/value.ts'
import { HelloSchema } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import type { CentralContext, CentralServer } from '../api/context.ts'
import { callerOf } from '../api/guard.ts'
import { IdSchema, tenantOf } from '../api/request-parts.ts'
import { checkSensors } from '../api/routes/ingest-request.ts'
import { keepPlan } from './plans.ts'

const MAX_PROBLEMS = 50
const config = { permission: 'ingest', audit: false, isBulk: true } as const
const GatewayParams = Type.Object({ id: IdSchema })

/** Throws PERMISSION_DENIED when the caller's key is for another gateway. */
export function requireGateway(request: FastifyRequest, gateway: string): void {
  const caller = callerOf(request)
  if (caller.via !== 'key' || caller.gateway === null || caller.gateway === gateway) return
  throw new TelemetryError('PERMISSION_DENIED', `This key is for ${caller.gateway} only`)
}

export function registerGatewayRoutes(app: CentralServer, context: CentralContext): void {
  registerHello(app, context)
  registerOffer(app, context)
  registerReport(app, context)
}

function registerHello(app: CentralServer, { options }: CentralContext): void {
  app.put(
    '/gateways/:id',
    {
      config,
      bodyLimit: options.http.limits.maxBodyBytes,
      schema: {
        tags: ['ingest'],
        summary: 'Register a gateway and its sensors',
        params: GatewayParams,
        body: Type.Unsafe<unknown>({ type: 'object', description: 'telemetryx.v1.Hello as JSON (proto3).' }),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      requireGateway(request, id)
      const hello = helloIn(request.body)
      if (hello.gateway !== id) throw invalid('body.gateway', `must be ${id}, as in the path`)
      await options.ingest.hello(tenantOf(request), hello)
      return reply.code(204).send(null)
    },
  )
}

function helloIn(body: unknown) {
  try {
    checkSensors(body as ProtoJson)
    return fromJson(HelloSchema, body as ProtoJson, { ignoreUnknownFields: true })
  } catch (cause) {
    throw invalid('body', `is no telemetryx.v1.Hello: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}

function registerOffer(app: CentralServer, { options: { storage } }: CentralContext): void {
  app.get(
    '/gateways/:id/configuration',
    {
      config,
      schema: {
        tags: ['ingest'],
        summary: 'The configuration that is offered to a gateway; If-None-Match: the revision that it has taken',
        params: GatewayParams,
        response: {
          200: Type.Object({
            revision: Type.String(),
            text: Type.String(),
            comment: Type.Union([Type.String(), Type.Null()]),
          }),
          204: Type.Null({ description: 'Nothing was offered.' }),
          304: Type.Null({ description: 'Nothing new.' }),
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      requireGateway(request, id)
      const tenant = tenantOf(request)
      await storage.gateways.seen(tenant, id)
      const offer = await storage.gateways.offered(tenant, id)
      if (offer === null) return reply.code(204).send(null)
      const etag = JSON.stringify(offer.revision)
      reply.header('etag', etag)
      if (request.headers['if-none-match'] === etag) return reply.code(304).send(null)
      const { comment, revision, text } = offer
      return { revision, text, comment }
    },
  )
}

const ReportBody = Type.Object({
  state: Type.Enum(['applying', 'watched', 'kept', 'replaced', 'rolledBack', 'failed']),
  number: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]),
  reason: Type.Union([Type.String({ maxLength: 4000 }), Type.Null()]),
  problems: Type.Array(Type.Record(Type.String(), Type.Unknown())),
  plan: Type.Optional(
    Type.Union([
      Type.Object({ summary: Type.String(), lines: Type.Array(Type.String(), { maxItems: 10_000 }) }),
      Type.Null(),
    ]),
  ),
})

function registerReport(app: CentralServer, { options: { log, storage } }: CentralContext): void {
  app.put(
    '/gateways/:id/configuration/:revision',
    {
      config,
      schema: {
        tags: ['ingest'],
        summary: 'What has become of an offered configuration',
        params: Type.Object({ id: IdSchema, revision: Type.String({ pattern: '^[A-Za-z0-9_.:-]{1,100}$' }) }),
        body: ReportBody,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { id, revision } = request.params
      requireGateway(request, id)
      const tenant = tenantOf(request)
      const { number, plan, reason, state } = request.body
      const problems = request.body.problems.slice(0, MAX_PROBLEMS).map(plainProblem)
      await storage.gateways.report(tenant, id, revision, { state, number, reason, problems })
      if (plan) await keepPlan(storage.tenancy, tenant, { gateway: id, name: revision }, plan)
      log.info({ tenant, gateway: id, revision, state, reason }, 'A gateway told of its configuration')
      return reply.code(204).send(null)
    },
  )
}

/** Words and numbers only: what stands there is shown to people. */
function plainProblem(problem: Record<string, unknown>): Record<string, JsonValue> {
  const plain = Object.entries(problem).flatMap(([key, value]): [string, JsonValue][] => {
    if (typeof value === 'string') return [[key.slice(0, 40), value.slice(0, 1000)]]
    return typeof value === 'number' || typeof value === 'boolean' ? [[key.slice(0, 40), value]] : []
  })
  return Object.fromEntries(plain.slice(0, 10))
}
