// Checks a name and password of a user of this gateway.

import { TelemetryError } from '#domain/errors.ts'
import type { Clock } from '#kit/clock.ts'
import type { Accounts, User } from './accounts.ts'
import { Attempts } from './attempts.ts'

const MAX_HASHES = 2

export class Login {
  readonly #accounts: Accounts
  readonly #attempts: Attempts

  constructor(accounts: Accounts, clock: Clock) {
    this.#accounts = accounts
    this.#attempts = new Attempts({ clock, maxHashes: MAX_HASHES })
  }

  /** The user. Throws UNAUTHENTICATED, or TOO_MANY_REQUESTS without looking at the password. */
  withPassword(name: string, password: string, address: string): Promise<User> {
    return this.#attempts.check(name, address, async () => {
      const user = await this.#accounts.authenticate(name, password)
      if (!user) throw new TelemetryError('UNAUTHENTICATED', 'Name or password is wrong')
      return user
    })
  }

  /** Makes the first administrator. Throws UNAUTHENTICATED, CONFLICT, TOO_MANY_REQUESTS. */
  withSetupToken(token: string, name: string, password: string, address: string): Promise<User> {
    return this.#attempts.check('', address, () => this.#accounts.finishSetup(token, name, password))
  }

  /** Hashes a new password within the same bound. */
  addUser(name: string, password: string, role: User['role']): Promise<User> {
    return this.#attempts.hashing(() => this.#accounts.addUser(name, password, role))
  }

  setPassword(name: string, password: string): Promise<void> {
    return this.#attempts.hashing(() => this.#accounts.setPassword(name, password))
  }
}
