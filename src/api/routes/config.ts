// The configuration: reading, checking, planning and replacing it. Texts come as YAML or as JSON `{ text, comment }`.

import { Type } from 'typebox'
import { callerOf } from '../auth/access.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import {
  AppliedSchema,
  appliedShape,
  PlanSchema,
  planShape,
  PresentSchema,
  presentShape,
  TextProblemSchema,
} from '../shapes/config-shape.ts'
import { deskOf, ifMatchOf, originOf } from './config-request.ts'
import { registerRevisions } from './config-revisions.ts'
import { registerSensorImport } from './config-import.ts'

/** Of a text: 10,000 sensors take about 2 MB. */
const MAX_TEXT_BYTES = 16 * 1024 * 1024
const YAML = 'application/yaml'
const YAML_TYPES = [YAML, 'application/x-yaml', 'text/yaml', 'text/x-yaml', 'text/plain', 'text/csv']

const Comment = Type.String({ maxLength: 500, description: 'Why, for the list of revisions.' })
const TextBody = Type.Union(
  [
    Type.String(),
    Type.Object({ text: Type.String(), comment: Type.Optional(Comment) }, { additionalProperties: false }),
  ],
  { description: 'The YAML as it is (application/yaml), or as JSON.' },
)
const StoreSecrets = Type.Boolean({
  description:
    'Keep passwords and tokens that the text spells out in the store of secrets, and references in the text.',
})
const ApplyQuery = Type.Object(
  { comment: Type.Optional(Comment), storeSecrets: Type.Optional(StoreSecrets) },
  { additionalProperties: false },
)
const consumes = [...YAML_TYPES.slice(0, 5), 'application/json']

export function registerConfig(app: ApiServer, context: ApiContext): void {
  void app.register((scope: ApiServer, _options, done) => {
    // Only here: no other route takes YAML or CSV.
    scope.addContentTypeParser<string>(
      YAML_TYPES,
      { parseAs: 'string', bodyLimit: MAX_TEXT_BYTES },
      (_request, text, parsed) => parsed(null, text),
    )
    registerReading(scope, context)
    registerSchema(scope, context)
    registerJudging(scope, context)
    registerReplacing(scope, context)
    registerRevisions(scope, context)
    registerSensorImport(scope, context)
    done()
  })
}

function textOf(body: string | { readonly text: string }): string {
  return typeof body === 'string' ? body : body.text
}

function registerReading(app: ApiServer, context: ApiContext): void {
  const answer = Type.Unsafe<unknown>({
    description: 'The configuration in force',
    content: { [YAML]: { schema: Type.String() }, 'application/json': { schema: PresentSchema } },
  })
  app.get(
    '/api/v1/config',
    {
      config: { access: 'engineer' },
      schema: {
        tags: ['configuration'],
        summary: 'The configuration in force, as YAML, or as JSON with `Accept: application/json`',
        response: { 200: answer },
      },
    },
    async (request, reply) => {
      const present = deskOf(context).present()
      reply.header('etag', present.etag).header('telemetryx-revision', present.revision.number)
      if (request.headers.accept?.includes('application/json')) return presentShape(present)
      return reply.type(`${YAML}; charset=utf-8`).send(present.text)
    },
  )
}

function registerSchema(app: ApiServer, context: ApiContext): void {
  app.get(
    '/api/v1/config/schema',
    {
      config: { access: 'engineer' },
      schema: {
        tags: ['configuration'],
        summary: 'The JSON Schema (draft-07) of the configuration, for editors',
        response: { 200: Type.Record(Type.String(), Type.Unknown()) },
      },
    },
    async () => ({ ...deskOf(context).schema() }),
  )
}

function registerJudging(app: ApiServer, context: ApiContext): void {
  app.post(
    '/api/v1/config/check',
    {
      config: { access: 'engineer', audit: false },
      bodyLimit: MAX_TEXT_BYTES,
      schema: {
        tags: ['configuration'],
        summary: 'Everything that is wrong with a configuration',
        consumes,
        body: TextBody,
        response: { 200: Type.Object({ ok: Type.Boolean(), problems: Type.Array(TextProblemSchema) }) },
      },
    },
    async (request) => {
      const problems = await deskOf(context).check(textOf(request.body))
      return { ok: problems.length === 0, problems: problems.map((problem) => ({ ...problem })) }
    },
  )
  app.post(
    '/api/v1/config/plan',
    {
      config: { access: 'engineer', audit: false },
      bodyLimit: MAX_TEXT_BYTES,
      schema: {
        tags: ['configuration'],
        summary: 'What applying a configuration would do',
        consumes,
        body: TextBody,
        response: { 200: PlanSchema },
      },
    },
    async (request) => planShape(await deskOf(context).plan(textOf(request.body))),
  )
}

function registerReplacing(app: ApiServer, context: ApiContext): void {
  app.put(
    '/api/v1/config',
    {
      config: { access: 'engineer', audit: 'config.apply' },
      bodyLimit: MAX_TEXT_BYTES,
      schema: {
        tags: ['configuration'],
        summary: 'Apply a configuration: all of it, or nothing; needs If-Match',
        consumes,
        querystring: ApplyQuery,
        body: TextBody,
        response: { 200: AppliedSchema },
      },
    },
    async (request) => {
      const desk = deskOf(context)
      const { body, query } = request
      const comment = (typeof body === 'string' ? undefined : body.comment) ?? query.comment ?? null
      const ifMatch = ifMatchOf(request, true)
      const before = { revision: desk.present().revision.number }
      request.auditDetails = { before }
      const storeSecrets = query.storeSecrets === true
      const offer = { by: callerOf(request), origin: originOf(request), comment, ifMatch, storeSecrets }
      const applied = await desk.apply({ ...offer, text: textOf(body) })
      const { revision, stored = [] } = applied
      const after = { revision, comment, ...(stored.length > 0 && { storedSecrets: stored }) }
      request.auditDetails = { before, after }
      return appliedShape(applied)
    },
  )
  app.post(
    '/api/v1/config/reload',
    {
      config: { access: 'engineer', audit: 'config.reload' },
      schema: {
        tags: ['configuration'],
        summary: 'Take up the configuration file as it is on disk, as SIGHUP does',
        response: { 200: AppliedSchema },
      },
    },
    async (request) => {
      const applied = await deskOf(context).reload(callerOf(request))
      request.auditDetails = { after: { revision: applied.revision } }
      return appliedShape(applied)
    },
  )
}
