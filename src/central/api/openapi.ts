// The OpenAPI 3.1 document of one version, made from its routes' schemas, and the same as a page.

import fastifySwagger from '@fastify/swagger'
import { Type, type TSchema } from 'typebox'
import { DOCS_STYLE, docsPage } from '#api/docs-page.ts'
import { addExamples } from '#api/examples.ts'
import { ProblemSchema } from '#api/problem.ts'
import type { Permission } from '../people/caller.ts'
import type { CentralContext, CentralServer } from './context.ts'
import { SESSION_COOKIE } from './guard.ts'

const DESCRIPTION = `The API of TelemetryX central: many gateways, many tenants, the resources of a gateway's API. Everything belongs to the tenant
of whoever asks; what another one has is not there. Times are ISO 8601 in UTC; 64-bit integers beyond ±(2^53 − 1) are decimal strings; lists are
\`{ items, next }\`, paged by \`limit\` and \`cursor\`; errors are problem documents (RFC 9457).`

const WORDS: Readonly<Record<Permission, string>> = {
  public: 'For everyone.',
  known: 'For everyone who is known.',
  read: 'Needs the role viewer, or a key with the scope read.',
  change: 'Needs the role engineer, or a key with the scope write.',
  administer: 'Needs the role admin, or a key with the scope admin.',
  ingest: 'Needs a key with the scope ingest.',
  metrics: 'Needs a key with the scope metrics.',
  platform: 'For administrators of the platform.',
}

/** Registers the collector of schemas; before the routes of the version. */
export async function registerDocumentCollector(app: CentralServer, { options }: CentralContext): Promise<void> {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'TelemetryX central', version: options.version, description: DESCRIPTION },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          key: {
            type: 'http',
            scheme: 'bearer',
            description: 'Key of a program, or token of the OpenID Connect provider.',
          },
          session: { type: 'apiKey', in: 'cookie', name: SESSION_COOKIE, description: 'For people.' },
        },
      },
    },
    transformObject: (document) => {
      if (!('openapiObject' in document)) return document.swaggerObject
      addExamples(document.openapiObject.paths ?? {})
      return document.openapiObject
    },
    transform: ({ schema, url, route }) => {
      const permission = route.config?.permission ?? 'public'
      const response = { ...(schema?.response as Record<string, TSchema> | undefined), default: problemResponse }
      const words = [schema?.description, WORDS[permission]].filter((text) => text !== undefined).join(' ')
      const security: Record<string, string[]>[] = permission === 'public' ? [] : [{ key: [] }, { session: [] }]
      return { schema: { ...schema, response, security, description: words }, url }
    },
  })
}

const problemResponse = Type.Unsafe({
  description: 'A problem',
  content: { 'application/problem+json': { schema: ProblemSchema } },
})

/** The routes that serve document and page; after all others of the version. */
export function registerDocument(app: CentralServer, prefix: string): void {
  const text = (mediaType: string) => ({ 200: { content: { [mediaType]: { schema: Type.String() } } } })
  const config = { permission: 'known' } as const
  app.get(
    '/openapi.json',
    {
      config,
      schema: {
        tags: ['central'],
        summary: 'This document',
        response: { 200: Type.Object({ openapi: Type.String() }) },
      },
    },
    async () => app.swagger() as { openapi: string },
  )
  app.get(
    '/docs',
    { config, schema: { tags: ['central'], summary: 'This document as a page', response: text('text/html') } },
    async (_request, reply) =>
      reply
        .type('text/html; charset=utf-8')
        .serializer(String)
        .send(docsPage(app.swagger(), `${prefix}/docs.css`)),
  )
  app.get(
    '/docs.css',
    { config, schema: { tags: ['central'], summary: 'The look of the page', response: text('text/css') } },
    async (_request, reply) => reply.type('text/css; charset=utf-8').serializer(String).send(DOCS_STYLE),
  )
}
