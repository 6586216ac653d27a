// Tries of a password: few at once, and slowly for those who guess: by account and by address, each with a growing delay.

import { isTelemetryError } from '#domain/errors.ts'
import type { Clock } from '#kit/clock.ts'
import { Gate } from '../gate.ts'
import { networkOf } from '../network.ts'
import { RequestError } from '../problem.ts'
import { Throttle } from './throttle.ts'

export interface AttemptsOptions {
  readonly clock: Clock
  /** Hashes at once: each takes 19 MiB and a thread of the pool that files are read by. */
  readonly maxHashes: number
}

export class Attempts {
  readonly #byAccount: Throttle
  readonly #byAddress: Throttle
  readonly #gate: Gate

  constructor({ clock, maxHashes }: AttemptsOptions) {
    // A stranger can make an account wait, so never for long; an address only harms itself.
    this.#byAccount = new Throttle({ clock, free: 4, maxDelayMs: 30_000 })
    this.#byAddress = new Throttle({ clock, free: 10, maxDelayMs: 15 * 60_000 })
    this.#gate = new Gate({
      max: maxHashes,
      code: 'TOO_MANY_REQUESTS',
      message: 'Too many log-ins at once; try again',
    })
  }

  /**
   * @param account empty when none is named: only the address counts then.
   * Throws TOO_MANY_REQUESTS without having checked, and what `check` throws; its UNAUTHENTICATED counts as a guess.
   */
  async check<T>(account: string, address: string, check: () => Promise<T>): Promise<T> {
    const network = networkOf(address)
    const waitMs = Math.max(this.#byAddress.waitMs(network), account === '' ? 0 : this.#byAccount.waitMs(account))
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1000)
      throw new RequestError('TOO_MANY_REQUESTS', `Too many failed tries; wait ${seconds} s`, {
        headers: { 'retry-after': String(seconds) },
      })
    }
    try {
      const result = await this.#gate.run(check)
      this.#byAddress.succeeded(network)
      this.#byAccount.succeeded(account)
      return result
    } catch (error) {
      if (isTelemetryError(error, 'UNAUTHENTICATED')) {
        this.#byAddress.failed(network)
        if (account !== '') this.#byAccount.failed(account)
      }
      throw error
    }
  }

  /** Runs what hashes a password, within the same bound. */
  hashing<T>(work: () => Promise<T>): Promise<T> {
    return this.#gate.run(work)
  }
}
