// The OpenAPI 3.1 document, made from the routes' schemas.

import fastifySwagger from '@fastify/swagger'
import { Type, type TSchema } from 'typebox'
import type { ApiContext, ApiServer } from './context.ts'
import { DOCS_STYLE, docsPage } from './docs-page.ts'
import { addExamples } from './examples.ts'
import { ProblemSchema } from './problem.ts'

const DOCS_URL = '/api/v1/docs'
const STYLE_URL = '/api/v1/docs.css'
const DESCRIPTION = `The local API of a TelemetryX Edge gateway. Times are ISO 8601 in UTC; 64-bit integers beyond ±(2^53 − 1) are decimal strings;
lists are \`{ items, next }\`, paged by \`limit\` and \`cursor\`; errors are problem documents (RFC 9457).`

/** Registers the collector of schemas; before the routes. */
export async function registerOpenApi(app: ApiServer, { options }: ApiContext): Promise<void> {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'TelemetryX Edge', version: options.info.version, description: DESCRIPTION },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'For programs.' },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: `telemetryx_session_${options.info.id}`,
            description: 'For the dashboard.',
          },
        },
      },
    },
    transformObject: (document) => {
      if (!('openapiObject' in document)) return document.swaggerObject
      addExamples(document.openapiObject.paths ?? {})
      return document.openapiObject
    },
    transform: ({ schema, url, route }) => {
      const access = route.config?.access ?? 'public'
      const response = { ...(schema?.response as Record<string, TSchema> | undefined), default: problemResponse }
      const role = access === 'public' ? 'For everyone.' : `Needs the role ${access}.`
      const words = schema?.description === undefined ? role : `${schema.description} ${role}`
      const security: Record<string, string[]>[] = access === 'public' ? [] : [{ token: [] }, { session: [] }]
      return { schema: { ...schema, response, security, description: words }, url }
    },
  })
}

const problemResponse = Type.Unsafe({
  description: 'A problem',
  content: { 'application/problem+json': { schema: ProblemSchema } },
})

/** The route that serves the document; after all others. */
export function registerOpenApiRoute(app: ApiServer): void {
  app.get(
    '/api/v1/openapi.json',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['gateway'],
        summary: 'This document',
        response: { 200: Type.Object({ openapi: Type.String() }) },
      },
    },
    async () => app.swagger() as { openapi: string },
  )
}

/** The same for people; after all others. */
export function registerDocsPage(app: ApiServer): void {
  const text = (mediaType: string) => ({ 200: { content: { [mediaType]: { schema: Type.String() } } } })
  app.get(
    DOCS_URL,
    {
      config: { access: 'viewer' },
      schema: { tags: ['gateway'], summary: 'This document as a page', response: text('text/html') },
    },
    async (_request, reply) =>
      reply.type('text/html; charset=utf-8').serializer(String).send(docsPage(app.swagger(), STYLE_URL)),
  )
  app.get(
    STYLE_URL,
    {
      config: { access: 'viewer' },
      schema: { tags: ['gateway'], summary: 'The look of the page', response: text('text/css') },
    },
    async (_request, reply) => reply.type('text/css; charset=utf-8').serializer(String).send(DOCS_STYLE),
  )
}
