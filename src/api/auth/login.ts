// Checks a name and password, slowly for those who guess: by account and by address, each with a growing delay.

import { TelemetryError } from '#domain/errors.ts'
import type { Clock } from '#kit/clock.ts'
import { Gate } from '../gate.ts'
import { RequestError } from '../problem.ts'
import type { Accounts, User } from './accounts.ts'
import { Throttle } from './throttle.ts'

/** Hashes at once: each takes 19 MiB and a thread of the pool that files are read by. */
const MAX_HASHES = 2

export class Login {
  readonly #accounts: Accounts
  readonly #byAccount: Throttle
  readonly #byAddress: Throttle
  readonly #gate = new Gate({
    max: MAX_HASHES,
    code: 'TOO_MANY_REQUESTS',
    message: 'Too many log-ins at once; try again',
  })

  constructor(accounts: Accounts, clock: Clock) {
    this.#accounts = accounts
    // A stranger can make an account wait, so never for long; an address only harms itself.
    this.#byAccount = new Throttle({ clock, free: 4, maxDelayMs: 30_000 })
    this.#byAddress = new Throttle({ clock, free: 10, maxDelayMs: 15 * 60_000 })
  }

  /** The user. Throws UNAUTHENTICATED, or TOO_MANY_REQUESTS without looking at the password. */
  async withPassword(name: string, password: string, address: string): Promise<User> {
    return this.#attempt(name, address, async () => {
      const user = await this.#accounts.authenticate(name, password)
      if (!user) throw new TelemetryError('UNAUTHENTICATED', 'Name or password is wrong')
      return user
    })
  }

  /** Makes the first administrator. Throws UNAUTHENTICATED, CONFLICT, TOO_MANY_REQUESTS. */
  async withSetupToken(token: string, name: string, password: string, address: string): Promise<User> {
    return this.#attempt('', address, () => this.#accounts.finishSetup(token, name, password))
  }

  /** Hashes a new password within the same bound. */
  async addUser(name: string, password: string, role: User['role']): Promise<User> {
    return this.#gate.run(() => this.#accounts.addUser(name, password, role))
  }

  async setPassword(name: string, password: string): Promise<void> {
    return this.#gate.run(() => this.#accounts.setPassword(name, password))
  }

  async #attempt(account: string, address: string, check: () => Promise<User>): Promise<User> {
    const waitMs = Math.max(this.#byAddress.waitMs(address), account === '' ? 0 : this.#byAccount.waitMs(account))
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1000)
      throw new RequestError('TOO_MANY_REQUESTS', `Too many failed tries; wait ${seconds} s`, {
        headers: { 'retry-after': String(seconds) },
      })
    }
    try {
      const user = await this.#gate.run(check)
      this.#byAddress.succeeded(address)
      this.#byAccount.succeeded(account)
      return user
    } catch (error) {
      if (error instanceof TelemetryError && error.code === 'UNAUTHENTICATED') {
        this.#byAddress.failed(address)
        if (account !== '') this.#byAccount.failed(account)
      }
      throw error
    }
  }
}
