// Makes durable what has been taken and what is to be done about it, both or neither: in the database, many batches in one
// transaction; while that is away in the spool, so that rules go on. What is told to be durable is known after a crash.

import type { Database, Queryable } from '#backing/database.ts'
import type { Log } from '#domain/driver.ts'
import { TelemetryError, toTelemetryError } from '#domain/errors.ts'
import { isId } from '#domain/ids.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import { withDeadline } from '#kit/deadline.ts'
import { ReceivedPositions, type SeqRange } from '#receiver/dedupe.mjs'
import type { ActionEntry } from '../actions/entry.ts'
import { Spool, type Commit } from './spool.ts'

const DRAIN_MS = 2000
/** How long a gateway waits for what it has sent before: shorter than gateways wait for their welcome. */
const LOOK_UP_MS = 5000
const MAX_ID_LENGTH = 64

export interface LedgerOptions {
  readonly database: Database
  readonly folder: string
  readonly clock: Clock
  readonly log: Log
}

/** What is kept of one gateway. */
export interface GatewayFile {
  readonly tenant: string
  readonly gateway: string
  /** What has been taken, durable or not yet. */
  readonly positions: ReceivedPositions
  /** What is durable: never ahead of the actions that go with it. */
  readonly durable: ReceivedPositions
  /** A commit failed: open the file anew. */
  isStale: boolean
}

interface Waiting {
  readonly commit: Commit
  resolve(): void
  reject(cause: unknown): void
}

export class Ledger {
  readonly #options: LedgerOptions
  readonly #spool: Spool
  readonly #files = new Map<string, Promise<GatewayFile>>()
  /** Commits in the spool that the database has not taken. */
  #spooled: Commit[] = []
  #waiting: Waiting[] = []
  #writing: Promise<void> | null = null
  #timer: Timer | null = null
  #isClosed = false

  private constructor(options: LedgerOptions, spool: Spool, left: readonly Commit[]) {
    this.#options = options
    this.#spool = spool
    this.#spooled = [...left]
  }

  /** The database must be there and migrated. Throws STORE_IO. */
  static async open(options: LedgerOptions): Promise<Ledger> {
    const { spool, left } = await Spool.open(options.folder)
    const ledger = new Ledger(options, spool, left)
    if (left.length > 0) {
      await ledger.#toDatabase([])
      options.log.info({ commits: left.length }, 'What the spool held is in the database')
    }
    return ledger
  }

  /** Commits that wait for the database. */
  get spooled(): number {
    return this.#spooled.length
  }

  /**
   * What is known of a gateway. Throws PROTOCOL when its name is none, UNAVAILABLE for one that has not sent since the start
   * while the database is away: only that knows what it has sent before.
   */
  async file(tenant: string, gateway: string): Promise<GatewayFile> {
    if (!isId(gateway) || gateway.length > MAX_ID_LENGTH)
      throw new TelemetryError('PROTOCOL', 'The gateway id is not valid')
    const { clock, log } = this.#options
    const what = 'Looking up what a gateway has sent before'
    try {
      return await withDeadline({ clock, timeoutMs: LOOK_UP_MS, what }, () => this.#file(tenant, gateway))
    } catch (cause) {
      const error = toTelemetryError(cause)
      if (error.code === 'INTERNAL') throw error
      log.warn({ tenant, gateway, code: error.code, reason: error.message }, 'A gateway cannot be looked up')
      // Also when the database refuses our password: that is no word about the caller.
      throw new TelemetryError('UNAVAILABLE', 'The database is away, which knows what this gateway has sent before', {
        retryable: true,
        context: { retryAfterMs: error.context['retryAfterMs'] },
        cause,
      })
    }
  }

  /** Resolves when it is durable. After a failure the gateway's file is read anew: nobody knows what was kept. */
  commit(
    file: GatewayFile,
    epoch: number,
    ranges: readonly SeqRange[],
    actions: readonly ActionEntry[],
  ): Promise<void> {
    const { gateway, tenant } = file
    return this.#enqueue({ tenant, gateway, epoch, ranges, actions, done: [] }).catch((cause: unknown) => {
      file.isStale = true
      this.#files.delete(`${tenant} ${gateway}`)
      throw cause
    })
  }

  /** Keeps actions that no record led to. */
  keep(actions: readonly ActionEntry[]): Promise<void> {
    return this.#enqueue({ ...NOBODY, actions, done: [] })
  }

  /** Actions that are carried out, or given up. */
  settle(done: readonly string[]): Promise<void> {
    return this.#enqueue({ ...NOBODY, actions: [], done })
  }

  /** Actions that wait since an earlier run. */
  waitingActions(limit: number): Promise<readonly ActionEntry[]> {
    return this.#options.database.query<ActionEntry & Record<string, unknown>>(
      'SELECT id, tenant, kind, body, created_at AS "createdAt" FROM brain.action ORDER BY created_at LIMIT $1',
      [limit],
    )
  }

  /** Resolves when everything so far is durable. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#timer?.cancel()
    await this.#writing
    await this.#spool.close()
  }

  #file(tenant: string, gateway: string): Promise<GatewayFile> {
    const key = `${tenant} ${gateway}`
    const known = this.#files.get(key)
    if (known) return known
    const opening = this.#load(tenant, gateway)
    this.#files.set(key, opening)
    opening.catch(() => this.#files.delete(key))
    return opening
  }

  async #load(tenant: string, gateway: string): Promise<GatewayFile> {
    const rows = await this.#options.database.query<{ epoch: number; ranges: string }>(
      'SELECT epoch, ranges FROM brain.position WHERE tenant = $1 AND gateway = $2',
      [tenant, gateway],
    )
    const state = rows.map(({ epoch, ranges }) => ({ epoch, ranges: JSON.parse(ranges) as SeqRange[] }))
    const durable = new ReceivedPositions(state)
    for (const commit of this.#spooled)
      if (commit.tenant === tenant && commit.gateway === gateway)
        for (const [first, last] of commit.ranges) durable.add(commit.epoch, first, last)
    return { tenant, gateway, positions: new ReceivedPositions(durable.toJSON()), durable, isStale: false }
  }

  #enqueue(commit: Commit): Promise<void> {
    if (this.#isClosed)
      return Promise.reject(new TelemetryError('ABORTED', 'The brain has stopped', { retryable: true }))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ commit, resolve, reject })
      this.#writing ??= this.#write()
    })
  }

  async #write(): Promise<void> {
    await Promise.resolve() // what comes in the same turn goes together
    while (this.#waiting.length > 0) {
      const group = this.#waiting
      this.#waiting = []
      const commits = group.map(({ commit }) => commit)
      try {
        await this.#keep(commits)
        for (const waiting of group) waiting.resolve()
      } catch (cause) {
        // What came after it may build on it: all of it fails, and comes again.
        for (const waiting of [...group, ...this.#waiting]) waiting.reject(cause)
        this.#waiting = []
      }
    }
    this.#writing = null
  }

  async #keep(commits: readonly Commit[]): Promise<void> {
    try {
      await this.#toDatabase(commits)
    } catch (cause) {
      const { log } = this.#options
      const { code, message } = toTelemetryError(cause)
      if (this.#spooled.length === 0) log.warn({ code, reason: message }, 'The database is away: keeping in the spool')
      await this.#spool.append(commits)
      this.#spooled.push(...commits)
      this.#drainSoon()
    }
  }

  #drainSoon(): void {
    this.#timer?.cancel()
    this.#timer = this.#options.clock.after(DRAIN_MS, () => {
      if (this.#spooled.length > 0) this.#enqueue({ ...NOBODY, actions: [], done: [] }).catch(() => {})
    })
  }

  /** Writes `commits` and what the spool holds. */
  async #toDatabase(commits: readonly Commit[]): Promise<void> {
    const all = [...this.#spooled, ...commits]
    const positions = await this.#positions(all)
    const done = new Set(all.flatMap((commit) => commit.done))
    const actions = all.flatMap((commit) => commit.actions).filter(({ id }) => !done.has(id))
    const writes: ((to: Queryable) => Promise<unknown>)[] = []
    if (positions.length > 0) writes.push((to) => putPositions(to, positions))
    if (actions.length > 0) writes.push((to) => putActions(to, actions))
    if (done.size > 0) writes.push((to) => to.query('DELETE FROM brain.action WHERE id = ANY($1::text[])', [[...done]]))
    await together(this.#options.database, writes)
    if (this.#spooled.length === 0) return
    await this.#spool.clear()
    this.#spooled = []
    this.#options.log.info({}, 'The database is back: the spool is empty')
  }

  /** Positions of every epoch that is touched, as they are with these commits. */
  async #positions(commits: readonly Commit[]): Promise<PositionRow[]> {
    const rows = new Map<string, PositionRow>()
    for (const { epoch, gateway, ranges, tenant } of commits) {
      if (ranges.length === 0) continue
      const { durable } = await this.#file(tenant, gateway)
      for (const [first, last] of ranges) durable.add(epoch, first, last)
      const state = durable.toJSON().find((one) => one.epoch === epoch)
      const key = `${tenant} ${gateway} ${epoch}`
      rows.set(key, { tenant, gateway, epoch, ranges: JSON.stringify(state?.ranges ?? []) })
    }
    return [...rows.values()]
  }
}

const NOBODY = { tenant: '', gateway: '', epoch: 0, ranges: [] } as const

interface PositionRow {
  readonly tenant: string
  readonly gateway: string
  readonly epoch: number
  readonly ranges: string
}

/** All or none. One statement is that by itself, without the two turns of BEGIN and COMMIT. */
async function together(database: Database, writes: readonly ((to: Queryable) => Promise<unknown>)[]): Promise<void> {
  const [first, second] = writes
  if (first === undefined) return
  if (second === undefined) await first(database)
  else
    await database.transaction(async (queryable) => {
      for (const write of writes) await write(queryable)
    })
}

async function putPositions(queryable: Queryable, rows: readonly PositionRow[]): Promise<void> {
  if (rows.length === 0) return
  const sorted = rows.toSorted((a, b) => (a.tenant + a.gateway < b.tenant + b.gateway ? -1 : 1))
  await queryable.query(
    `INSERT INTO brain.position (tenant, gateway, epoch, ranges)
     SELECT * FROM unnest($1::text[], $2::text[], $3::int8[], $4::text[])
     ON CONFLICT (tenant, gateway, epoch) DO UPDATE SET ranges = excluded.ranges`,
    [
      sorted.map(({ tenant }) => tenant),
      sorted.map(({ gateway }) => gateway),
      sorted.map(({ epoch }) => epoch),
      sorted.map(({ ranges }) => ranges),
    ],
  )
}

async function putActions(queryable: Queryable, actions: readonly ActionEntry[]): Promise<void> {
  if (actions.length === 0) return
  await queryable.query(
    `INSERT INTO brain.action (id, tenant, kind, body, created_at)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int8[])
     ON CONFLICT (id) DO NOTHING`,
    [
      actions.map(({ id }) => id),
      actions.map(({ tenant }) => tenant),
      actions.map(({ kind }) => kind),
      actions.map(({ body }) => body),
      actions.map(({ createdAt }) => createdAt),
    ],
  )
}
