// What a user does with its own account: change the password, look at the open sessions, end them.

import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { TelemetryError } from '#domain/errors.ts'
import { sessionOf } from '../auth/access.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { pageByKey, pageOf, pageParameters, sortedByKey } from '../paging.ts'
import { isoTime, TimeSchema } from '../time.ts'
import { begin, NewPasswordSchema, SessionSchema } from './session.ts'

export const OpenSessionSchema = Type.Object({
  id: Type.String(),
  isThis: Type.Boolean({ description: 'The one that asks.' }),
  address: Type.String({ description: 'Where it began.' }),
  startedAt: TimeSchema,
  usedAt: TimeSchema,
  expiresAt: TimeSchema,
})

export function registerSessions(app: ApiServer, context: ApiContext): void {
  registerPassword(app, context)
  registerOwnSessions(app, context)
}

function registerPassword(app: ApiServer, context: ApiContext): void {
  app.put(
    '/api/v1/session/password',
    {
      config: { access: 'viewer', audit: 'user.password' },
      schema: {
        tags: ['session'],
        summary: 'Change the own password; all other sessions end, and this one goes on under a new id',
        body: Type.Object(
          { current: Type.String({ minLength: 1, maxLength: 256 }), password: NewPasswordSchema },
          { additionalProperties: false },
        ),
        response: { 200: SessionSchema },
      },
    },
    async (request, reply) => {
      const name = userOf(request)
      request.auditDetails = { target: name }
      const { current, password } = request.body
      // By the same throttled door as a log-in: a stolen session must not become a way to guess.
      const user = await context.login.withPassword(name, current, request.ip)
      await context.login.setPassword(name, password)
      context.sessions.endAllOf(name)
      request.auditDetails = { target: name, after: { password: 'changed' } }
      context.options.log.info({ user: name, address: request.ip }, 'A password was changed')
      return begin(context, user, request, reply)
    },
  )
}

const MAX_TIME = 8.64e15

function registerOwnSessions(app: ApiServer, context: ApiContext): void {
  const { sessions } = context
  app.get(
    '/api/v1/sessions',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['session'],
        summary: 'Own open sessions, the one used last first; none for programs',
        querystring: Type.Object(pageParameters({ max: 1000, default: 1000 }), { additionalProperties: false }),
        response: { 200: pageOf(OpenSessionSchema, 'Sessions') },
      },
    },
    async (request) => {
      const { principal, query } = request
      const id = sessionOf(request, context)
      const own = id === null ? null : sessions.publicId(id)
      const open = principal?.via === 'session' ? sessions.allOf(principal.name) : []
      const items = open.map(({ startedAt, usedAt, expiresAt, ...session }) => ({
        ...session,
        isThis: session.id === own,
        startedAt: isoTime(startedAt),
        usedAt: isoTime(usedAt),
        expiresAt: isoTime(expiresAt),
      }))
      // Newest use first: the key counts down from the last moment there is.
      const key = (session: (typeof items)[number]): string =>
        `${String(MAX_TIME - Date.parse(session.usedAt)).padStart(16, '0')} ${session.id}`
      return pageByKey({ items: sortedByKey(items, key), key, limit: query.limit ?? 1000, cursor: query.cursor })
    },
  )

  app.delete(
    '/api/v1/sessions/:id',
    {
      config: { access: 'viewer', audit: 'session.end' },
      schema: {
        tags: ['session'],
        summary: 'End one of the own sessions',
        params: Type.Object({ id: Type.String({ minLength: 1, maxLength: 256 }) }),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      if (!sessions.endOne(userOf(request), request.params.id))
        throw new TelemetryError('NOT_FOUND', `You have no session ${request.params.id}`)
      return reply.code(204).send(null)
    },
  )
}

/** Throws CONFLICT: a program has neither password nor sessions. */
function userOf({ principal }: FastifyRequest): string {
  if (principal?.via !== 'session') throw new TelemetryError('CONFLICT', 'This is for users who are logged in')
  return principal.name
}
