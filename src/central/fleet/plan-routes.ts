// What a configuration would change at a gateway, before it is offered: an engineer asks, the gateway answers when it next comes,
// nothing is applied. A gateway that cannot answer is told of at once.

import { Type } from 'typebox'
import { TelemetryError } from '#domain/errors.ts'
import type { CentralContext, CentralServer } from '../api/context.ts'
import { callerOf } from '../api/guard.ts'
import { IdSchema, tenantOf } from '../api/request-parts.ts'
import { found } from '../api/routes/model.ts'
import type { GatewayRecord } from '../gateway-record.ts'
import { requireGateway } from './gateway-key.ts'
import { PlanAnswerBody, planAnswerOf, PlanQuestionSchema, planQuestionShape } from './plan-shapes.ts'
import { SILENT_AFTER_MS } from './shapes.ts'

const MAX_TEXT = 1024 * 1024
const strict = { additionalProperties: false }
const PlanName = Type.String({ minLength: 1, maxLength: 20 })
const OfPeople = { id: Type.String({ minLength: 1, maxLength: 64, description: 'Gateway id.' }) }
const OfGateway = Type.Object({ id: IdSchema, plan: PlanName })
const fromGateway = { permission: 'ingest', audit: false, isBulk: true } as const

export function registerPlans(app: CentralServer, context: CentralContext): void {
  registerAsking(app, context)
  registerReading(app, context)
  registerAnswering(app, context)
}

/** Throws CONFLICT when nobody would answer. */
function requirePlanner({ asked, id, seenAt, version }: GatewayRecord, now: number): void {
  const refuse = (why: string): never => {
    throw new TelemetryError('CONFLICT', `${id} cannot be asked for a plan: ${why}. Offering it is still possible`)
  }
  if (now - seenAt >= SILENT_AFTER_MS) refuse(`it is silent since ${new Date(seenAt).toISOString()}`)
  if (asked === null) refuse('it takes no configurations from here; its uplink needs configuration: { accept: true }')
  if (asked?.canPlan === false) refuse(`its version ${version} cannot plan for central; update it`)
}

function registerAsking(app: CentralServer, { options: { clock, storage } }: CentralContext): void {
  app.post(
    '/gateways/:id/plans',
    {
      config: { permission: 'change', audit: 'configuration.plan' },
      bodyLimit: 2 * MAX_TEXT,
      schema: {
        tags: ['fleet'],
        summary: 'Ask a gateway what a configuration would change',
        description:
          'Nothing is applied. The gateway answers when it next asks for its configuration (default: every 30 s; every 2 s for five minutes after a plan). 409 when it cannot: it is silent, takes no configurations from here, or is too old.',
        params: Type.Object(OfPeople),
        body: Type.Object(
          { text: Type.String({ minLength: 1, maxLength: MAX_TEXT, description: 'The whole gateway.yaml.' }) },
          strict,
        ),
        response: { 201: PlanQuestionSchema },
      },
    },
    async (request, reply) => {
      const tenant = tenantOf(request)
      const { id } = request.params
      const gateway = found(await storage.gateways.get(tenant, id), 'gateway', id)
      requirePlanner(gateway, clock.now())
      const { text } = request.body
      const question = await storage.plans.ask(tenant, id, { text, by: callerOf(request).name })
      request.auditDetails = { after: { plan: question.plan } }
      return reply.code(201).send(planQuestionShape(question, clock.now()))
    },
  )
}

function registerReading(app: CentralServer, { lanes, options: { clock, storage } }: CentralContext): void {
  app.get(
    '/gateways/:id/plans/:plan',
    {
      // It shows what stands in a configuration.
      config: { permission: 'change' },
      schema: {
        tags: ['fleet'],
        summary: 'What a configuration would change, once the gateway has said it; the last ten are kept',
        params: Type.Object({ ...OfPeople, plan: PlanName }),
        response: { 200: PlanQuestionSchema },
      },
    },
    async (request) => {
      const tenant = tenantOf(request)
      const { id, plan } = request.params
      const question = await lanes.run(tenant, () => storage.plans.get(tenant, id, plan))
      return planQuestionShape(found(question, 'plan', plan), clock.now())
    },
  )
}

function registerAnswering(app: CentralServer, { options: { log, storage } }: CentralContext): void {
  app.get(
    '/gateways/:id/configuration/plans/:plan',
    {
      config: fromGateway,
      schema: {
        tags: ['ingest'],
        summary: 'The text that a gateway is asked to plan; the header Telemetryx-Plan of GET …/configuration names it',
        params: OfGateway,
        response: { 200: Type.Object({ plan: Type.String(), text: Type.String() }) },
      },
    },
    async (request) => {
      const { id, plan } = request.params
      requireGateway(request, id)
      const question = found(await storage.plans.get(tenantOf(request), id, plan), 'plan', plan)
      return { plan: question.plan, text: question.text }
    },
  )
  app.put(
    '/gateways/:id/configuration/plans/:plan',
    {
      config: fromGateway,
      bodyLimit: 4 * MAX_TEXT,
      schema: {
        tags: ['ingest'],
        summary: 'What the text would change at the gateway; nothing of it has been done',
        params: OfGateway,
        body: PlanAnswerBody,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { id, plan } = request.params
      requireGateway(request, id)
      const tenant = tenantOf(request)
      const answer = planAnswerOf(request.body)
      await storage.plans.answer(tenant, id, plan, answer)
      log.info({ tenant, gateway: id, plan, reason: answer.reason }, 'A gateway told a plan')
      return reply.code(204).send(null)
    },
  )
}
