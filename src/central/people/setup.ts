// The first administrator: a one-time link, printed at the start while there is none. Who opens it makes the first tenant and its
// administrator, who is administrator of the platform too. Only a hash of the link's token is kept.

import { hashSecret, matchesHash, newSecret } from '#api/auth/secret.ts'
import { TelemetryError } from '#domain/errors.ts'
import { PLATFORM, type DocumentRecord, type Tenancy, type TenantRecord } from '../ports.ts'
import type { User, Users } from './users.ts'

const KIND = 'platform'
const ID = 'setup'

export interface FirstAdministrator {
  readonly token: string
  readonly name: string
  readonly password: string
  readonly tenant: { readonly id: string; readonly name: string }
}

export class Setup {
  readonly #tenancy: Tenancy
  readonly #users: Users

  constructor(tenancy: Tenancy, users: Users) {
    this.#tenancy = tenancy
    this.#users = users
  }

  /** Id of the tenant that the first administrator made; null: there is none yet. */
  async home(): Promise<string | null> {
    const home = (await this.#read())?.body['home']
    return typeof home === 'string' ? home : null
  }

  /** A new one-time token, and those of earlier starts end; null when there is an administrator. */
  async begin(): Promise<string | null> {
    const document = await this.#read()
    if (typeof document?.body['home'] === 'string') return null
    const token = newSecret()
    await this.#write({ hash: hashSecret(token), home: null }, document?.revision ?? 0)
    return token
  }

  /** Throws CONFLICT when there is an administrator already, UNAUTHENTICATED for a wrong token. */
  async finish({ name, password, tenant, token }: FirstAdministrator): Promise<{ tenant: TenantRecord; user: User }> {
    const document = await this.#read()
    const hash = document?.body['hash']
    if (typeof document?.body['home'] === 'string')
      throw new TelemetryError('CONFLICT', 'Central is already set up; log in')
    if (!document || typeof hash !== 'string' || !matchesHash(token, hash)) {
      throw new TelemetryError(
        'UNAUTHENTICATED',
        'The set-up link is not valid; the newest one is printed at each start of central',
      )
    }
    const home = (await this.#tenancy.get(tenant.id)) ?? (await this.#tenancy.create(tenant))
    const user = await this.#users.add(home.number, { name, password, role: 'admin', isPlatformAdmin: true })
    try {
      await this.#write({ hash: null, home: home.id }, document.revision)
    } catch (error) {
      // Another caller with the same link was faster: there is one first administrator.
      await this.#users.remove(home.number, name)
      throw error
    }
    return { tenant: home, user }
  }

  #read(): Promise<DocumentRecord | null> {
    return this.#tenancy.document(PLATFORM, KIND, ID)
  }

  async #write(body: { readonly hash: string | null; readonly home: string | null }, revision: number): Promise<void> {
    await this.#tenancy.putDocument(PLATFORM, KIND, { id: ID, body }, revision)
  }
}
