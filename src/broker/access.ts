// Who may come in, and which topics they may use. Without users everyone who reaches the address (loopback only) is let in.

import { createHash, timingSafeEqual } from 'node:crypto'
import type { BrokerUser } from './options.ts'
import { covers } from './topic-rules.ts'

export class BrokerAccess {
  readonly #users: ReadonlyMap<string, BrokerUser>

  constructor(users: readonly BrokerUser[]) {
    this.#users = new Map(users.map((user) => [user.name, user]))
  }

  /** Compares in constant time, also for a name that does not exist. */
  isAllowed(name: string | undefined, password: Uint8Array | undefined): boolean {
    if (this.#users.size === 0) return true
    const user = name === undefined ? undefined : this.#users.get(name)
    const isRight = timingSafeEqual(digest(user?.password ?? ''), digest(password ?? ''))
    return isRight && user !== undefined && password !== undefined
  }

  mayPublish(name: string | null, topic: string): boolean {
    if (topic.startsWith('$')) return false // of the broker itself
    if (this.#users.size === 0) return true
    return this.#rules(name, 'publish').some((rule) => covers(rule, topic))
  }

  maySubscribe(name: string | null, filter: string): boolean {
    if (this.#users.size === 0) return true
    return this.#rules(name, 'subscribe').some((rule) => covers(rule, filter))
  }

  #rules(name: string | null, what: 'publish' | 'subscribe'): readonly string[] {
    return (name === null ? undefined : this.#users.get(name))?.[what] ?? []
  }
}

function digest(secret: string | Uint8Array): Buffer {
  return createHash('sha256').update(secret).digest()
}
