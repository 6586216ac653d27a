// First set-up, log-in, log-out, and who is logged in.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { TelemetryError } from '#domain/errors.ts'
import { cookieName, sessionOf } from '../auth/access.ts'
import type { User } from '../auth/accounts.ts'
import { ROLES, type Principal } from '../auth/roles.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { isoTime, NullableTimeSchema } from '../time.ts'

export const NameSchema = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$',
  description: 'Letters, digits and . _ @ -',
  examples: ['shift-lead'],
})
/** Long enough to resist guessing, short enough to hash. */
export const NewPasswordSchema = Type.String({ minLength: 10, maxLength: 256, description: 'At least 10 characters.' })

export const SessionSchema = Type.Object({
  auth: Type.Enum(['none', 'required']),
  setup: Type.Boolean({
    description: 'There is no administrator yet: use the link that the gateway printed at its start.',
  }),
  user: Type.Union([Type.Object({ name: Type.String(), role: Type.Enum([...ROLES]) }), Type.Null()]),
  expiresAt: NullableTimeSchema,
})

export function registerSession(app: ApiServer, context: ApiContext): void {
  registerWhoAmI(app, context)
  registerSetup(app, context)
  registerLogin(app, context)
}

function registerWhoAmI(app: ApiServer, context: ApiContext): void {
  app.get(
    '/api/v1/session',
    {
      config: { access: 'public' },
      schema: { tags: ['session'], summary: 'Who is logged in', response: { 200: SessionSchema } },
    },
    async (request) => describe(context, request.principal, sessionOf(request, context)),
  )
}

function registerSetup(app: ApiServer, context: ApiContext): void {
  app.post(
    '/api/v1/setup',
    {
      config: { access: 'public', audit: 'session.setup' },
      schema: {
        tags: ['session'],
        summary: 'Make the first administrator, with the token of the set-up link, and log in',
        body: Type.Object(
          { token: Type.String({ minLength: 1, maxLength: 256 }), name: NameSchema, password: NewPasswordSchema },
          { additionalProperties: false },
        ),
        response: { 201: SessionSchema },
      },
    },
    async (request, reply) => {
      needsAuthentication(context)
      const { token, name, password } = request.body
      request.auditDetails = { who: 'set-up link' }
      const user = await context.login.withSetupToken(token, name, password, request.ip)
      request.auditDetails = { who: name, target: name, after: { role: 'admin' } }
      context.options.log.info({ user: user.name, address: request.ip }, 'The first administrator was made')
      return reply.code(201).send(begin(context, user, request, reply))
    },
  )
}

function registerLogin(app: ApiServer, context: ApiContext): void {
  app.post(
    '/api/v1/session',
    {
      config: { access: 'public', audit: 'session.login' },
      schema: {
        tags: ['session'],
        summary: 'Log in',
        body: Type.Object(
          {
            name: Type.String({ minLength: 1, maxLength: 64 }),
            password: Type.String({ minLength: 1, maxLength: 256 }),
          },
          { additionalProperties: false },
        ),
        response: { 200: SessionSchema },
      },
    },
    async (request, reply) => {
      needsAuthentication(context)
      const { name, password } = request.body
      // A name that nobody has may be a password in the wrong field.
      request.auditDetails = { who: context.accounts.user(name) ? name : 'unknown' }
      const user = await context.login.withPassword(name, password, request.ip)
      context.options.log.info({ user: user.name, address: request.ip }, 'Logged in')
      return begin(context, user, request, reply)
    },
  )

  app.delete(
    '/api/v1/session',
    {
      config: { access: 'public', audit: 'session.logout' },
      schema: { tags: ['session'], summary: 'Log out', response: { 204: Type.Null() } },
    },
    async (request, reply) => {
      const id = sessionOf(request, context)
      if (id !== null) context.sessions.end(id)
      return reply.clearCookie(cookieName(context.options.info.id), { path: '/' }).code(204).send(null)
    },
  )
}

function needsAuthentication(context: ApiContext): void {
  if (context.options.http.auth === 'none')
    throw new TelemetryError('CONFLICT', 'Authentication is switched off in the configuration (http.auth: none)')
}

/** A new session for the user; one that the request already has ends, so that an id planted before is worth nothing. */
export function begin(
  context: ApiContext,
  user: User,
  request: FastifyRequest,
  reply: FastifyReply,
): Static<typeof SessionSchema> {
  const former = sessionOf(request, context)
  if (former !== null) context.sessions.end(former)
  const id = context.sessions.begin(user.name, request.ip)
  reply.setCookie(cookieName(context.options.info.id), id, {
    path: '/',
    httpOnly: true,
    sameSite: 'strict',
    secure: request.protocol === 'https',
  })
  return describe(context, { name: user.name, role: user.role, via: 'session' }, id)
}

function describe(context: ApiContext, principal: Principal | null, id: string | null): Static<typeof SessionSchema> {
  const { auth } = context.options.http
  const session = principal?.via === 'session' && id !== null ? context.sessions.find(id, false) : null
  return {
    auth,
    setup: auth === 'required' && !context.accounts.hasAdministrator,
    user: principal && { name: principal.name, role: principal.role },
    expiresAt: session && isoTime(session.expiresAt),
  }
}
