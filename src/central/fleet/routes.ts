// The fleet for people: gateways with how they are, and the configurations that are offered to them.

import { Type } from 'typebox'
import { mapPage, pageOf } from '#api/paging.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { CentralContext, CentralServer } from '../api/context.ts'
import { callerOf } from '../api/guard.ts'
import { page, pageOfQuery, tenantOf } from '../api/request-parts.ts'
import { found } from '../api/routes/model.ts'
import type { GatewayRecord } from '../gateway-record.ts'
import type { PlanQuestion } from '../plan-record.ts'
import type { TenantNumber } from '../ports.ts'
import {
  FleetSchema,
  fleetShape,
  GatewaySchema,
  gatewayShape,
  OfferDetailSchema,
  offerDetailShape,
  OfferSchema,
  offerShape,
} from './shapes.ts'
import { registerPlans } from './plan-routes.ts'
import { planDocument } from './plans.ts'

const read = { permission: 'read' } as const
const strict = { additionalProperties: false }
/** A gateway takes no more than 1 MiB. */
const MAX_TEXT = 1024 * 1024
const PAGE = 1000

const GatewayParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 64, description: 'Gateway id.' }) })

export function registerFleet(app: CentralServer, context: CentralContext): void {
  registerGateways(app, context)
  registerFigures(app, context)
  registerOffers(app, context)
  registerOffering(app, context)
  registerPlans(app, context)
}

function registerGateways(app: CentralServer, { lanes, options: { clock, storage } }: CentralContext): void {
  app.get(
    '/gateways',
    {
      config: read,
      schema: {
        tags: ['fleet'],
        summary: 'Gateways and how they are',
        querystring: Type.Object(page, strict),
        response: { 200: pageOf(GatewaySchema, 'Gateways by id') },
      },
    },
    async (request) => {
      const tenant = tenantOf(request)
      const gateways = await lanes.run(tenant, () => storage.gateways.list(tenant, pageOfQuery(request.query)))
      return mapPage(gateways, (gateway) => gatewayShape(gateway, clock.now()))
    },
  )
  app.get(
    '/gateways/:id',
    {
      config: read,
      schema: { tags: ['fleet'], summary: 'One gateway', params: GatewayParams, response: { 200: GatewaySchema } },
    },
    async (request) => {
      const tenant = tenantOf(request)
      const { id } = request.params
      const gateway = found(await lanes.run(tenant, () => storage.gateways.get(tenant, id)), 'gateway', id)
      return gatewayShape(gateway, clock.now())
    },
  )
  app.delete(
    '/gateways/:id',
    {
      config: { permission: 'change', audit: 'gateway.remove' },
      schema: {
        tags: ['fleet'],
        summary: 'Forget a gateway; its sensors and readings stay, and it registers again when it comes',
        params: GatewayParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await storage.gateways.remove(tenantOf(request), request.params.id)
      return reply.code(204).send(null)
    },
  )
}

function registerFigures(app: CentralServer, { lanes, options: { clock, storage } }: CentralContext): void {
  const all = async (tenant: TenantNumber): Promise<GatewayRecord[]> => {
    const gateways: GatewayRecord[] = []
    for (let cursor: string | null = null; ;) {
      const part = await storage.gateways.list(tenant, { limit: PAGE, cursor })
      gateways.push(...part.items)
      cursor = part.next
      if (cursor === null) return gateways
    }
  }
  app.get(
    '/fleet',
    {
      config: read,
      schema: { tags: ['fleet'], summary: 'The fleet in figures', response: { 200: FleetSchema } },
    },
    async (request) => {
      const tenant = tenantOf(request)
      return fleetShape(await lanes.run(tenant, () => all(tenant)), clock.now())
    },
  )
}

function registerOffers(app: CentralServer, { lanes, options: { storage } }: CentralContext): void {
  const RevisionParams = Type.Object({
    ...GatewayParams.properties,
    revision: Type.String({ minLength: 1, maxLength: 100 }),
  })
  app.get(
    '/gateways/:id/configurations',
    {
      config: read,
      schema: {
        tags: ['fleet'],
        summary: 'Configuration revisions that were offered to a gateway, newest first',
        params: GatewayParams,
        querystring: Type.Object(page, strict),
        response: { 200: pageOf(OfferSchema, 'Revisions, newest first') },
      },
    },
    async (request) => {
      const tenant = tenantOf(request)
      const { id } = request.params
      const query = pageOfQuery(request.query)
      return mapPage(await lanes.run(tenant, () => storage.gateways.offers(tenant, id, query)), offerShape)
    },
  )
  app.get(
    '/gateways/:id/configurations/:revision',
    {
      // A configuration may hold what not everybody should read.
      config: { permission: 'change' },
      schema: {
        tags: ['fleet'],
        summary: 'One revision, with its text and with the plan that the gateway made of it',
        params: RevisionParams,
        response: { 200: OfferDetailSchema },
      },
    },
    async (request) => {
      const tenant = tenantOf(request)
      const { id, revision } = request.params
      return lanes.run(tenant, async () => {
        for (let cursor: string | null = null; ;) {
          const part = await storage.gateways.offers(tenant, id, { limit: 100, cursor })
          const offer = part.items.find((each) => each.revision === revision)
          if (offer) return offerDetailShape(offer, await planDocument(storage.tenancy, tenant, id, revision))
          cursor = part.next
          if (cursor === null) return found<never>(null, 'revision', revision)
        }
      })
    },
  )
}

function registerOffering(app: CentralServer, { options: { storage } }: CentralContext): void {
  app.post(
    '/gateways/:id/configurations',
    {
      config: { permission: 'change', audit: 'configuration.offer' },
      bodyLimit: 2 * MAX_TEXT,
      schema: {
        tags: ['fleet'],
        summary: 'Offer a configuration to a gateway',
        description:
          'The gateway takes it when it next asks, if its own configuration says that it accepts any: checked, planned, applied all or nothing, watched, and rolled back by itself when it makes the gateway worse. An earlier one that it has not taken yet is withdrawn.',
        params: GatewayParams,
        body: Type.Object(
          {
            text: Type.String({ minLength: 1, maxLength: MAX_TEXT, description: 'The whole gateway.yaml.' }),
            comment: Type.Optional(Type.String({ maxLength: 400, description: 'Why; kept with the revision.' })),
            plan: Type.Optional(
              Type.String({
                maxLength: 20,
                description:
                  'The plan of this very text (POST …/plans): the gateway then refuses it when its configuration was changed since.',
              }),
            ),
          },
          strict,
        ),
        response: { 201: OfferSchema },
      },
    },
    async (request, reply) => {
      const { text, comment = null, plan = null } = request.body
      const tenant = tenantOf(request)
      const { id } = request.params
      const base = plan === null ? null : baseOf(await storage.plans.get(tenant, id, plan), plan, text)
      const by = callerOf(request).name
      const offer = await storage.gateways.offer(tenant, id, { text, comment, by, base })
      request.auditDetails = { after: { revision: offer.revision, comment, ...(plan !== null && { plan }) } }
      return reply.code(201).send(offerShape(offer))
    },
  )
}

/** The configuration that the gateway had when it planned this text. Throws NOT_FOUND, CONFLICT. */
function baseOf(question: PlanQuestion | null, plan: string, text: string): string | null {
  const { answer, text: planned } = found(question, 'plan', plan)
  if (planned !== text.toWellFormed()) throw new TelemetryError('CONFLICT', `${plan} is the plan of another text`)
  if (answer === null) throw new TelemetryError('CONFLICT', `The gateway has not told ${plan} yet`)
  return answer.base
}
