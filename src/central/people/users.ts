// People with a name and password of a tenant, kept as documents of storage. For installations without an OpenID Connect provider,
// and for the first administrator.

import { hashPassword, verifyPassword } from '#api/auth/password.ts'
import { ROLES, type Role } from '#api/auth/roles.ts'
import { hashSecret, newSecret } from '#api/auth/secret.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { Page } from '#domain/history.ts'
import type { Clock } from '#kit/clock.ts'
import type { DocumentRecord, PageQuery, Tenancy, TenantNumber } from '../ports.ts'

const KIND = 'user'

export interface User {
  readonly name: string
  readonly role: Role
  /** Makes tenants. */
  readonly isPlatformAdmin: boolean
  /** False: disabled; nobody logs in as this one, and no session of it counts. */
  readonly isActive: boolean
  /** Unix milliseconds. */
  readonly createdAt: number
  /** For ETags. */
  readonly revision: number
  /** Changes with the password and when all sessions are ended; tells nothing of the password. */
  readonly mark: string
}

export interface NewUser {
  readonly name: string
  readonly password: string
  readonly role: Role
  readonly isPlatformAdmin?: boolean
}

interface Body {
  readonly role: Role
  readonly isPlatformAdmin: boolean
  readonly isActive: boolean
  readonly createdAt: number
  readonly passwordHash: string
  /** How often all sessions were ended. */
  readonly sessionsEnded: number
}

export interface UserChange {
  readonly role?: Role
  readonly password?: string
  readonly isActive?: boolean
  /** True: every session that there is ends. */
  readonly endsSessions?: boolean
}

export class Users {
  readonly #tenancy: Tenancy
  readonly #clock: Clock
  /** Checked when there is no such user, so that the answer takes as long as for one. */
  #decoyHash: Promise<string> | null = null

  constructor(tenancy: Tenancy, clock: Clock) {
    this.#tenancy = tenancy
    this.#clock = clock
  }

  async get(tenant: TenantNumber, name: string): Promise<User | null> {
    const document = await this.#tenancy.document(tenant, KIND, name)
    return document && userOf(document)
  }

  async list(tenant: TenantNumber, query: PageQuery): Promise<Page<User>> {
    const { items, next } = await this.#tenancy.documents(tenant, KIND, query)
    return { items: items.map(userOf), next }
  }

  /** Throws CONFLICT when the name is taken. */
  async add(tenant: TenantNumber, { isPlatformAdmin = false, name, password, role }: NewUser): Promise<User> {
    const passwordHash = await hashPassword(password)
    const createdAt = this.#clock.now()
    const body: Body = { role, isPlatformAdmin, isActive: true, createdAt, passwordHash, sessionsEnded: 0 }
    try {
      return userOf(await this.#tenancy.putDocument(tenant, KIND, { id: name, body: { ...body } }, 0))
    } catch (cause) {
      if (!(cause instanceof TelemetryError) || cause.code !== 'STALE') throw cause
      throw new TelemetryError('CONFLICT', `There is a user ${name} already`, { cause })
    }
  }

  /** Throws NOT_FOUND, STALE. */
  async change(tenant: TenantNumber, name: string, change: UserChange, ifRevision: number | null): Promise<User> {
    const passwordHash = change.password === undefined ? null : await hashPassword(change.password)
    const document = await this.#tenancy.document(tenant, KIND, name)
    if (!document) throw new TelemetryError('NOT_FOUND', `There is no user ${name}`)
    const body = bodyOf(document)
    const next: Body = {
      ...body,
      role: change.role ?? body.role,
      isActive: change.isActive ?? body.isActive,
      passwordHash: passwordHash ?? body.passwordHash,
      // Who was disabled comes back with a new session.
      sessionsEnded: body.sessionsEnded + (change.endsSessions === true || change.isActive === false ? 1 : 0),
    }
    const revision = ifRevision ?? document.revision
    return userOf(await this.#tenancy.putDocument(tenant, KIND, { id: name, body: { ...next } }, revision))
  }

  /** Throws NOT_FOUND. */
  async remove(tenant: TenantNumber, name: string): Promise<void> {
    if (!(await this.#tenancy.removeDocument(tenant, KIND, name)))
      throw new TelemetryError('NOT_FOUND', `There is no user ${name}`)
  }

  /** The user, or null when tenant, name or password is wrong, or it is disabled; takes as long either way. `tenant` null: there is no such one. */
  async authenticate(tenant: TenantNumber | null, name: string, password: string): Promise<User | null> {
    const document = tenant === null ? null : await this.#tenancy.document(tenant, KIND, name)
    this.#decoyHash ??= hashPassword(newSecret())
    const isRight = await verifyPassword(password, document ? bodyOf(document).passwordHash : await this.#decoyHash)
    const user = document && isRight ? userOf(document) : null
    return user?.isActive === true ? user : null
  }
}

function userOf(document: DocumentRecord): User {
  const { passwordHash, sessionsEnded, ...body } = bodyOf(document)
  const mark = hashSecret(sessionsEnded === 0 ? passwordHash : `${passwordHash} ${sessionsEnded}`).slice(0, 16)
  return { name: document.id, ...body, revision: document.revision, mark }
}

function bodyOf({ body, id }: DocumentRecord): Body {
  const { createdAt, isActive, isPlatformAdmin, passwordHash, role, sessionsEnded } = body
  const known = ROLES.find((each) => each === role)
  if (known === undefined || typeof passwordHash !== 'string' || typeof createdAt !== 'number')
    throw new TelemetryError('STORE_CORRUPT', `The account of ${id} is damaged`)
  return {
    role: known,
    isPlatformAdmin: isPlatformAdmin === true,
    // Absent in accounts that were made before there was a way to disable them.
    isActive: isActive !== false,
    createdAt,
    passwordHash,
    sessionsEnded: typeof sessionsEnded === 'number' ? sessionsEnded : 0,
  }
}
