// Sessions of the dashboard: in memory, so that a restart ends them. Only hashes of their ids are kept.

import type { Clock } from '#kit/clock.ts'
import { hashSecret, newSecret } from './secret.ts'

/** A session that nobody used for this long has ended. */
const IDLE_MS = 12 * 3_600_000
/** A session ends after this long, whatever happens. */
const ABSOLUTE_MS = 7 * 24 * 3_600_000
/** Beyond this many, the one unused for longest ends. */
const MAX_SESSIONS = 1000
/** Beyond this many of one user, the one of them unused for longest ends: nobody can end those of others by logging in. */
const MAX_OF_USER = 100

export interface Session {
  readonly user: string
  /** Unix milliseconds; when it ends if it is not used again. */
  readonly expiresAt: number
}

interface Kept {
  readonly user: string
  readonly startedAt: number
  readonly address: string
  usedAt: number
}

/** A session as its user may see it. */
export interface OpenSession {
  /** Names it; opens nothing. */
  readonly id: string
  /** Where it began. */
  readonly address: string
  /** Unix milliseconds. */
  readonly startedAt: number
  readonly usedAt: number
  readonly expiresAt: number
}

const PUBLIC_ID_CHARACTERS = 16

export class Sessions {
  readonly #clock: Clock
  /** By hash of the id, least recently used first. */
  readonly #kept = new Map<string, Kept>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Begins a session; answers its id, which goes into the cookie. */
  begin(user: string, address: string): string {
    const id = newSecret()
    const now = this.#clock.monotonic()
    for (const [hash, kept] of this.#kept) {
      if (this.#isOver(kept, now) || this.#kept.size >= MAX_SESSIONS) this.#kept.delete(hash)
      else break
    }
    this.#makeRoomFor(user)
    this.#kept.set(hashSecret(id), { user, address, startedAt: now, usedAt: now })
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
    return { user: kept.user, expiresAt: this.#wall(endOf(kept)) }
  }

  end(id: string): void {
    this.#kept.delete(hashSecret(id))
  }

  /** Those of a user, the one used last first. */
  allOf(user: string): OpenSession[] {
    const now = this.#clock.monotonic()
    const own = [...this.#kept].filter(([, kept]) => kept.user === user && !this.#isOver(kept, now))
    return own.toReversed().map(([hash, kept]) => ({
      id: publicIdOf(hash),
      address: kept.address,
      startedAt: this.#wall(kept.startedAt),
      usedAt: this.#wall(kept.usedAt),
      expiresAt: this.#wall(endOf(kept)),
    }))
  }

  /** The name of a session in `allOf`. */
  publicId(id: string): string {
    return publicIdOf(hashSecret(id))
  }

  /** Ends one session of a user by its name in `allOf`; false when there is none. */
  endOne(user: string, publicId: string): boolean {
    for (const [hash, kept] of this.#kept)
      if (kept.user === user && publicIdOf(hash) === publicId) return this.#kept.delete(hash)
    return false
  }

  /** Ends all sessions of a user. */
  endAllOf(user: string): void {
    for (const [hash, kept] of this.#kept) if (kept.user === user) this.#kept.delete(hash)
  }

  #makeRoomFor(user: string): void {
    const own = [...this.#kept].filter(([, kept]) => kept.user === user)
    for (const [hash] of own.slice(0, Math.max(0, own.length - MAX_OF_USER + 1))) this.#kept.delete(hash)
  }

  /** Unix milliseconds of a monotonic time. */
  #wall(monotonic: number): number {
    return Math.floor(this.#clock.now() + monotonic - this.#clock.monotonic())
  }

  #isOver(kept: Kept, now: number): boolean {
    return now - kept.usedAt >= IDLE_MS || now - kept.startedAt >= ABSOLUTE_MS
  }
}

function endOf({ usedAt, startedAt }: Kept): number {
  return Math.min(usedAt + IDLE_MS, startedAt + ABSOLUTE_MS)
}

function publicIdOf(hash: string): string {
  return hash.slice(0, PUBLIC_ID_CHARACTERS)
}
