// People of a tenant with a name and password here, for administrators; and everybody's own password.

import { Type, type Static } from 'typebox'
import { mapPage, pageOf } from '#api/paging.ts'
import { ROLES } from '#api/auth/roles.ts'
import { NameSchema, NewPasswordSchema } from '#api/routes/session.ts'
import { isoTime, TimeSchema } from '#api/time.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { Caller } from '#central/people/caller.ts'
import type { User } from '#central/people/users.ts'
import type { CentralContext, CentralServer } from '../context.ts'
import { callerOf } from '../guard.ts'
import { ifMatch, page, pageOfQuery, tenantOf, withETag } from '../request-parts.ts'
import { found } from './model.ts'

const config = { permission: 'administer' } as const
const strict = { additionalProperties: false }
const NONE = { 204: Type.Null() }
const NameParams = Type.Object({ name: Type.String({ minLength: 1, maxLength: 64 }) })
const UserSchema = Type.Object({
  name: Type.String(),
  role: Type.Enum([...ROLES]),
  platformAdmin: Type.Boolean(),
  active: Type.Boolean({ description: 'false: disabled; nobody logs in as this one.' }),
  createdAt: TimeSchema,
})

function userShape({ createdAt, isActive, isPlatformAdmin, name, role }: User): Static<typeof UserSchema> {
  return { name, role, platformAdmin: isPlatformAdmin, active: isActive, createdAt: isoTime(createdAt) }
}

export function registerUsers(app: CentralServer, context: CentralContext): void {
  registerList(app, context)
  registerAdd(app, context)
  registerChange(app, context)
  registerRemove(app, context)
  registerSignOut(app, context)
  registerOwnPassword(app, context)
}

function registerList(app: CentralServer, { users }: CentralContext): void {
  app.get(
    '/users',
    {
      config,
      schema: {
        tags: ['users'],
        summary: 'People with an account here',
        querystring: Type.Object(page, strict),
        response: { 200: pageOf(UserSchema, 'Users by name') },
      },
    },
    async (request) => mapPage(await users.list(tenantOf(request), pageOfQuery(request.query)), userShape),
  )
}

function registerAdd(app: CentralServer, { login, users }: CentralContext): void {
  app.post(
    '/users',
    {
      config: { ...config, audit: 'user.add' },
      schema: {
        tags: ['users'],
        summary: 'Make an account',
        body: Type.Object({ name: NameSchema, password: NewPasswordSchema, role: Type.Enum([...ROLES]) }, strict),
        response: { 201: UserSchema },
      },
    },
    async (request, reply) => {
      const { name, password, role } = request.body
      request.auditDetails = { target: name, after: { role } }
      const user = await login.hashing(() => users.add(tenantOf(request), { name, password, role }))
      return withETag(reply.code(201), user.revision, userShape(user))
    },
  )
}

function registerChange(app: CentralServer, context: CentralContext): void {
  const { authenticator, login, users } = context
  app.patch(
    '/users/:name',
    {
      config: { ...config, audit: 'user.change' },
      schema: {
        tags: ['users'],
        summary: 'Change role or password, disable or enable; another password and disabling end the sessions',
        params: NameParams,
        body: Type.Object(
          {
            role: Type.Optional(Type.Enum([...ROLES])),
            password: Type.Optional(NewPasswordSchema),
            active: Type.Optional(Type.Boolean()),
          },
          { ...strict, minProperties: 1 },
        ),
        response: { 200: UserSchema },
      },
    },
    async (request, reply) => {
      const { name } = request.params
      const tenant = tenantOf(request)
      const before = found(await users.get(tenant, name), 'user', name)
      refuseOverPlatform(before, callerOf(request))
      const { active, password, role } = request.body
      if (active === false || (role !== undefined && role !== 'admin')) await keepAdministrator(context, tenant, before)
      request.auditDetails = {
        before: { role: before.role, active: before.isActive },
        after: { role: role ?? before.role, active: active ?? before.isActive, password: password !== undefined },
      }
      const change = {
        ...(role !== undefined && { role }),
        ...(password !== undefined && { password }),
        ...(active !== undefined && { isActive: active }),
      }
      const user = await login.hashing(() => users.change(tenant, name, change, ifMatch(request)))
      authenticator.forget()
      return withETag(reply, user.revision, userShape(user))
    },
  )
}

function registerRemove(app: CentralServer, context: CentralContext): void {
  const { authenticator, users } = context
  app.delete(
    '/users/:name',
    {
      config: { ...config, audit: 'user.remove' },
      schema: { tags: ['users'], summary: 'Remove an account', params: NameParams, response: NONE },
    },
    async (request, reply) => {
      const { name } = request.params
      const tenant = tenantOf(request)
      const user = found(await users.get(tenant, name), 'user', name)
      refuseOverPlatform(user, callerOf(request))
      await keepAdministrator(context, tenant, user)
      await users.remove(tenant, name)
      authenticator.forget()
      return reply.code(204).send(null)
    },
  )
}

function registerSignOut(app: CentralServer, context: CentralContext): void {
  const { authenticator, users } = context
  app.delete(
    '/users/:name/sessions',
    {
      config: { ...config, audit: 'user.sign-out' },
      schema: { tags: ['users'], summary: 'End all sessions of an account', params: NameParams, response: NONE },
    },
    async (request, reply) => {
      const { name } = request.params
      const tenant = tenantOf(request)
      refuseOverPlatform(found(await users.get(tenant, name), 'user', name), callerOf(request))
      await users.change(tenant, name, { endsSessions: true }, null)
      authenticator.forget()
      return reply.code(204).send(null)
    },
  )
}

function registerOwnPassword(app: CentralServer, { authenticator, login, users }: CentralContext): void {
  app.put(
    '/session/password',
    {
      config: { permission: 'known', audit: 'user.password' },
      schema: {
        tags: ['session'],
        summary: 'Change the own password; every session of it ends',
        body: Type.Object(
          { current: Type.String({ minLength: 1, maxLength: 256 }), password: NewPasswordSchema },
          strict,
        ),
        response: NONE,
      },
    },
    async (request, reply) => {
      const { name, tenant, tenantNumber, via } = callerOf(request)
      if (via !== 'session') throw new TelemetryError('CONFLICT', 'Only who logged in with a password has one here')
      const { current, password } = request.body
      request.auditDetails = { target: name }
      await login.withPassword({ tenant, name, password: current }, request.ip)
      await login.hashing(() => users.change(tenantNumber, name, { password }, null))
      authenticator.forget()
      return reply.code(204).send(null)
    },
  )
}

/** An administrator of one tenant must not become one of the platform by taking over the account of such a one. */
function refuseOverPlatform(user: User, caller: Caller): void {
  const isPlatform = caller.via !== 'key' && caller.isPlatformAdmin
  if (user.isPlatformAdmin && !isPlatform)
    throw new TelemetryError(
      'PERMISSION_DENIED',
      `${user.name} administrates the platform: only such a one changes that`,
    )
}

/** Throws CONFLICT when `user` is the last administrator of the platform: nobody could make tenants then. */
async function keepAdministrator({ users }: CentralContext, tenant: number, user: User): Promise<void> {
  if (!user.isPlatformAdmin) return
  for (let cursor: string | null = null; ;) {
    const part = await users.list(tenant, { limit: 1000, cursor })
    const isOther = (other: User): boolean =>
      other.isPlatformAdmin && other.isActive && other.role === 'admin' && other.name !== user.name
    if (part.items.some(isOther)) return
    cursor = part.next
    if (cursor === null) throw new TelemetryError('CONFLICT', `${user.name} is the last administrator of the platform`)
  }
}
