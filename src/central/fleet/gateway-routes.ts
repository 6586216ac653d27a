// What gateways ask of central beside handing in records (src/uplinks/central): to be registered, and whether there is a
// configuration for them; and what became of one.

import { fromJson, type JsonValue as ProtoJson } from '@bufbuild/protobuf'
import { Type } from 'typebox'
import { invalid } from '#api/problem.ts'
import { HelloSchema } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import type { CentralContext, CentralServer } from '../api/context.ts'
import { IdSchema, tenantOf } from '../api/request-parts.ts'
import { checkSensors } from '../api/routes/ingest-request.ts'
import { requireGateway } from './gateway-key.ts'
import { plainProblems } from './plan-shapes.ts'
import { keepPlan } from './plans.ts'

/** A gateway that can plan says so in its question; the answer names the plan that somebody waits for. */
const CAN_HEADER = 'telemetryx-can'
const PLAN_HEADER = 'telemetryx-plan'
const config = { permission: 'ingest', audit: false, isBulk: true } as const
const GatewayParams = Type.Object({ id: IdSchema })

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
        description:
          'With `Telemetryx-Can: plan` the gateway says that it can plan; the header `Telemetryx-Plan` of the answer, whatever its status, then names a text that it is asked to plan.',
        params: GatewayParams,
        response: {
          200: Type.Object({
            revision: Type.String(),
            text: Type.String(),
            comment: Type.Union([Type.String(), Type.Null()]),
            base: Type.Union([Type.String(), Type.Null()], {
              description: 'ETag of the configuration that it was planned against: it holds for that one only.',
            }),
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
      const canPlan = request.headers[CAN_HEADER] === 'plan'
      const plan = await storage.gateways.asks(tenant, id, canPlan)
      if (plan !== null) reply.header(PLAN_HEADER, plan)
      const offer = await storage.gateways.offered(tenant, id)
      if (offer === null) return reply.code(204).send(null)
      const etag = JSON.stringify(offer.revision)
      reply.header('etag', etag)
      if (request.headers['if-none-match'] === etag) return reply.code(304).send(null)
      const { base, comment, revision, text } = offer
      return { revision, text, comment, base }
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
      const problems = plainProblems(request.body.problems)
      await storage.gateways.report(tenant, id, revision, { state, number, reason, problems })
      if (plan) await keepPlan(storage.tenancy, tenant, { gateway: id, name: revision }, plan)
      log.info({ tenant, gateway: id, revision, state, reason }, 'A gateway told of its configuration')
      return reply.code(204).send(null)
    },
  )
}
