// Checks a name and password of a person of one of the tenants.

import { Attempts } from '#api/auth/attempts.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { Clock } from '#kit/clock.ts'
import type { Tenancy, TenantRecord } from '../ports.ts'
import type { FirstAdministrator, Setup } from './setup.ts'
import type { User, Users } from './users.ts'

const MAX_HASHES = 4

export interface LoggedIn {
  readonly tenant: TenantRecord
  readonly user: User
}

export interface LoginOptions {
  readonly tenancy: Tenancy
  readonly users: Users
  readonly setup: Setup
  readonly clock: Clock
}

export class Login {
  readonly #options: LoginOptions
  readonly #attempts: Attempts

  constructor(options: LoginOptions) {
    this.#options = options
    this.#attempts = new Attempts({ clock: options.clock, maxHashes: MAX_HASHES })
  }

  /** `tenant` null: the first one. Throws UNAUTHENTICATED, or TOO_MANY_REQUESTS without looking at the password. */
  withPassword(who: { tenant: string | null; name: string; password: string }, address: string): Promise<LoggedIn> {
    const { setup, tenancy, users } = this.#options
    return this.#attempts.check(`${who.tenant ?? ''}/${who.name}`, address, async () => {
      const id = who.tenant ?? (await setup.home())
      const found = id === null ? null : await tenancy.get(id)
      const tenant = found?.isActive ? found : null
      const user = await users.authenticate(tenant?.number ?? null, who.name, who.password)
      if (!tenant || !user) throw new TelemetryError('UNAUTHENTICATED', 'Tenant, name or password is wrong')
      return { tenant, user }
    })
  }

  /** Makes the first administrator. Throws UNAUTHENTICATED, CONFLICT, TOO_MANY_REQUESTS. */
  withSetupToken(first: FirstAdministrator, address: string): Promise<LoggedIn> {
    return this.#attempts.check('', address, () => this.#options.setup.finish(first))
  }

  /** Runs what hashes a password, within the same bound. */
  hashing<T>(work: () => Promise<T>): Promise<T> {
    return this.#attempts.hashing(work)
  }
}
