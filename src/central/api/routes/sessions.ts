// What a person does with the own sessions: look at the open ones, and end one, as at a gateway.

import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { pageByKey, pageOf, pageParameters, sortedByKey } from '#api/paging.ts'
import { OpenSessionSchema } from '#api/routes/sessions.ts'
import { isoTime } from '#api/time.ts'
import { endOf, publicIdOf, type Session } from '#central/people/sessions.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { CentralContext, CentralServer } from '../context.ts'
import { callerOf, credentialsOf } from '../guard.ts'

/** A page is one of this many; more sessions than that nobody has. */
const MAX = 1000
const MAX_TIME = 8.64e15

export function registerSessions(app: CentralServer, context: CentralContext): void {
  const { authenticator, sessions } = context
  app.get(
    '/sessions',
    {
      config: { permission: 'known' },
      schema: {
        tags: ['session'],
        summary: 'Own open sessions, the one used last first; none for programs',
        querystring: Type.Object(pageParameters({ max: MAX, default: MAX }), { additionalProperties: false }),
        response: { 200: pageOf(OpenSessionSchema, 'Sessions') },
      },
    },
    async (request) => {
      const { query } = request
      const account = await accountOf(request, context)
      const { session: own } = credentialsOf(request)
      const open = account === null ? [] : await sessions.allOf(account)
      const items = open.map((session) => ({
        id: session.publicId,
        isThis: own !== null && publicIdOf(own) === session.publicId,
        address: session.address ?? '',
        startedAt: isoTime(session.startedAt),
        usedAt: isoTime(session.usedAt),
        expiresAt: isoTime(endOf(session)),
      }))
      // Newest use first: the key counts down from the last moment there is.
      const key = (session: (typeof items)[number]): string =>
        `${String(MAX_TIME - Date.parse(session.usedAt)).padStart(16, '0')} ${session.id}`
      return pageByKey({ items: sortedByKey(items, key), key, limit: query.limit ?? MAX, cursor: query.cursor })
    },
  )
  app.delete(
    '/sessions/:id',
    {
      config: { permission: 'known', audit: 'session.end' },
      schema: {
        tags: ['session'],
        summary: 'End one of the own sessions; other processes of central hear of it within 5 s',
        params: Type.Object({ id: Type.String({ minLength: 1, maxLength: 256 }) }),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const account = await accountOf(request, context)
      if (account === null) throw new TelemetryError('CONFLICT', 'This is for people who logged in with a password')
      const { id } = request.params
      if (!(await sessions.endOne(account, id))) throw new TelemetryError('NOT_FOUND', `You have no session ${id}`)
      authenticator.forget()
      return reply.code(204).send(null)
    },
  )
}

/** Whose sessions are meant; null for programs and for people of the provider, who have none here. */
async function accountOf(
  request: FastifyRequest,
  { users }: CentralContext,
): Promise<Pick<Session, 'tenant' | 'user' | 'mark'> | null> {
  const { name, tenant, tenantNumber, via } = callerOf(request)
  const user = via === 'session' ? await users.get(tenantNumber, name) : null
  return user === null ? null : { tenant, user: name, mark: user.mark }
}
