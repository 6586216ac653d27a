// Uplinks: their state and ledgers, and the records that their receivers refused: look at them, send them again, discard them.

import { Type } from 'typebox'
import { TelemetryError, toTelemetryError } from '#domain/errors.ts'
import type { UplinkLetters } from '#domain/views.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { decodeCursor, encodeCursor, pageByKey, pageOf, pageParameters, sortedByKey } from '../paging.ts'
import { LetterSchema, letterShape, UplinkSchema, uplinkShape } from '../shapes/uplink-shape.ts'

const Uplink = { id: Type.String({ minLength: 1, maxLength: 256, description: 'Uplink id.' }) }
const UplinkParams = Type.Object(Uplink)
const LetterParams = Type.Object({ ...Uplink, letter: Type.Integer({ minimum: 1, description: 'Id of the letter.' }) })
const page = pageParameters({ max: 1000, default: 100 })
const byId = ({ id }: { readonly id: string }): string => id
/** Letters that one request sends again or discards. */
const MAX_AT_ONCE = 1000

const RetriedSchema = Type.Object({
  delivered: Type.Integer({ description: 'They arrived and are no letters any more.' }),
  refused: Type.Integer({ description: 'The receiver refused them again.' }),
})

export function registerUplinks(app: ApiServer, context: ApiContext): void {
  const { uplinks } = context.options
  app.get(
    '/api/v1/uplinks',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['uplinks'],
        summary: 'Uplinks with their lanes and ledgers',
        querystring: Type.Object(page, { additionalProperties: false }),
        response: { 200: pageOf(UplinkSchema, 'Uplinks by id') },
      },
    },
    async ({ query }) => {
      const { items, next } = pageByKey({
        items: sortedByKey(uplinks.list(), byId),
        key: byId,
        limit: query.limit ?? 100,
        cursor: query.cursor,
      })
      return { items: items.map(uplinkShape), next }
    },
  )
  registerLetters(app, context)
  registerRetry(app, context)
  registerDiscard(app, context)
}

function lettersOf({ options }: ApiContext, uplink: string): UplinkLetters {
  const isKnown = options.uplinks.list().some(({ id }) => id === uplink)
  if (!isKnown || !options.uplinks.letters) throw new TelemetryError('NOT_FOUND', `There is no uplink ${uplink}`)
  return options.uplinks.letters
}

function registerLetters(app: ApiServer, context: ApiContext): void {
  app.get(
    '/api/v1/uplinks/:id/dead-letters',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['uplinks'],
        summary: 'Records that the receiver refused for good',
        description: 'Oldest first.',
        params: UplinkParams,
        querystring: Type.Object(page, { additionalProperties: false }),
        response: { 200: pageOf(LetterSchema, 'Dead letters') },
      },
    },
    async ({ params, query }) => {
      const limit = query.limit ?? 100
      const after = query.cursor === undefined ? 0 : Number(decodeCursor(query.cursor))
      const model = context.options.info.model()
      const letters = await lettersOf(context, params.id).list(params.id, after || 0, limit + 1)
      const items = letters.slice(0, limit)
      const next = letters.length > limit ? encodeCursor(String(items.at(-1)!.id)) : null
      return { items: items.map((letter) => letterShape(letter, model)), next }
    },
  )
}

function registerRetry(app: ApiServer, context: ApiContext): void {
  app.post(
    '/api/v1/uplinks/:id/dead-letters/:letter/retry',
    {
      config: { access: 'engineer', audit: 'uplink.retryDeadLetter' },
      schema: {
        tags: ['uplinks'],
        summary: 'Send a refused record again',
        description: 'With its old position, out of order. 502 when the uplink is not online: the record is kept.',
        params: LetterParams,
        response: { 200: RetriedSchema },
      },
    },
    async (request) => {
      const { params } = request
      request.auditDetails = { before: { letter: params.letter } }
      const delivered = await lettersOf(context, params.id).retry(params.id, params.letter)
      request.auditDetails = { before: { letter: params.letter }, after: { delivered } }
      return { delivered: delivered ? 1 : 0, refused: delivered ? 0 : 1 }
    },
  )
  app.post(
    '/api/v1/uplinks/:id/dead-letters/retry',
    {
      config: { access: 'engineer', audit: 'uplink.retryDeadLetters' },
      schema: {
        tags: ['uplinks'],
        summary: 'Send the refused records again',
        description: `The oldest ${MAX_AT_ONCE}, one after another. Ends with an error when the uplink is lost; what has not arrived is kept.`,
        params: UplinkParams,
        response: { 200: RetriedSchema },
      },
    },
    async (request) => {
      const { params } = request
      const letters = lettersOf(context, params.id)
      const counts = { delivered: 0, refused: 0 }
      request.auditDetails = { after: counts }
      for (const { id } of await letters.list(params.id, 0, MAX_AT_ONCE)) {
        try {
          counts[(await letters.retry(params.id, id)) ? 'delivered' : 'refused'] += 1
        } catch (cause) {
          const { code } = toTelemetryError(cause)
          if (code !== 'NOT_FOUND' && code !== 'CONFLICT') throw cause // somebody else was quicker
        }
      }
      return counts
    },
  )
}

function registerDiscard(app: ApiServer, context: ApiContext): void {
  app.delete(
    '/api/v1/uplinks/:id/dead-letters/:letter',
    {
      config: { access: 'engineer', audit: 'uplink.discardDeadLetter' },
      schema: {
        tags: ['uplinks'],
        summary: 'Discard a refused record',
        params: LetterParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { params } = request
      request.auditDetails = { before: { letter: params.letter } }
      const removed = await lettersOf(context, params.id).discard(params.id, [params.letter])
      if (removed === 0) throw new TelemetryError('NOT_FOUND', `There is no dead letter ${params.letter}`)
      return reply.code(204).send(null)
    },
  )
  app.delete(
    '/api/v1/uplinks/:id/dead-letters',
    {
      config: { access: 'engineer', audit: 'uplink.discardDeadLetters' },
      schema: {
        tags: ['uplinks'],
        summary: 'Discard the refused records',
        description: `The oldest ${MAX_AT_ONCE}; they are counted as dropped, reason discarded.`,
        params: UplinkParams,
        response: { 200: Type.Object({ discarded: Type.Integer() }) },
      },
    },
    async (request) => {
      const { params } = request
      const letters = lettersOf(context, params.id)
      const ids = (await letters.list(params.id, 0, MAX_AT_ONCE)).map(({ id }) => id)
      const discarded = await letters.discard(params.id, ids)
      request.auditDetails = { after: { discarded } }
      return { discarded }
    },
  )
}
