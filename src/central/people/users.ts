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
  /** Unix milliseconds. */
  readonly createdAt: number
  /** For ETags. */
  readonly revision: number
  /** Changes with the password; tells nothing of it. */
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
  readonly createdAt: number
  readonly passwordHash: string
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
    const body: Body = { role, isPlatformAdmin, createdAt: this.#clock.now(), passwordHash }
    try {
      return userOf(await this.#tenancy.putDocument(tenant, KIND, { id: name, body: { ...body } }, 0))
    } catch (cause) {
      if (!(cause instanceof TelemetryError) || cause.code !== 'STALE') throw cause
      throw new TelemetryError('CONFLICT', `There is a user ${name} already`, { cause })
    }
  }

  /** Changes role or password. Throws NOT_FOUND, STALE. */
  async change(
    tenant: TenantNumber,
    name: string,
    change: { readonly role?: Role; readonly password?: string },
    ifRevision: number | null,
  ): Promise<User> {
    const passwordHash = change.password === undefined ? null : await hashPassword(change.password)
    const document = await this.#tenancy.document(tenant, KIND, name)
    if (!document) throw new TelemetryError('NOT_FOUND', `There is no user ${name}`)
    const body = bodyOf(document)
    const next = { ...body, role: change.role ?? body.role, passwordHash: passwordHash ?? body.passwordHash }
    const revision = ifRevision ?? document.revision
    return userOf(await this.#tenancy.putDocument(tenant, KIND, { id: name, body: next }, revision))
  }

  /** Throws NOT_FOUND. */
  async remove(tenant: TenantNumber, name: string): Promise<void> {
    if (!(await this.#tenancy.removeDocument(tenant, KIND, name)))
      throw new TelemetryError('NOT_FOUND', `There is no user ${name}`)
  }

  /** The user, or null when tenant, name or password is wrong; takes as long either way. `tenant` null: there is no such one. */
  async authenticate(tenant: TenantNumber | null, name: string, password: string): Promise<User | null> {
    const document = tenant === null ? null : await this.#tenancy.document(tenant, KIND, name)
    this.#decoyHash ??= hashPassword(newSecret())
    const isRight = await verifyPassword(password, document ? bodyOf(document).passwordHash : await this.#decoyHash)
    return document && isRight ? userOf(document) : null
  }
}

function userOf(document: DocumentRecord): User {
  const { createdAt, isPlatformAdmin, passwordHash, role } = bodyOf(document)
  const mark = hashSecret(passwordHash).slice(0, 16)
  return { name: document.id, role, isPlatformAdmin, createdAt, revision: document.revision, mark }
}

function bodyOf({ body, id }: DocumentRecord): Body {
  const { createdAt, isPlatformAdmin, passwordHash, role } = body
  const known = ROLES.find((each) => each === role)
  if (known === undefined || typeof passwordHash !== 'string' || typeof createdAt !== 'number')
    throw new TelemetryError('STORE_CORRUPT', `The account of ${id} is damaged`)
  return { role: known, isPlatformAdmin: isPlatformAdmin === true, createdAt, passwordHash }
}
