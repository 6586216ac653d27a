// Sessions of people who logged in with a name and password. Only hashes of their ids are kept: in Redis for all processes, else in
// the memory of this one, where a restart ends them. What a session is is written once and its use beside it, so that a use
// that is noted while the session ends does not bring it back.

import { hashSecret, newSecret } from '#api/auth/secret.ts'
import type { Clock } from '#kit/clock.ts'
import { SessionSlots, type Account } from './session-slots.ts'
import type { SharedValues } from './shared-values.ts'

/** A session that nobody used for this long has ended. */
export const IDLE_MS = 12 * 3_600_000
/** A session ends after this long, whatever happens. */
export const ABSOLUTE_MS = 7 * 24 * 3_600_000
/** How often its use is written down at most. */
const KEEP_USE_MS = 60_000

interface Beginning {
  /** Id. */
  readonly tenant: string
  readonly user: string
  /** Of the password that it began with: another password ends it. */
  readonly mark: string
  /** Where it began. */
  readonly address: string | null
  /** Unix milliseconds. */
  readonly startedAt: number
}

interface Use {
  /** Unix milliseconds. */
  readonly usedAt: number
  /** Its place in the list of the account's sessions. */
  readonly slot: string
}

export interface Session extends Beginning, Use {}

/** A session in the list of its account. */
export interface OpenSession extends Session {
  /** Names it, and opens nothing. */
  readonly publicId: string
}

export class Sessions {
  readonly #slots: SessionSlots
  readonly #values: SharedValues
  readonly #clock: Clock

  constructor(values: SharedValues, clock: Clock) {
    this.#values = values
    this.#clock = clock
    this.#slots = new SessionSlots(values, () => clock.now())
  }

  /** Begins a session; answers its id, which goes into the cookie. */
  async begin(who: Pick<Session, 'tenant' | 'user' | 'mark' | 'address'>): Promise<string> {
    const id = newSecret()
    const hash = hashSecret(id)
    const now = this.#clock.now()
    await this.#keepUse(hash, { slot: await this.#slots.take(who, hash), usedAt: now })
    const { address, mark, tenant, user } = who
    await this.#values.set(keyOf(hash), JSON.stringify({ tenant, user, mark, address, startedAt: now }), ABSOLUTE_MS)
    return id
  }

  /** The session of an id; null when there is none, or it is over. Counts as a sign of life. */
  async find(id: string): Promise<Session | null> {
    const hash = hashSecret(id)
    const session = await this.#read(hash)
    const now = this.#clock.now()
    if (session === null || now - session.usedAt < KEEP_USE_MS) return session
    const hasSlot = await this.#slots.holds(session.slot, hash)
    const use = { usedAt: now, slot: hasSlot ? session.slot : await this.#slots.take(session, hash) }
    await this.#keepUse(hash, use)
    return { ...session, ...use }
  }

  async end(id: string): Promise<void> {
    await this.#end(hashSecret(id))
  }

  /** Open sessions of an account that began with its present password, the one used last first. */
  async allOf(account: Account & Pick<Session, 'mark'>): Promise<readonly OpenSession[]> {
    const found = await this.#found(account)
    return found.map(({ hash, session }) => ({ ...session, publicId: shortened(hash) }))
  }

  /** Ends one that `allOf` lists for this account. false: it has none with this name. */
  async endOne(account: Account & Pick<Session, 'mark'>, publicId: string): Promise<boolean> {
    const found = (await this.#found(account)).find(({ hash }) => shortened(hash) === publicId)
    if (found === undefined) return false
    await this.#end(found.hash)
    return true
  }

  async #found(account: Account & Pick<Session, 'mark'>): Promise<{ hash: string; session: Session }[]> {
    const hashes = await this.#slots.list(account)
    const sessions = await Promise.all(hashes.map(async (hash) => ({ hash, session: await this.#read(hash) })))
    return sessions
      .flatMap(({ hash, session }) => (session === null ? [] : [{ hash, session }]))
      .filter(({ session: { mark, tenant, user } }) => {
        return mark === account.mark && tenant === account.tenant && user === account.user
      })
      .sort((one, other) => other.session.usedAt - one.session.usedAt)
  }

  async #read(hash: string): Promise<Session | null> {
    const [beginning, use] = await Promise.all([this.#values.get(keyOf(hash)), this.#values.get(useKeyOf(hash))])
    const session = parsed(beginning, use)
    return session === null || this.#clock.now() >= endOf(session) ? null : session
  }

  async #keepUse(hash: string, use: Use): Promise<void> {
    await this.#values.set(useKeyOf(hash), JSON.stringify(use), IDLE_MS)
  }

  async #end(hash: string): Promise<void> {
    await this.#values.delete(keyOf(hash))
    await this.#values.delete(useKeyOf(hash))
  }
}

/** Unix milliseconds at which it ends if it is not used again. */
export function endOf({ startedAt, usedAt }: Pick<Session, 'startedAt' | 'usedAt'>): number {
  return Math.min(usedAt + IDLE_MS, startedAt + ABSOLUTE_MS)
}

/** Names the session of an id, and opens nothing. */
export function publicIdOf(id: string): string {
  return shortened(hashSecret(id))
}

/** Enough to tell the sessions of one account apart, and to be read out. */
function shortened(hash: string): string {
  return hash.slice(0, 16)
}

function keyOf(hash: string): string {
  return `session:${hash}`
}

function useKeyOf(hash: string): string {
  return `session-use:${hash}`
}

/** What stands there was written here; what another program put there is no session. */
function parsed(beginning: string | null, use: string | null): Session | null {
  if (beginning === null || use === null) return null
  try {
    const value = { ...JSON.parse(beginning), ...JSON.parse(use) } as Partial<Session>
    const isWhole =
      typeof value.tenant === 'string' &&
      typeof value.user === 'string' &&
      typeof value.mark === 'string' &&
      typeof value.slot === 'string' &&
      typeof value.startedAt === 'number' &&
      typeof value.usedAt === 'number'
    return isWhole ? { ...(value as Session), address: value.address ?? null } : null
  } catch {
    return null
  }
}
