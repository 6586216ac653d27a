// Sessions of the dashboard: in memory, so that a restart ends them. Only hashes of their ids are kept.

import type { Clock } from '#kit/clock.ts'
import { hashSecret, newSecret } from './secret.ts'

/** A session that nobody used for this long has ended. */
const IDLE_MS = 12 * 3_600_000
/** A session ends after this long, whatever happens. */
const ABSOLUTE_MS = 7 * 24 * 3_600_000
/** Beyond this many, the one unused for longest ends. */
const MAX_SESSIONS = 1000

export interface Session {
  readonly user: string
  /** Unix milliseconds; when it ends if it is not used again. */
  readonly expiresAt: number
}

interface Kept {
  readonly user: string
  readonly startedAt: number
  usedAt: number
}

export class Sessions {
  readonly #clock: Clock
  /** By hash of the id, least recently used first. */
  readonly #kept = new Map<string, Kept>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Begins a session; answers its id, which goes into the cookie. */
  begin(user: string): string {
    const id = newSecret()
    const now = this.#clock.monotonic()
    for (const [hash, kept] of this.#kept) {
      if (this.#isOver(kept, now) || this.#kept.size >= MAX_SESSIONS) this.#kept.delete(hash)
      else break
    }
    this.#kept.set(hashSecret(id), { user, startedAt: now, usedAt: now })
    return id
  }

  /** The session of an id; `use` counts as a sign of life. null when there is none, or it is over. */
  find(id: string, use: boolean): Session | null {
    const hash = hashSecret(id)
    const kept = this.#kept.get(hash)
    if (!kept) return null
    const now = this.#clock.monotonic()
    if (this.#isOver(kept, now)) {
      this.#kept.delete(hash)
      return null
    }
    if (use) {
      kept.usedAt = now
      this.#kept.delete(hash)
      this.#kept.set(hash, kept)
    }
    const remaining = Math.min(kept.usedAt + IDLE_MS, kept.startedAt + ABSOLUTE_MS) - now
    return { user: kept.user, expiresAt: Math.floor(this.#clock.now() + remaining) }
  }

  end(id: string): void {
    this.#kept.delete(hashSecret(id))
  }

  /** Ends all sessions of a user. */
  endAllOf(user: string): void {
    for (const [hash, kept] of this.#kept) if (kept.user === user) this.#kept.delete(hash)
  }

  #isOver(kept: Kept, now: number): boolean {
    return now - kept.usedAt >= IDLE_MS || now - kept.startedAt >= ABSOLUTE_MS
  }
}
