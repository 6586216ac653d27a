// Users and tokens, for administrators.

import { Type } from 'typebox'
import { callerOf } from '../auth/access.ts'
import { ROLES } from '../auth/roles.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { pageByKey, pageOf, pageParameters, sortedByKey } from '../paging.ts'
import { TimeSchema } from '../time.ts'
import { NameSchema, NewPasswordSchema } from './session.ts'

const RoleSchema = Type.Enum([...ROLES])
const UserSchema = Type.Object({ name: Type.String(), role: RoleSchema, createdAt: TimeSchema })
const token = { id: Type.String(), name: Type.String(), role: RoleSchema, createdAt: TimeSchema }
const page = pageParameters({ max: 1000, default: 100 })

export function registerAccounts(app: ApiServer, context: ApiContext): void {
  registerUsers(app, context)
  registerTokens(app, context)
}

function registerUsers(app: ApiServer, { accounts, sessions, login, options }: ApiContext): void {
  const byName = ({ name }: { name: string }): string => name

  app.get(
    '/api/v1/users',
    {
      config: { access: 'admin' },
      schema: {
        tags: ['accounts'],
        summary: 'Users',
        querystring: Type.Object(page, { additionalProperties: false }),
        response: { 200: pageOf(UserSchema, 'Users by name') },
      },
    },
    async ({ query }) =>
      pageByKey({
        items: sortedByKey(accounts.users(), byName),
        key: byName,
        limit: query.limit ?? 100,
        cursor: query.cursor,
      }),
  )

  app.post(
    '/api/v1/users',
    {
      config: { access: 'admin', audit: 'user.add' },
      schema: {
        tags: ['accounts'],
        summary: 'Add a user',
        body: Type.Object(
          { name: NameSchema, password: NewPasswordSchema, role: RoleSchema },
          { additionalProperties: false },
        ),
        response: { 201: UserSchema },
      },
    },
    async (request, reply) => {
      const { name, password, role } = request.body
      request.auditDetails = { target: name, after: { role } }
      const user = await login.addUser(name, password, role)
      options.log.info({ user: name, role, by: callerOf(request) }, 'A user was added')
      return reply.code(201).send(user)
    },
  )

  app.delete(
    '/api/v1/users/:name',
    {
      config: { access: 'admin', audit: 'user.remove' },
      schema: {
        tags: ['accounts'],
        summary: 'Remove a user and end its sessions',
        params: Type.Object({ name: Type.String({ minLength: 1, maxLength: 256 }) }),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { name } = request.params
      request.auditDetails = { before: { role: accounts.user(name)?.role ?? null } }
      await accounts.removeUser(name)
      sessions.endAllOf(name)
      options.log.info({ user: name, by: callerOf(request) }, 'A user was removed')
      return reply.code(204).send(null)
    },
  )
}

function registerTokens(app: ApiServer, { accounts, options }: ApiContext): void {
  const byId = ({ id }: { id: string }): string => id

  app.get(
    '/api/v1/tokens',
    {
      config: { access: 'admin' },
      schema: {
        tags: ['accounts'],
        summary: 'Tokens of programs',
        querystring: Type.Object(page, { additionalProperties: false }),
        response: { 200: pageOf(Type.Object(token), 'Tokens by id') },
      },
    },
    async ({ query }) =>
      pageByKey({
        items: sortedByKey(accounts.tokens(), byId),
        key: byId,
        limit: query.limit ?? 100,
        cursor: query.cursor,
      }),
  )

  app.post(
    '/api/v1/tokens',
    {
      config: { access: 'admin', audit: 'token.add' },
      schema: {
        tags: ['accounts'],
        summary: 'Make a token; its text is in this answer and nowhere else',
        body: Type.Object({ name: NameSchema, role: RoleSchema }, { additionalProperties: false }),
        response: { 201: Type.Object({ ...token, token: Type.String() }) },
      },
    },
    async (request, reply) => {
      const { name, role } = request.body
      const created = await accounts.createToken(name, role)
      request.auditDetails = { target: created.id, after: { name, role } }
      options.log.info({ id: created.id, name, role, by: callerOf(request) }, 'A program was given access')
      return reply.code(201).send(created)
    },
  )

  app.delete(
    '/api/v1/tokens/:id',
    {
      config: { access: 'admin', audit: 'token.revoke' },
      schema: {
        tags: ['accounts'],
        summary: 'Revoke a token',
        params: Type.Object({ id: Type.String({ minLength: 1, maxLength: 256 }) }),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const former = accounts.tokens().find((token) => token.id === request.params.id)
      request.auditDetails = { before: former ? { name: former.name, role: former.role } : null }
      await accounts.revokeToken(request.params.id)
      options.log.info({ id: request.params.id, by: callerOf(request) }, 'The access of a program was revoked')
      return reply.code(204).send(null)
    },
  )
}
