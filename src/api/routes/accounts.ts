// Users and tokens, for administrators.

import { Type } from 'typebox'
import { TelemetryError } from '#domain/errors.ts'
import { callerOf } from '../auth/access.ts'
import type { Token } from '../auth/accounts.ts'
import { ROLES } from '../auth/roles.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { pageByKey, pageOf, pageParameters, sortedByKey } from '../paging.ts'
import { invalid } from '../problem.ts'
import { isoTime, NullableTimeSchema, readDuration, TimeSchema } from '../time.ts'
import { NameSchema, NewPasswordSchema } from './session.ts'

const RoleSchema = Type.Enum([...ROLES])
const UserSchema = Type.Object({ name: Type.String(), role: RoleSchema, createdAt: TimeSchema })
const IngestSchema = Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { minItems: 1, maxItems: 100 })
const token = {
  id: Type.String(),
  name: Type.String(),
  role: RoleSchema,
  createdAt: TimeSchema,
  expiresAt: NullableTimeSchema,
  lastUsedAt: NullableTimeSchema,
  ingest: Type.Union([IngestSchema, Type.Null()], {
    description: 'Devices that it may hand readings in for, and nothing else; null: all that its role may.',
  }),
}
const lifetimeLimits = { minMs: 60_000, maxMs: 10 * 366 * 86_400_000, words: 'between 1m and 10y' }
const UserParams = Type.Object({ name: Type.String({ minLength: 1, maxLength: 256 }) })
const page = pageParameters({ max: 1000, default: 100 })

export function registerAccounts(app: ApiServer, context: ApiContext): void {
  registerUsers(app, context)
  registerTokens(app, context)
}

function registerUsers(app: ApiServer, context: ApiContext): void {
  const { accounts, sessions, login, options } = context
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

  registerUserChange(app, context)

  app.delete(
    '/api/v1/users/:name',
    {
      config: { access: 'admin', audit: 'user.remove' },
      schema: {
        tags: ['accounts'],
        summary: 'Remove a user and end its sessions',
        params: UserParams,
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

function registerUserChange(app: ApiServer, { accounts, sessions, login, options }: ApiContext): void {
  app.put(
    '/api/v1/users/:name',
    {
      config: { access: 'admin', audit: 'user.change' },
      schema: {
        tags: ['accounts'],
        summary: 'Give a user another role or a new password; its sessions end',
        params: UserParams,
        body: Type.Object(
          { role: Type.Optional(RoleSchema), password: Type.Optional(NewPasswordSchema) },
          { additionalProperties: false, minProperties: 1, examples: [{ role: 'engineer' }] },
        ),
        response: { 200: UserSchema },
      },
    },
    async (request) => {
      const { name } = request.params
      const { role, password } = request.body
      const before = accounts.user(name)
      if (!before) throw new TelemetryError('NOT_FOUND', `There is no user ${name}`)
      request.auditDetails = {
        before: { role: before.role },
        after: { role: role ?? before.role, ...(password !== undefined && { password: 'changed' }) },
      }
      if (role !== undefined) await accounts.setRole(name, role)
      if (password !== undefined) await login.setPassword(name, password)
      sessions.endAllOf(name)
      options.log.info({ user: name, by: callerOf(request) }, 'A user was changed')
      return accounts.user(name) ?? before
    },
  )
}

const NewTokenSchema = Type.Object(
  {
    name: NameSchema,
    role: RoleSchema,
    expiresIn: Type.Optional(
      Type.String({ maxLength: 32, description: 'From `1m` to `10y`; without it, the token never ends.' }),
    ),
    ingest: Type.Optional(IngestSchema),
  },
  {
    additionalProperties: false,
    examples: [{ name: 'shop-floor', role: 'operator', expiresIn: '90d', ingest: ['apps'] }],
  },
)

const tokenShape = ({ id, name, role, createdAt, expiresAt, lastUsedAt, ingest }: Token) => {
  return { id, name, role, createdAt, expiresAt, lastUsedAt, ingest: ingest && [...ingest] }
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
        items: sortedByKey(accounts.tokens().map(tokenShape), byId),
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
        body: NewTokenSchema,
        response: { 201: Type.Object({ ...token, token: Type.String() }) },
      },
    },
    async (request, reply) => {
      const { name, role, ingest = null, expiresIn } = request.body
      if (ingest !== null && role !== 'operator')
        throw invalid('body.role', 'must be operator for a token that hands in readings')
      const livesMs = expiresIn === undefined ? null : readDuration('body.expiresIn', expiresIn, lifetimeLimits)
      const expiresAt = livesMs === null ? null : isoTime(options.clock.now() + livesMs)
      const created = await accounts.createToken(name, role, { expiresAt, ingest })
      request.auditDetails = { target: created.id, after: { name, role, expiresAt, ingest } }
      options.log.info({ id: created.id, name, role, by: callerOf(request) }, 'A program was given access')
      return reply.code(201).send({ ...tokenShape(created), token: created.token })
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
