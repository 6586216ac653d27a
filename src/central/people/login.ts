// Checks a name and password, slowly for those who guess: by account and by address, each with a growing delay.

import { Throttle } from '#api/auth/throttle.ts'
import { Gate } from '#api/gate.ts'
import { RequestError } from '#api/problem.ts'
import { isTelemetryError, TelemetryError } from '#domain/errors.ts'
import type { Clock } from '#kit/clock.ts'
import type { Tenancy, TenantRecord } from '../ports.ts'
import type { FirstAdministrator, Setup } from './setup.ts'
import type { User, Users } from './users.ts'

/** Hashes at once: each takes 19 MiB and a thread of the pool that files are read by. */
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
  readonly #byAccount: Throttle
  readonly #byAddress: Throttle
  readonly #gate = new Gate({
    max: MAX_HASHES,
    code: 'TOO_MANY_REQUESTS',
    message: 'Too many log-ins at once; try again',
  })

  constructor(options: LoginOptions) {
    this.#options = options
    // A stranger can make an account wait, so never for long; an address only harms itself.
    this.#byAccount = new Throttle({ clock: options.clock, free: 4, maxDelayMs: 30_000 })
    this.#byAddress = new Throttle({ clock: options.clock, free: 10, maxDelayMs: 15 * 60_000 })
  }

  /** `tenant` null: the first one. Throws UNAUTHENTICATED, or TOO_MANY_REQUESTS without looking at the password. */
  withPassword(who: { tenant: string | null; name: string; password: string }, address: string): Promise<LoggedIn> {
    const { setup, tenancy, users } = this.#options
    return this.#attempt(`${who.tenant ?? ''}/${who.name}`, address, async () => {
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
    return this.#attempt('', address, () => this.#options.setup.finish(first))
  }

  /** Runs what hashes a password, within the same bound. */
  hashing<T>(work: () => Promise<T>): Promise<T> {
    return this.#gate.run(work)
  }

  async #attempt(account: string, address: string, check: () => Promise<LoggedIn>): Promise<LoggedIn> {
    const waitMs = Math.max(this.#byAddress.waitMs(address), account === '' ? 0 : this.#byAccount.waitMs(account))
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1000)
      throw new RequestError('TOO_MANY_REQUESTS', `Too many failed tries; wait ${seconds} s`, {
        headers: { 'retry-after': String(seconds) },
      })
    }
    try {
      const loggedIn = await this.#gate.run(check)
      this.#byAddress.succeeded(address)
      this.#byAccount.succeeded(account)
      return loggedIn
    } catch (error) {
      if (isTelemetryError(error, 'UNAUTHENTICATED')) {
        this.#byAddress.failed(address)
        if (account !== '') this.#byAccount.failed(account)
      }
      throw error
    }
  }
}
