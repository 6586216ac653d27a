// Keys of programs and gateways: made, listed, revoked by administrators of their tenant. A key is shown once.

import type { FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { mapPage, pageOf } from '#api/paging.ts'
import { isoTimeOrNull, readDuration } from '#api/time.ts'
import { authorise, SCOPES } from '#central/people/caller.ts'
import { createKey } from '#central/people/keys.ts'
import type { TenantNumber } from '#central/ports.ts'
import type { CentralContext, CentralServer } from '../context.ts'
import { callerOf } from '../guard.ts'
import { IdParams, IdSchema, NameSchema, page, pageOfQuery, tenantOf } from '../request-parts.ts'
import { KeySchema, keyShape } from '../shapes.ts'

const config = { permission: 'administer' } as const
const lifeLimits = { minMs: 60_000, maxMs: 10 * 366 * 86_400_000, words: 'between 1m and 10y' }

export const KeyBody = Type.Object(
  {
    name: NameSchema,
    scopes: Type.Array(Type.Enum([...SCOPES]), {
      minItems: 1,
      maxItems: SCOPES.length,
      uniqueItems: true,
      description:
        '`admin` includes `write`, `write` includes `read`; `ingest` stands by itself; `metrics` is given by the platform.',
      examples: [['ingest']],
    }),
    gateway: Type.Optional({
      ...IdSchema,
      description: 'The one gateway that it may send for; with the scope ingest only.',
    }),
    expiresIn: Type.Optional(
      Type.String({ maxLength: 32, description: 'From `1m` to `10y`. Default: it does not end by itself.' }),
    ),
  },
  { additionalProperties: false },
)

export const NewKeySchema = Type.Object({
  ...KeySchema.properties,
  key: Type.String({
    description: 'Told once and never again.',
    examples: ['txc_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG'],
  }),
})

/** Makes a key for `tenant` from a request whose body is a KeyBody. */
export async function newKey(
  { options: { clock, storage } }: CentralContext,
  tenant: TenantNumber,
  request: FastifyRequest<{ Body: Static<typeof KeyBody> }>,
): Promise<Static<typeof NewKeySchema>> {
  const { name, scopes, gateway = null, expiresIn } = request.body
  // Metrics tell of all tenants.
  if (scopes.includes('metrics')) authorise(callerOf(request), 'platform')
  const expiresAt = expiresIn === undefined ? null : clock.now() + readDuration('body.expiresIn', expiresIn, lifeLimits)
  const wish = { name, scopes, gateway, expiresAt }
  const { key, record } = await createKey(storage.tenancy, tenant, wish, callerOf(request).name)
  request.auditDetails = {
    target: record.id,
    after: { name, scopes: [...scopes], gateway, expiresAt: isoTimeOrNull(expiresAt) },
  }
  return { ...keyShape(record), key }
}

export function registerKeys(app: CentralServer, context: CentralContext): void {
  const { authenticator, options } = context
  const { tenancy } = options.storage
  app.get(
    '/keys',
    {
      config,
      schema: {
        tags: ['keys'],
        summary: 'Keys, those that are revoked or over too',
        querystring: Type.Object(page, { additionalProperties: false }),
        response: { 200: pageOf(KeySchema, 'Keys by id') },
      },
    },
    async (request) => mapPage(await tenancy.keys(tenantOf(request), pageOfQuery(request.query)), keyShape),
  )
  app.post(
    '/keys',
    {
      config: { ...config, audit: 'key.create' },
      schema: { tags: ['keys'], summary: 'Make a key', body: KeyBody, response: { 201: NewKeySchema } },
    },
    async (request, reply) => reply.code(201).send(await newKey(context, tenantOf(request), request)),
  )
  app.delete(
    '/keys/:id',
    {
      config: { ...config, audit: 'key.revoke' },
      schema: {
        tags: ['keys'],
        summary: 'Revoke a key; other processes of central refuse it within 5 s',
        params: IdParams,
        response: { 200: KeySchema },
      },
    },
    async (request) => {
      const key = await tenancy.revokeKey(tenantOf(request), request.params.id)
      authenticator.forget()
      return keyShape(key)
    },
  )
}
