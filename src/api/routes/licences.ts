// GET /licences: what of others is installed with the gateway.

import { Type } from 'typebox'
import type { Licence } from '#domain/licence.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { pageByKey, pageOf, pageParameters, sortedByKey } from '../paging.ts'

const LicenceSchema = Type.Object({
  name: Type.String({ examples: ['fastify'] }),
  version: Type.String({ description: 'Empty where there is none.' }),
  license: Type.String({ description: 'SPDX expression where its package gives one.', examples: ['MIT'] }),
})
const keyOf = ({ name, version }: Licence): string => `${name} ${version}`

export function registerLicences(app: ApiServer, { options }: ApiContext): void {
  let known: Promise<readonly Licence[]> | null = null
  app.get(
    '/api/v1/licences',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['gateway'],
        summary: 'The licence of each package that is part of the gateway',
        querystring: Type.Object(pageParameters({ max: 1000, default: 1000 }), { additionalProperties: false }),
        response: { 200: pageOf(LicenceSchema, 'Packages by name') },
      },
    },
    async ({ query }) => {
      known ??= Promise.resolve(options.licences?.() ?? []).catch((error: unknown) => {
        known = null
        throw error
      })
      const items = sortedByKey(await known, keyOf)
      return pageByKey({ items, key: keyOf, limit: query.limit ?? 1000, cursor: query.cursor })
    },
  )
}
