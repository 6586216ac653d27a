// Revisions of the configuration: which were applied, by whom and why; what changed between two; going back to one.

import { Type } from 'typebox'
import { callerOf } from '../auth/access.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { pageByKey, pageOf, pageParameters } from '../paging.ts'
import {
  AppliedSchema,
  appliedShape,
  PlanSchema,
  planShape,
  RevisionHeadSchema,
  revisionHeadShape,
  RevisionSchema,
  revisionShape,
} from '../shapes/config-shape.ts'
import { deskOf, ifMatchOf } from './config-request.ts'

const RevisionParams = Type.Object({ number: Type.Integer({ minimum: 1, description: 'Number of the revision.' }) })
const page = pageParameters({ max: 1000, default: 100 })
const LARGEST = 1e15

export function registerRevisions(app: ApiServer, context: ApiContext): void {
  registerLists(app, context)
  app.post(
    '/api/v1/config/revisions/:number/rollback',
    {
      config: { access: 'engineer', audit: 'config.rollback' },
      schema: {
        tags: ['configuration'],
        summary: 'Apply an older revision; If-Match is heeded when it is given',
        params: RevisionParams,
        body: Type.Union([
          Type.Object({ comment: Type.Optional(Type.String({ maxLength: 500 })) }, { additionalProperties: false }),
          Type.Null(),
        ]),
        response: { 200: AppliedSchema },
      },
    },
    async (request) => {
      const desk = deskOf(context)
      const comment = request.body?.comment ?? null
      const before = { revision: desk.present().revision.number }
      request.auditDetails = { before }
      const offer = { by: callerOf(request), comment, ifMatch: ifMatchOf(request, false) }
      const applied = await desk.rollBack(request.params.number, offer)
      request.auditDetails = { before, after: { revision: applied.revision, comment } }
      return appliedShape(applied)
    },
  )
}

function registerLists(app: ApiServer, context: ApiContext): void {
  app.get(
    '/api/v1/config/revisions',
    {
      config: { access: 'engineer' },
      schema: {
        tags: ['configuration'],
        summary: 'Revisions of the configuration, newest first',
        querystring: Type.Object(page, { additionalProperties: false }),
        response: { 200: pageOf(RevisionHeadSchema, 'Revisions') },
      },
    },
    async ({ query }) => {
      const { items, next } = pageByKey({
        items: deskOf(context).revisions(),
        key: ({ number }) => String(LARGEST - number).padStart(16, '0'),
        limit: query.limit ?? 100,
        cursor: query.cursor,
      })
      return { items: items.map(revisionHeadShape), next }
    },
  )
  app.get(
    '/api/v1/config/revisions/:number',
    {
      config: { access: 'engineer' },
      schema: {
        tags: ['configuration'],
        summary: 'One revision with its text',
        params: RevisionParams,
        response: { 200: RevisionSchema },
      },
    },
    async ({ params }) => revisionShape(await deskOf(context).revision(params.number)),
  )
  app.get(
    '/api/v1/config/revisions/:number/changes',
    {
      config: { access: 'engineer' },
      schema: {
        tags: ['configuration'],
        summary: 'What changed from one revision to this one',
        params: RevisionParams,
        querystring: Type.Object(
          { from: Type.Optional(Type.Integer({ minimum: 1, description: 'Default: the revision before.' })) },
          { additionalProperties: false },
        ),
        response: { 200: PlanSchema },
      },
    },
    async ({ params: { number }, query }) =>
      planShape(await deskOf(context).diff(query.from ?? Math.max(1, number - 1), number)),
  )
}
