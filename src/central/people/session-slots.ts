// Which sessions an account has: each takes a numbered place among those of its week, so that they can be listed where values are only
// found by name. Numbers come from a counter that all processes share, which gives none twice.

import type { SharedValues } from './shared-values.ts'

const WEEK_MS = 7 * 86_400_000
/** Of the newest sessions of a week, so many are listed. */
const MAX_LISTED = 100

export interface Account {
  /** Id. */
  readonly tenant: string
  readonly user: string
}

export class SessionSlots {
  readonly #values: SharedValues
  readonly #now: () => number

  /** @param now Unix milliseconds. */
  constructor(values: SharedValues, now: () => number) {
    this.#values = values
    this.#now = now
  }

  /** Answers the name of its place. @param hash of the session's id. */
  async take(account: Account, hash: string): Promise<string> {
    const week = Math.floor(this.#now() / WEEK_MS)
    const { count } = await this.#values.increment(counterOf(account, week), 3 * WEEK_MS)
    const slot = slotOf(account, week, count)
    await this.#values.set(slot, hash, 2 * WEEK_MS)
    return slot
  }

  /** Whether it still has its place: what was written while Redis was away may have been lost. */
  async holds(slot: string, hash: string): Promise<boolean> {
    return (await this.#values.get(slot)) === hash
  }

  /** Hashes of the ids of sessions that began in this week or the one before; some may be over. */
  async list(account: Account): Promise<readonly string[]> {
    const week = Math.floor(this.#now() / WEEK_MS)
    const hashes = await Promise.all([this.#ofWeek(account, week), this.#ofWeek(account, week - 1)])
    return [...new Set(hashes.flat())]
  }

  async #ofWeek(account: Account, week: number): Promise<string[]> {
    const { count } = await this.#values.increment(counterOf(account, week), 3 * WEEK_MS, 0)
    const numbers = Array.from({ length: Math.min(count, MAX_LISTED) }, (_, index) => count - index)
    const hashes = await Promise.all(numbers.map((number) => this.#values.get(slotOf(account, week, number))))
    return hashes.filter((hash) => hash !== null)
  }
}

function counterOf({ tenant, user }: Account, week: number): string {
  return `sessions:${tenant}/${user}/${week}`
}

function slotOf(account: Account, week: number, number: number): string {
  return `${counterOf(account, week)}/${number}`
}
