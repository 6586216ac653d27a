// Tenants: made, renamed, suspended by administrators of the platform, who also give each its first key. The platform's own audit log.

import { Type } from 'typebox'
import { mapPage, pageOf } from '#api/paging.ts'
import { found } from './model.ts'
import type { CentralContext, CentralServer } from '../context.ts'
import { IdParams, IdSchema, ifMatch, NameSchema, page, pageOfQuery, withETag } from '../request-parts.ts'
import { TenantSchema, tenantShape } from '../shapes.ts'
import { KeyBody, NewKeySchema, newKey } from './keys.ts'

const strict = { additionalProperties: false }

export function registerTenants(app: CentralServer, context: CentralContext): void {
  registerReading(app, context)
  registerChanges(app, context)
  registerFirstKey(app, context)
}

function registerReading(app: CentralServer, { options: { storage } }: CentralContext): void {
  app.get(
    '/tenants',
    {
      config: { permission: 'platform' },
      schema: {
        tags: ['tenants'],
        summary: 'Tenants',
        querystring: Type.Object(page, strict),
        response: { 200: pageOf(TenantSchema, 'Tenants by id') },
      },
    },
    async ({ query }) => mapPage(await storage.tenancy.list(pageOfQuery(query)), tenantShape),
  )
  app.get(
    '/tenants/:id',
    {
      config: { permission: 'platform' },
      schema: { tags: ['tenants'], summary: 'One tenant', params: IdParams, response: { 200: TenantSchema } },
    },
    async ({ params }, reply) => {
      const tenant = found(await storage.tenancy.get(params.id), 'tenant', params.id)
      return withETag(reply, tenant.revision, tenantShape(tenant))
    },
  )
}

function registerChanges(app: CentralServer, { authenticator, options: { storage } }: CentralContext): void {
  app.post(
    '/tenants',
    {
      config: { permission: 'platform', audit: 'tenant.create' },
      schema: {
        tags: ['tenants'],
        summary: 'Make a tenant',
        body: Type.Object({ id: IdSchema, name: NameSchema }, strict),
        response: { 201: TenantSchema },
      },
    },
    async (request, reply) => {
      const { id, name } = request.body
      request.auditDetails = { target: id, after: { name } }
      const tenant = await storage.tenancy.create({ id, name })
      return withETag(reply.code(201), tenant.revision, tenantShape(tenant))
    },
  )
  app.patch(
    '/tenants/:id',
    {
      config: { permission: 'platform', audit: 'tenant.change' },
      schema: {
        tags: ['tenants'],
        summary: 'Rename or suspend a tenant; If-Match: only when it is as it was read',
        params: IdParams,
        body: Type.Object(
          { name: Type.Optional(NameSchema), active: Type.Optional(Type.Boolean()) },
          { ...strict, minProperties: 1 },
        ),
        response: { 200: TenantSchema },
      },
    },
    async (request, reply) => {
      const { active, name } = request.body
      const change = { ...(name !== undefined && { name }), ...(active !== undefined && { isActive: active }) }
      const tenant = await storage.tenancy.update(request.params.id, change, ifMatch(request))
      authenticator.forget()
      request.auditDetails = { after: { name: tenant.name, active: tenant.isActive } }
      return withETag(reply, tenant.revision, tenantShape(tenant))
    },
  )
}

function registerFirstKey(app: CentralServer, context: CentralContext): void {
  const { storage } = context.options
  app.post(
    '/tenants/:id/keys',
    {
      config: { permission: 'platform', audit: 'key.create' },
      schema: {
        tags: ['tenants'],
        summary: 'Give a tenant a key, with which it makes all others',
        params: IdParams,
        body: KeyBody,
        response: { 201: NewKeySchema },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const tenant = found(await storage.tenancy.get(id), 'tenant', id)
      return reply.code(201).send(await newKey(context, tenant.number, request))
    },
  )
}
