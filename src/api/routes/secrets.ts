// The store of secrets: names and what reads them, storing, deleting. No answer holds a value.

import { Type } from 'typebox'
import { MAX_SECRET_BYTES, SECRET_NAME, SECRET_NAME_RULE } from '#config/secret-files.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { SecretDesk, SecretEntry } from '#domain/secrets.ts'
import { callerOf } from '../auth/access.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { pageByKey, pageOf, pageParameters } from '../paging.ts'
import { isoTime, TimeSchema } from '../time.ts'

const SecretSchema = Type.Object({
  name: Type.String(),
  from: Type.Enum(['store', 'credential'], { description: 'credential: handed over by the service manager.' }),
  changedAt: TimeSchema,
  usedBy: Type.Array(Type.String(), {
    description: 'Keys of the configuration in force.',
    examples: [['devices.press-1.connection.password']],
  }),
})
const SecretParams = Type.Object({
  name: Type.String({ pattern: SECRET_NAME.source, description: `As in \${secret:NAME}: ${SECRET_NAME_RULE}.` }),
})
const page = pageParameters({ max: 1000, default: 100 })
const tags = ['configuration']

export function registerSecrets(app: ApiServer, context: ApiContext): void {
  registerList(app, context)
  registerChanges(app, context)
}

function deskOf({ options }: ApiContext): SecretDesk {
  if (options.secrets) return options.secrets
  throw new TelemetryError('NOT_FOUND', 'This gateway was started without a configuration file')
}

function registerList(app: ApiServer, context: ApiContext): void {
  app.get(
    '/api/v1/secrets',
    {
      config: { access: 'engineer' },
      schema: {
        tags,
        summary: 'Names of the stored secrets, and what reads them; never a value',
        querystring: Type.Object(page, { additionalProperties: false }),
        response: { 200: pageOf(SecretSchema, 'Secrets by name') },
      },
    },
    async ({ query: { limit = 100, cursor } }) => {
      const secrets = await deskOf(context).list()
      const { items, next } = pageByKey({ items: secrets, key: ({ name }) => name, limit, cursor })
      return { items: items.map(secretShape), next }
    },
  )
}

function registerChanges(app: ApiServer, context: ApiContext): void {
  const { log } = context.options
  app.put(
    '/api/v1/secrets/:name',
    {
      config: { access: 'engineer', audit: 'secret.put' },
      schema: {
        tags,
        summary: 'Store or replace a secret; what runs takes it up with the next reload',
        params: SecretParams,
        body: Type.Object(
          {
            value: Type.String({
              minLength: 1,
              maxLength: MAX_SECRET_BYTES,
              description: 'A line break at its end is no part of it.',
            }),
          },
          { additionalProperties: false },
        ),
        response: { 200: Type.Object({ name: Type.String(), isNew: Type.Boolean() }) },
      },
    },
    async (request) => {
      const { name } = request.params
      const { isNew } = await deskOf(context).put(name, request.body.value)
      request.auditDetails = { after: { isNew } }
      log.info({ secret: name, isNew, by: callerOf(request) }, 'A secret was stored')
      return { name, isNew }
    },
  )
  app.delete(
    '/api/v1/secrets/:name',
    {
      config: { access: 'engineer', audit: 'secret.delete' },
      schema: {
        tags,
        summary: 'Delete a secret that the configuration in force does not read',
        params: SecretParams,
        querystring: Type.Object(
          { force: Type.Optional(Type.Boolean({ description: 'Also when older revisions need it.' })) },
          { additionalProperties: false },
        ),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { name } = request.params
      const force = request.query.force === true
      if (force) request.auditDetails = { after: { force } }
      await deskOf(context).remove(name, force)
      log.info({ secret: name, by: callerOf(request) }, 'A secret was deleted')
      return reply.code(204).send(null)
    },
  )
}

function secretShape({ name, from, changedAt, usedBy }: SecretEntry) {
  return { name, from, changedAt: isoTime(changedAt), usedBy: [...usedBy] }
}
