// Users and tokens of a gateway, for commands on its machine: through its API while it runs, else in its data folder. Either
// way the change stands in the audit log.

import { userInfo } from 'node:os'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import type { AuditLog } from '#api/audit/audit-log.ts'
import { Accounts, type NewToken, type Token, type User } from '#api/auth/accounts.ts'
import { ROLES, type Role } from '#api/auth/roles.ts'
import { NameSchema, NewPasswordSchema } from '#api/routes/session.ts'
import type { AuditChange, AuditValue } from '#domain/audit.ts'
import { TelemetryError } from '#domain/errors.ts'
import { parseDuration } from '#domain/units.ts'
import type { Clock } from '#kit/clock.ts'
import type { Logger } from '#kit/logger.ts'
import { withFolderAtRest } from './folder-at-rest.ts'
import { LocalGateway, type LocalRequest } from './local-gateway.ts'
import { runningGateway } from './running-gateway.ts'

export type { Role } from '#api/auth/roles.ts'

/** What users and programs may be, the least first. */
export const ACCOUNT_ROLES: readonly Role[] = ROLES

export interface TokenWish {
  readonly name: string
  readonly role: Role
  /** A duration: `90d`; absent: it never ends. */
  readonly expiresIn?: string
  /** Devices that it may hand readings in for, and nothing else. */
  readonly ingest?: readonly string[]
}

/** All throw what the API throws: CONFLICT, NOT_FOUND, USAGE, CONNECTION_FAILED, PERMISSION_DENIED, STORE_IO. */
export interface AccountsDesk {
  users(): Promise<readonly User[]>
  addUser(name: string, password: string, role: Role): Promise<void>
  setPassword(name: string, password: string): Promise<void>
  removeUser(name: string): Promise<void>
  tokens(): Promise<readonly Token[]>
  addToken(wish: TokenWish): Promise<NewToken>
  revokeToken(id: string): Promise<void>
}

export interface AccountsDeskOptions {
  readonly dataDir: string
  readonly clock: Clock
  readonly log: Logger
}

/** Runs `work` on the accounts of a data folder. Throws STORE_LOCKED when a gateway starts or stops at this moment. */
export async function withAccounts<T>(
  options: AccountsDeskOptions,
  work: (desk: AccountsDesk) => Promise<T>,
): Promise<T> {
  const { dataDir, clock } = options
  if (runningGateway(dataDir) !== null) return work(remoteDesk(new LocalGateway(dataDir)))
  return withFolderAtRest(options, async (audit) => {
    const accounts = new Accounts(join(dataDir, 'auth.json'), clock)
    await accounts.load()
    return work(localDesk(accounts, audit, clock))
  })
}

function remoteDesk(gateway: LocalGateway): AccountsDesk {
  const ask = <T>(method: string, path: string, body?: object): Promise<T> => {
    const json: Partial<LocalRequest> =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
    return gateway.ask<T>({ method, path, ...json })
  }
  const all = async <T>(path: string): Promise<T[]> => {
    const items: T[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const page: { items: T[]; next: string | null } = await ask('GET', `${path}?limit=1000${query}`)
      items.push(...page.items)
      cursor = page.next
    }
    return items
  }
  return {
    users: () => all<User>('/users'),
    addUser: (name, password, role) => ask('POST', '/users', { name, password, role }),
    setPassword: (name, password) => ask('PUT', `/users/${encodeURIComponent(name)}`, { password }),
    removeUser: (name) => ask('DELETE', `/users/${encodeURIComponent(name)}`),
    tokens: () => all<Token>('/tokens'),
    addToken: (wish) => ask('POST', '/tokens', wish),
    revokeToken: (id) => ask('DELETE', `/tokens/${encodeURIComponent(id)}`),
  }
}

function localDesk(accounts: Accounts, audit: AuditLog, clock: Clock): AccountsDesk {
  const told = async <T>(
    change: Pick<AuditChange, 'action' | 'target' | 'before' | 'after'>,
    act: () => Promise<T>,
  ) => {
    const entry = { ...change, who: `cli:${userInfo().username}`, via: 'local', from: null }
    const result = await act().catch(async (error: unknown) => {
      await audit.record({ ...entry, outcome: 'failed', after: null })
      throw error
    })
    await audit.record({ ...entry, outcome: 'done' })
    return result
  }
  const roleOf = (name: string): AuditValue => ({ role: accounts.user(name)?.role ?? null })
  return {
    users: async () => accounts.users(),
    addUser: async (name, password, role) => {
      refuseWrong(name, password)
      await told({ action: 'user.add', target: name, before: null, after: { role } }, () =>
        accounts.addUser(name, password, role),
      )
    },
    setPassword: (name, password) => {
      refuseWrong(name, password)
      const after = { password: 'changed' }
      return told({ action: 'user.change', target: name, before: roleOf(name), after }, () =>
        accounts.setPassword(name, password),
      )
    },
    removeUser: (name) =>
      told({ action: 'user.remove', target: name, before: roleOf(name), after: null }, () => accounts.removeUser(name)),
    tokens: async () => accounts.tokens(),
    addToken: ({ name, role, expiresIn, ingest = null }) => {
      refuseWrong(name, null)
      if (ingest !== null && role !== 'operator')
        throw new TelemetryError('USAGE', 'A token that hands in readings has the role operator')
      const livesMs = expiresIn === undefined ? null : parseDuration(expiresIn)
      const expiresAt = livesMs === null ? null : new Date(clock.now() + livesMs).toISOString()
      const after = { name, role, expiresAt, ingest }
      return told({ action: 'token.add', target: name, before: null, after }, () =>
        accounts.createToken(name, role, { expiresAt, ingest }),
      )
    },
    revokeToken: (id) => {
      const former = accounts.tokens().find((token) => token.id === id)
      const before = former ? { name: former.name, role: former.role } : null
      return told({ action: 'token.revoke', target: id, before, after: null }, () => accounts.revokeToken(id))
    },
  }
}

/** As the API does. */
function refuseWrong(name: string, password: string | null): void {
  const isName: boolean = Value.Check(NameSchema, name)
  if (!isName) throw new TelemetryError('USAGE', `${name} is no name: 1 to 64 letters, digits and . _ @ -`)
  if (password !== null && !Value.Check(NewPasswordSchema, password))
    throw new TelemetryError('USAGE', 'A password has 10 to 256 characters')
}
