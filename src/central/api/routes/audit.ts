// The audit log of the tenant, for its administrators; that of the platform, for those of the platform.

import { Type, type Static } from 'typebox'
import { mapPage, pageOf } from '#api/paging.ts'
import { isoTime, rangeParameters, readRange, TimeSchema } from '#api/time.ts'
import { authorise } from '#central/people/caller.ts'
import { PLATFORM, type AuditRecord } from '#central/ports.ts'
import type { CentralContext, CentralServer } from '../context.ts'
import { callerOf } from '../guard.ts'
import { page, pageOfQuery } from '../request-parts.ts'
import { NullableText } from '../shapes.ts'

const EntrySchema = Type.Object({
  time: TimeSchema,
  action: Type.String({ examples: ['key.create'] }),
  target: NullableText,
  who: Type.String({ description: 'User name, `key:NAME` or `oidc:SUBJECT`.' }),
  via: Type.String({ description: 'How the caller proved who it is: session, oidc, key.' }),
  from: Type.String({ description: 'Address of the caller.' }),
  outcome: Type.Enum(['done', 'refused', 'failed']),
  before: Type.Unknown(),
  after: Type.Unknown(),
})

const text = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 256, description }))

export function registerAudit(app: CentralServer, { lanes, options: { clock, storage } }: CentralContext): void {
  app.get(
    '/audit',
    {
      config: { permission: 'administer' },
      schema: {
        tags: ['audit'],
        summary: 'Who changed what, newest first',
        querystring: Type.Object(
          {
            ...rangeParameters,
            of: Type.Optional(
              Type.Enum(['tenant', 'platform'], {
                default: 'tenant',
                description: '`platform`: changes of tenants, for administrators of the platform.',
              }),
            ),
            who: text('User name, `key:NAME` or `oidc:SUBJECT`, exactly.'),
            action: text('An action, or its first word: `user` finds `user.add`.'),
            target: text('What was changed, exactly.'),
            ...page,
          },
          { additionalProperties: false },
        ),
        response: { 200: pageOf(EntrySchema, 'Entries, newest first') },
      },
    },
    async (request) => {
      const { query } = request
      const caller = callerOf(request)
      if (query.of === 'platform') authorise(caller, 'platform')
      const tenant = query.of === 'platform' ? PLATFORM : caller.tenantNumber
      const range = readRange({ from: query.from ?? '1970-01-01T00:00Z', to: query.to ?? '+1s' }, clock.now())
      const { action, target, who } = query
      const filters = {
        ...(who !== undefined && { by: who }),
        ...(action !== undefined && { action }),
        ...(target !== undefined && { target }),
      }
      const wish = { ...range, ...filters, ...pageOfQuery(query) }
      return mapPage(await lanes.run(caller.tenantNumber, () => storage.tenancy.audit(tenant, wish)), entryShape)
    },
  )
}

function entryShape({ action, by, details, from, outcome, time }: AuditRecord): Static<typeof EntrySchema> {
  const { target, via } = details
  return {
    time: isoTime(time),
    action,
    target: typeof target === 'string' ? target : null,
    who: by,
    via: typeof via === 'string' ? via : 'none',
    from,
    outcome: outcome === 'refused' || outcome === 'failed' ? outcome : 'done',
    before: details['before'] ?? null,
    after: details['after'] ?? null,
  }
}
