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

export interface Token extends User {
  readonly id: string
}

/** What a new token is told once, and never again. */
export interface NewToken extends Token {
  readonly token: string
}

const TOKEN_PREFIX = 'tx_'

export class Accounts {
  readonly #path: string
  readonly #clock: Clock
  #content: AuthFile = EMPTY_AUTH
  #writing: Promise<unknown> = Promise.resolve()
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
      const hadAdministrator = content.users.some((user) => user.role === 'admin')
      if (hadAdministrator && !rest.some((user) => user.role === 'admin'))
        throw new TelemetryError('CONFLICT', 'The last administrator stays')
      return { ...content, users: rest }
    })
  }

  /** The user, or null when name or password is wrong; takes as long either way. */
  async authenticate(name: string, password: string): Promise<User | null> {
    const stored = this.#content.users.find((user) => user.name === name)
    this.#decoyHash ??= hashPassword(newSecret())
    const isRight = await verifyPassword(password, stored?.passwordHash ?? (await this.#decoyHash))
    return stored && isRight ? this.#publicUser(name) : null
  }

  tokens(): Token[] {
    return this.#content.tokens.map(({ id, name, role, createdAt }) => ({ id, name, role, createdAt }))
  }

  /** Makes a token for a program. Its text is in the answer and nowhere else. */
  async createToken(name: string, role: Role): Promise<NewToken> {
    const token = newSecret(TOKEN_PREFIX)
    const id = newSecret().slice(0, 12)
    const createdAt = this.#today()
    await this.#change((content) => ({
      ...content,
      tokens: [...content.tokens, { id, name, role, hash: hashSecret(token), createdAt }],
    }))
    return { id, name, role, createdAt, token }
  }

  /** Throws NOT_FOUND. */
  async revokeToken(id: string): Promise<void> {
    await this.#change((content) => {
      const tokens = content.tokens.filter((token) => token.id !== id)
      if (tokens.length === content.tokens.length) throw new TelemetryError('NOT_FOUND', `There is no token ${id}`)
      return { ...content, tokens }
    })
  }

  /** Who a bearer token belongs to; null when it is not known. */
  tokenPrincipal(token: string): Principal | null {
    const hash = hashSecret(token)
    const stored = this.#content.tokens.find((candidate) => candidate.hash === hash)
    return stored ? { name: `token:${stored.name}`, role: stored.role, via: 'token' } : null
  }

  #publicUser(name: string): User {
    const user = this.user(name)
    if (!user) throw new TelemetryError('CONFLICT', `The user ${name} was removed at the same moment`)
    return user
  }

  #today(): string {
    return new Date(this.#clock.now()).toISOString()
  }

  /** One change after the other; it holds only once it is durable. */
  #change(make: (content: AuthFile) => AuthFile): Promise<void> {
    const done = this.#writing.then(async () => {
      const changed = make(this.#content)
      await mkdir(dirname(this.#path), { recursive: true })
      await writeAuthFile(this.#path, changed)
      this.#content = changed
    })
    this.#writing = done.catch(() => {})
    return done
  }
}
