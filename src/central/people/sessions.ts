// Sessions of people who logged in with a name and password. Only hashes of their ids are kept: in Redis for all processes, else in
// the memory of this one, where a restart ends them.

import { hashSecret, newSecret } from '#api/auth/secret.ts'
import type { Clock } from '#kit/clock.ts'
import type { SharedValues } from './shared-values.ts'

/** A session that nobody used for this long has ended. */
export const IDLE_MS = 12 * 3_600_000
/** A session ends after this long, whatever happens. */
export const ABSOLUTE_MS = 7 * 24 * 3_600_000
/** How often its use is written down at most. */
const KEEP_USE_MS = 60_000

export interface Session {
  /** Id. */
  readonly tenant: string
  readonly user: string
  /** Of the password that it began with: another password ends it. */
  readonly mark: string
  /** Unix milliseconds. */
  readonly startedAt: number
  readonly usedAt: number
}

export class Sessions {
  readonly #values: SharedValues
  readonly #clock: Clock

  constructor(values: SharedValues, clock: Clock) {
    this.#values = values
    this.#clock = clock
  }

  /** Begins a session; answers its id, which goes into the cookie. */
  async begin(who: Pick<Session, 'tenant' | 'user' | 'mark'>): Promise<string> {
    const id = newSecret()
    const now = this.#clock.now()
    await this.#keep(id, { ...who, startedAt: now, usedAt: now })
    return id
  }

  /** The session of an id; null when there is none, or it is over. Counts as a sign of life. */
  async find(id: string): Promise<Session | null> {
    const text = await this.#values.get(keyOf(id))
    const session = text === null ? null : parsed(text)
    const now = this.#clock.now()
    if (session === null || now >= endOf(session)) return null
    if (now - session.usedAt < KEEP_USE_MS) return session
    const used = { ...session, usedAt: now }
    await this.#keep(id, used)
    return used
  }

  async end(id: string): Promise<void> {
    await this.#values.delete(keyOf(id))
  }

  async #keep(id: string, session: Session): Promise<void> {
    const ttlMs = endOf(session) - this.#clock.now()
    await this.#values.set(keyOf(id), JSON.stringify(session), Math.max(1, ttlMs))
  }
}

/** Unix milliseconds at which it ends if it is not used again. */
export function endOf({ startedAt, usedAt }: Session): number {
  return Math.min(usedAt + IDLE_MS, startedAt + ABSOLUTE_MS)
}

function keyOf(id: string): string {
  return `session:${hashSecret(id)}`
}

/** What stands there was written by `#keep`; what another program put there is no session. */
function parsed(text: string): Session | null {
  try {
    const value = JSON.parse(text) as Partial<Session> | null
    const isWhole =
      typeof value?.tenant === 'string' &&
      typeof value.user === 'string' &&
      typeof value.mark === 'string' &&
      typeof value.startedAt === 'number' &&
      typeof value.usedAt === 'number'
    return isWhole ? (value as Session) : null
  } catch {
    return null
  }
}
