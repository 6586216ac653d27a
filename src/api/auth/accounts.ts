// Users, tokens and the first set-up of one gateway, kept in auth.json. Every change is durable before it holds.

import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { TelemetryError } from '#domain/errors.ts'
import type { Clock } from '#kit/clock.ts'
import { EMPTY_AUTH, readAuthFile, writeAuthFile, type AuthFile } from './auth-file.ts'
import { hashPassword, verifyPassword } from './password.ts'
import type { Principal, Role } from './roles.ts'
import { hashSecret, matchesHash, newSecret } from './secret.ts'

export interface User {
  readonly name: string
  readonly role: Role
  /** ISO 8601, UTC. */
  readonly createdAt: string
}

export interface TokenLimits {
  /** ISO 8601, UTC; null: never. */
  readonly expiresAt: string | null
  /** Devices that it may hand readings in for, and nothing else (`*`: every device); null: all that its role may. */
  readonly ingest: readonly string[] | null
}

export interface Token extends User, TokenLimits {
  readonly id: string
  /** ISO 8601, UTC, to the hour after a restart; null: never used. */
  readonly lastUsedAt: string | null
}

/** What a new token is told once, and never again. */
export interface NewToken extends Token {
  readonly token: string
}

const TOKEN_PREFIX = 'tx_'
/** The last use of a token is written this often at most: the disk may be an SD card. */
const KEEP_USE_MS = 3_600_000
const UNLIMITED: TokenLimits = { expiresAt: null, ingest: null }

export class Accounts {
  readonly #path: string
  readonly #clock: Clock
  #content: AuthFile = EMPTY_AUTH
  #writing: Promise<unknown> = Promise.resolve()
  /** By token id, Unix milliseconds. */
  readonly #lastUse = new Map<string, number>()
  #keepingUse = false
  /** Checked when there is no such user, so that the answer takes as long as for one. */
  #decoyHash: Promise<string> | null = null

  constructor(path: string, clock: Clock) {
    this.#path = path
    this.#clock = clock
  }

  /** Reads the file. Throws STORE_CORRUPT, STORE_IO. */
  async load(): Promise<void> {
    this.#content = await readAuthFile(this.#path)
  }

  get hasAdministrator(): boolean {
    return this.#content.users.some((user) => user.role === 'admin')
  }

  /** Makes a new one-time set-up token; those of earlier starts end. Only its hash is kept. */
  async beginSetup(): Promise<string> {
    const token = newSecret()
    await this.#change((content) => ({ ...content, setupHash: hashSecret(token) }))
    return token
  }

  /** Makes the first administrator. Throws CONFLICT when there is one already, UNAUTHENTICATED for a wrong token. */
  async finishSetup(token: string, name: string, password: string): Promise<User> {
    this.#checkSetup(token)
    const passwordHash = await hashPassword(password)
    return this.#change((content) => {
      this.#checkSetup(token) // another caller may have been faster while the password was hashed
      const user = { name, role: 'admin' as const, passwordHash, createdAt: this.#today() }
      return { ...content, setupHash: null, users: [...content.users.filter((other) => other.name !== name), user] }
    }).then(() => this.#publicUser(name))
  }

  #checkSetup(token: string): void {
    if (this.hasAdministrator) throw new TelemetryError('CONFLICT', 'The gateway is already set up; log in')
    const hash = this.#content.setupHash
    if (hash === null || !matchesHash(token, hash)) {
      throw new TelemetryError(
        'UNAUTHENTICATED',
        'The set-up link is not valid; the newest one is printed at each start of the gateway',
      )
    }
  }

  users(): User[] {
    return this.#content.users.map(({ name, role, createdAt }) => ({ name, role, createdAt }))
  }

  user(name: string): User | undefined {
    return this.users().find((user) => user.name === name)
  }

  /** Throws CONFLICT when the name is taken. */
  async addUser(name: string, password: string, role: Role): Promise<User> {
    const passwordHash = await hashPassword(password)
    await this.#change((content) => {
      if (content.users.some((user) => user.name === name))
        throw new TelemetryError('CONFLICT', `There is a user ${name} already`)
      return { ...content, users: [...content.users, { name, role, passwordHash, createdAt: this.#today() }] }
    })
    return this.#publicUser(name)
  }

  /** Throws NOT_FOUND; CONFLICT for the last administrator. */
  async removeUser(name: string): Promise<void> {
    await this.#change((content) => {
      const rest = content.users.filter((user) => user.name !== name)
      if (rest.length === content.users.length) throw new TelemetryError('NOT_FOUND', `There is no user ${name}`)
      refuseWithoutAdministrator(content.users, rest)
      return { ...content, users: rest }
    })
  }

  /** Throws NOT_FOUND. */
  async setPassword(name: string, password: string): Promise<void> {
    const passwordHash = await hashPassword(password)
    await this.#change((content) => ({ ...content, users: changed(content.users, name, { passwordHash }) }))
  }

  /** Throws NOT_FOUND; CONFLICT for the last administrator. */
  async setRole(name: string, role: Role): Promise<User> {
    await this.#change((content) => {
      const users = changed(content.users, name, { role })
      refuseWithoutAdministrator(content.users, users)
      return { ...content, users }
    })
    return this.#publicUser(name)
  }

  /** The user, or null when name or password is wrong, or not right any more; takes as long either way. */
  async authenticate(name: string, password: string): Promise<User | null> {
    const stored = this.#content.users.find((user) => user.name === name)
    this.#decoyHash ??= hashPassword(newSecret())
    const isRight = await verifyPassword(password, stored?.passwordHash ?? (await this.#decoyHash))
    // Both may have changed while the password was hashed.
    const isStill = this.#content.users.some((user) => user.name === name && user.passwordHash === stored?.passwordHash)
    return isRight && isStill ? this.#publicUser(name) : null
  }

  tokens(): Token[] {
    return this.#content.tokens.map(
      ({ id, name, role, createdAt, expiresAt = null, ingest = null, lastUsedAt = null }) => {
        const used = this.#lastUse.get(id)
        return { id, name, role, createdAt, expiresAt, ingest, lastUsedAt: used === undefined ? lastUsedAt : iso(used) }
      },
    )
  }

  /** Makes a token for a program. Its text is in the answer and nowhere else. */
  async createToken(name: string, role: Role, limits: TokenLimits = UNLIMITED): Promise<NewToken> {
    const token = newSecret(TOKEN_PREFIX)
    const id = newSecret().slice(0, 12)
    const createdAt = this.#today()
    await this.#change((content) => ({
      ...content,
      tokens: [
        ...content.tokens,
        { id, name, role, hash: hashSecret(token), createdAt, ...limits, ingest: limits.ingest && [...limits.ingest] },
      ],
    }))
    return { id, name, role, createdAt, ...limits, lastUsedAt: null, token }
  }

  /** Throws NOT_FOUND. */
  async revokeToken(id: string): Promise<void> {
    await this.#change((content) => {
      const tokens = content.tokens.filter((token) => token.id !== id)
      if (tokens.length === content.tokens.length) throw new TelemetryError('NOT_FOUND', `There is no token ${id}`)
      return { ...content, tokens }
    })
  }

  /** Who a bearer token belongs to; null when it is not known, or over. `use` is kept as its last use. */
  tokenPrincipal(token: string, use: boolean): Principal | null {
    const hash = hashSecret(token)
    const stored = this.#content.tokens.find((candidate) => candidate.hash === hash)
    if (!stored) return null
    const { id, name, role, expiresAt = null, ingest = null, lastUsedAt = null } = stored
    const now = this.#clock.now()
    if (expiresAt !== null && now >= Date.parse(expiresAt)) return null
    if (use) {
      this.#lastUse.set(id, now)
      if (lastUsedAt === null || now - Date.parse(lastUsedAt) >= KEEP_USE_MS) void this.#keepUse()
    }
    return { name: `token:${name}`, role, via: 'token', ...(ingest && { ingest }) }
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await this.#writing
  }

  async #keepUse(): Promise<void> {
    if (this.#keepingUse) return
    this.#keepingUse = true
    try {
      await this.#change((content) => content)
    } catch {
      // No reason to refuse the caller: the next use or change writes it.
    } finally {
      this.#keepingUse = false
    }
  }

  #publicUser(name: string): User {
    const user = this.user(name)
    if (!user) throw new TelemetryError('CONFLICT', `The user ${name} was removed at the same moment`)
    return user
  }

  #today(): string {
    return iso(this.#clock.now())
  }

  /** One change after the other; it holds only once it is durable. */
  #change(make: (content: AuthFile) => AuthFile): Promise<void> {
    const done = this.#writing.then(async () => {
      const changed = this.#withLastUse(make(this.#content))
      await mkdir(dirname(this.#path), { recursive: true })
      await writeAuthFile(this.#path, changed)
      this.#content = changed
    })
    this.#writing = done.catch(() => {})
    return done
  }

  #withLastUse(content: AuthFile): AuthFile {
    const tokens = content.tokens.map((token) => {
      const used = this.#lastUse.get(token.id)
      return used === undefined ? token : { ...token, lastUsedAt: iso(used) }
    })
    return { ...content, tokens }
  }
}

type StoredUser = AuthFile['users'][number]

function changed(users: readonly StoredUser[], name: string, change: Partial<StoredUser>): StoredUser[] {
  if (!users.some((user) => user.name === name)) throw new TelemetryError('NOT_FOUND', `There is no user ${name}`)
  return users.map((user) => (user.name === name ? { ...user, ...change } : user))
}

/** Without an administrator the set-up link would work again. */
function refuseWithoutAdministrator(before: readonly StoredUser[], after: readonly StoredUser[]): void {
  const isAdministrator = ({ role }: StoredUser): boolean => role === 'admin'
  if (before.some(isAdministrator) && !after.some(isAdministrator))
    throw new TelemetryError('CONFLICT', 'The last administrator stays')
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
