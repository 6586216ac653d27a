// First set-up, log-in, log-out, and who is asking.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { ROLES } from '#api/auth/roles.ts'
import { NameSchema as UserNameSchema, NewPasswordSchema } from '#api/routes/session.ts'
import { isoTime, NullableTimeSchema } from '#api/time.ts'
import { SCOPES, type Caller } from '#central/people/caller.ts'
import type { LoggedIn } from '#central/people/login.ts'
import { endOf } from '#central/people/sessions.ts'
import type { CentralContext, CentralServer } from '../context.ts'
import { credentialsOf, SESSION_COOKIE } from '../guard.ts'
import { IdSchema, NameSchema } from '../request-parts.ts'

/** Of the first tenant, unless the set-up says another. */
const HOME = { id: 'main', name: 'Main' }
const strict = { additionalProperties: false }

const SessionSchema = Type.Object({
  auth: Type.Literal('required'),
  setup: Type.Boolean({
    description: 'There is no administrator yet: use the link that central printed at its start.',
  }),
  tenant: Type.Union([Type.Object({ id: Type.String(), name: Type.String() }), Type.Null()]),
  user: Type.Union([
    Type.Object({
      name: Type.String(),
      role: Type.Union([Type.Enum([...ROLES]), Type.Null()], { description: 'null for a program.' }),
      scopes: Type.Union([Type.Array(Type.Enum([...SCOPES])), Type.Null()], { description: 'null for a person.' }),
      platformAdmin: Type.Boolean({ description: 'Makes tenants.' }),
    }),
    Type.Null(),
  ]),
  expiresAt: NullableTimeSchema,
})

export function registerSession(app: CentralServer, context: CentralContext): void {
  registerWhoAmI(app, context)
  registerSetup(app, context)
  registerLogin(app, context)
  registerLogout(app, context)
}

function registerWhoAmI(app: CentralServer, context: CentralContext): void {
  app.get(
    '/session',
    {
      config: { permission: 'public' },
      schema: { tags: ['session'], summary: 'Who is asking', response: { 200: SessionSchema } },
    },
    async (request) => {
      const credentials = credentialsOf(request)
      // A key or token tells here what is wrong with it.
      const caller = credentials.bearer === null ? request.caller : await context.authenticator.identify(credentials)
      return describe(context, caller, credentials.session)
    },
  )
}

function registerSetup(app: CentralServer, context: CentralContext): void {
  app.post(
    '/setup',
    {
      config: { permission: 'public', audit: 'session.setup' },
      schema: {
        tags: ['session'],
        summary: 'Make the first tenant and its administrator, with the token of the set-up link, and log in',
        body: Type.Object(
          {
            token: Type.String({ minLength: 1, maxLength: 256 }),
            name: UserNameSchema,
            password: NewPasswordSchema,
            tenant: Type.Optional(
              Type.Object(
                { id: IdSchema, name: Type.Optional(NameSchema) },
                { ...strict, description: 'Default: `main`. One that is there already is taken.' },
              ),
            ),
          },
          strict,
        ),
        response: { 201: SessionSchema },
      },
    },
    async (request, reply) => {
      const { token, name, password, tenant = HOME } = request.body
      request.auditDetails = { who: 'set-up link' }
      const first = { token, name, password, tenant: { id: tenant.id, name: tenant.name ?? tenant.id } }
      const loggedIn = await context.login.withSetupToken(first, request.ip)
      request.auditDetails = { who: name, target: name, after: { role: 'admin', tenant: loggedIn.tenant.id } }
      context.options.log.info({ user: name, address: request.ip }, 'The first administrator was made')
      return reply.code(201).send(await begin(context, loggedIn, request, reply))
    },
  )
}

function registerLogin(app: CentralServer, context: CentralContext): void {
  app.post(
    '/session',
    {
      config: { permission: 'public', audit: 'session.login' },
      schema: {
        tags: ['session'],
        summary: 'Log in',
        body: Type.Object(
          {
            tenant: Type.Optional(
              Type.String({
                minLength: 1,
                maxLength: 64,
                description: 'Id. Default: that of the first administrator.',
              }),
            ),
            name: Type.String({ minLength: 1, maxLength: 64 }),
            password: Type.String({ minLength: 1, maxLength: 256 }),
          },
          strict,
        ),
        response: { 200: SessionSchema },
      },
    },
    async (request, reply) => {
      const { name, password, tenant = null } = request.body
      const loggedIn = await context.login.withPassword({ tenant, name, password }, request.ip)
      request.auditDetails = { who: name, target: name, after: { tenant: loggedIn.tenant.id } }
      return begin(context, loggedIn, request, reply)
    },
  )
}

function registerLogout(app: CentralServer, { authenticator, sessions }: CentralContext): void {
  app.delete(
    '/session',
    {
      config: { permission: 'public', audit: 'session.logout' },
      schema: { tags: ['session'], summary: 'Log out', response: { 204: Type.Null() } },
    },
    async (request, reply) => {
      const { session } = credentialsOf(request)
      if (session !== null) {
        await sessions.end(session)
        authenticator.forget()
      }
      return reply.clearCookie(SESSION_COOKIE, { path: '/' }).code(204).send(null)
    },
  )
}

/** A new session; one that the request already has ends, so that an id planted before is worth nothing. */
async function begin(
  context: CentralContext,
  { tenant, user }: LoggedIn,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Static<typeof SessionSchema>> {
  const { session: former } = credentialsOf(request)
  if (former !== null) await context.sessions.end(former)
  const id = await context.sessions.begin({ tenant: tenant.id, user: user.name, mark: user.mark, address: request.ip })
  reply.setCookie(SESSION_COOKIE, id, {
    path: '/',
    httpOnly: true,
    sameSite: 'strict',
    secure: request.protocol === 'https',
  })
  const caller = await context.authenticator.identify({ bearer: null, session: id })
  // The audit log of the tenant, not of the platform.
  request.caller = caller
  return describe(context, caller, id)
}

async function describe(
  { options, sessions, setup }: CentralContext,
  caller: Caller | null,
  id: string | null,
): Promise<Static<typeof SessionSchema>> {
  if (caller === null)
    return { auth: 'required', setup: (await setup.home()) === null, tenant: null, user: null, expiresAt: null }
  const tenant = await options.storage.tenancy.get(caller.tenant)
  const session = caller.via === 'session' && id !== null ? await sessions.find(id) : null
  return {
    auth: 'required',
    setup: false,
    tenant: { id: caller.tenant, name: tenant?.name ?? caller.tenant },
    user: {
      name: caller.name,
      role: caller.via === 'key' ? null : caller.role,
      scopes: caller.via === 'key' ? [...caller.scopes] : null,
      platformAdmin: caller.via !== 'key' && caller.isPlatformAdmin,
    },
    expiresAt: session && isoTime(endOf(session)),
  }
}
