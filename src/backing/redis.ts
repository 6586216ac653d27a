// Redis for what the processes of one installation share: sessions and other short-lived values, counters of rate limits, latest
// values, messages. Nothing here is the only copy of anything, and nothing here fails: while Redis is away each process goes on with
// what it knows itself, and Redis is told of it when it is back.

import type { Log } from '#domain/driver.ts'
import { Backoff } from '#kit/backoff.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import { CircuitBreaker } from './circuit-breaker.ts'
import { redisClient, type RedisClient } from './redis-client.ts'
import { RedisLocal, type Count } from './redis-local.ts'
import { readCell, type LatestValue } from './redis-scripts.ts'

export type { Count } from './redis-local.ts'
export type { LatestValue } from './redis-scripts.ts'

const COMMAND_TIMEOUT_MS = 1000
const FIRST_TRY_MS = 3000
const RETRY_FIRST_MS = 100
const RETRY_MAX_MS = 5000
const DEFAULT_PREFIX = 'telemetryx:'
/** How long a copy of what Redis said is good enough while Redis is away. */
const COPY_TTL_MS = 300_000
/** A script stops all of Redis while it runs: this many values take it about a millisecond. */
const LATEST_AT_ONCE = 500
/** A hash that nobody writes is forgotten. */
const LATEST_TTL_MS = 300_000

export interface RedisPort {
  /** false: each process is on its own. */
  readonly isUp: boolean
  /** null: there is none, or it is not known here. */
  get(key: string): Promise<string | null>
  /** @param ttlMs null: it stays. */
  set(key: string, value: string, ttlMs: number | null): Promise<void>
  delete(key: string): Promise<void>
  /** Counts in windows of `windowMs` that begin with the first count; only those of this process while Redis is away. */
  increment(key: string, windowMs: number, by?: number): Promise<Count>
  /** `ageMs`: how long ago they were the latest. false: Redis did not take them; the hash is then removed as soon as it can be. */
  putLatest(key: string, values: readonly LatestValue[], ageMs: number): Promise<boolean>
  /**
   * Those that Redis has and that were the latest at most `maxAgeMs` ago; what is missing, and everything when the answer is null,
   * must be asked for elsewhere.
   */
  latest(key: string, fields: readonly string[], maxAgeMs: number): Promise<ReadonlyMap<string, string> | null>
  /** Reaches the subscribers of all processes; only those of this one while Redis is away. */
  publish(channel: string, message: string): Promise<void>
  /** Returns what ends it. */
  subscribe(channel: string, listener: (message: string) => void): () => void
  close(): Promise<void>
}

export interface RedisOptions {
  /** `redis[s]://[[user]:password@]host[:port][/database]`. */
  readonly url: string
  readonly clock: Clock
  readonly log: Log
  /** Put before each key and channel. Default `telemetryx:`. */
  readonly prefix?: string
}

/** Stays connected in the background. Resolves when the first try is over. Throws CONFIG_INVALID when the URL is none. */
export async function openRedis(options: RedisOptions): Promise<RedisPort> {
  const redis = new SharedRedis(await redisClient(options.url), options)
  await redis.begin()
  return redis
}

class SharedRedis implements RedisPort {
  readonly #client: RedisClient
  readonly #local: RedisLocal
  readonly #breaker: CircuitBreaker
  readonly #clock: Clock
  readonly #log: Log
  readonly #prefix: string
  readonly #backoff = new Backoff({ firstMs: RETRY_FIRST_MS, maxMs: RETRY_MAX_MS, random: Math.random })
  readonly #listeners = new Map<string, Set<(message: string) => void>>()
  /** Hashes of latest values that may have missed one. */
  readonly #stale = new Set<string>()
  /** Redis has heard everything that was written while it was away. */
  #isCaughtUp = false
  #isCatchingUp = false
  #isClosed = false
  #isAwayLogged = false
  #retry: Timer | null = null

  constructor(client: RedisClient, { clock, log, prefix = DEFAULT_PREFIX }: RedisOptions) {
    this.#client = client
    this.#clock = clock
    this.#log = log
    this.#prefix = prefix
    this.#local = new RedisLocal(clock)
    this.#breaker = new CircuitBreaker({ name: 'Redis', clock, timeoutMs: COMMAND_TIMEOUT_MS })
    client.on('error', (cause: unknown) => this.#leave(cause))
  }

  get isUp(): boolean {
    return this.#isCaughtUp && this.#client.isReady && this.#breaker.kind === 'closed'
  }

  async begin(): Promise<void> {
    const client = this.#client
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#clock.after(FIRST_TRY_MS, resolve)
    client.on('error', () => resolve())
    client.on('ready', () => void this.#catchUp().then(resolve))
    client.connect().catch((cause: unknown) => this.#leave(cause))
    await promise
    timer.cancel()
  }

  async get(key: string): Promise<string | null> {
    const value = await this.#ask((client) => client.get(this.#prefix + key))
    if (value === undefined) return this.#local.get(key)
    if (value === null) this.#local.forget(key)
    else this.#local.keep(key, value, COPY_TTL_MS)
    return value
  }

  async set(key: string, value: string, ttlMs: number | null): Promise<void> {
    this.#local.keep(key, value, ttlMs ?? Number.POSITIVE_INFINITY)
    await this.#write(key, value, ttlMs)
  }

  async delete(key: string): Promise<void> {
    this.#local.forget(key)
    await this.#write(key, null, null)
  }

  async increment(key: string, windowMs: number, by = 1): Promise<Count> {
    const answer = await this.#ask((client) => client.count(this.#prefix + key, by, windowMs))
    if (answer === undefined) return this.#local.increment(key, windowMs, by)
    return { count: answer[0], resetMs: answer[1] }
  }

  async putLatest(key: string, values: readonly LatestValue[], ageMs: number): Promise<boolean> {
    for (let from = 0; from < values.length; from += LATEST_AT_ONCE) {
      const some = values.slice(from, from + LATEST_AT_ONCE)
      const isTaken = await this.#ask(async (client) => {
        await client.putLatest(this.#prefix + key, { ttlMs: LATEST_TTL_MS, ageMs, values: some })
        return true
      })
      if (isTaken) continue
      this.#stale.add(key)
      return false
    }
    return true
  }

  async latest(key: string, fields: readonly string[], maxAgeMs: number): Promise<ReadonlyMap<string, string> | null> {
    const values = new Map<string, string>()
    for (let from = 0; from < fields.length; from += LATEST_AT_ONCE) {
      if (this.#stale.has(key)) return null
      const some = fields.slice(from, from + LATEST_AT_ONCE)
      const answer = await this.#ask((client) => Promise.all([client.time(), client.hmGet(this.#prefix + key, some)]))
      if (answer === undefined) return null
      const [[seconds, micros], cells] = answer
      const now = Number(seconds) * 1000 + Number(micros) / 1000
      for (const [index, cell] of cells.entries()) {
        if (cell === null) continue
        const { since, value } = readCell(cell)
        if (now - since <= maxAgeMs) values.set(some[index]!, value)
      }
    }
    return values
  }

  async publish(channel: string, message: string): Promise<void> {
    const isSent = await this.#ask((client) => client.publish(this.#prefix + channel, message))
    if (isSent === undefined) this.#tell(channel, message)
  }

  subscribe(channel: string, listener: (message: string) => void): () => void {
    const before = this.#listeners.get(channel)
    const listeners = before ?? new Set()
    listeners.add(listener)
    this.#listeners.set(channel, listeners)
    if (!before) void this.#ask((client) => this.#subscribe(client, channel))
    return () => {
      listeners.delete(listener)
      if (listeners.size > 0 || this.#listeners.get(channel) !== listeners) return
      this.#listeners.delete(channel)
      void this.#ask((client) => client.unsubscribe(this.#prefix + channel))
    }
  }

  close(): Promise<void> {
    this.#isClosed = true
    this.#isCaughtUp = false
    this.#retry?.cancel()
    this.#client.destroy()
    return Promise.resolve()
  }

  /** undefined: Redis is away, or became so. */
  async #ask<T>(work: (client: RedisClient) => Promise<T>): Promise<T | undefined> {
    if (!this.#isCaughtUp || !this.#client.isReady) return undefined
    try {
      return await this.#breaker.run(() => work(this.#client))
    } catch (cause) {
      this.#leave(cause)
      return undefined
    }
  }

  async #write(key: string, value: string | null, ttlMs: number | null): Promise<void> {
    // Remembered until Redis has confirmed it: a session that was ended must not come back with Redis.
    const write = this.#local.remember(key, value, ttlMs)
    const isTold = await this.#ask(async (client) => {
      await this.#put(client, key, value, ttlMs)
      return true
    })
    if (isTold) this.#local.told(write)
  }

  async #put(client: RedisClient, key: string, value: string | null, ttlMs: number | null): Promise<void> {
    if (value === null) await client.del(this.#prefix + key)
    else if (ttlMs === null) await client.set(this.#prefix + key, value)
    else await client.set(this.#prefix + key, value, { expiration: { type: 'PX', value: Math.ceil(ttlMs) } })
  }

  /** From now on this process is on its own, until Redis has heard what it missed. */
  #leave(cause: unknown): void {
    this.#isCaughtUp = false
    if (this.#isClosed) return
    if (!this.#isAwayLogged) {
      this.#isAwayLogged = true
      this.#log.warn({ reason: cause instanceof Error ? cause.message : String(cause) }, 'Redis is away')
    }
    if (!this.#client.isReady || this.#retry) return // a new connection catches up by itself
    this.#retry = this.#clock.after(Math.max(this.#backoff.next(), this.#breaker.retryAfterMs), () => {
      this.#retry = null
      void this.#catchUp()
    })
  }

  async #catchUp(): Promise<void> {
    if (this.#isCaughtUp || this.#isCatchingUp || this.#isClosed) return
    this.#isCatchingUp = true
    try {
      await this.#tellEverything()
      this.#isCaughtUp = true
      this.#backoff.reset()
      if (this.#isAwayLogged) this.#log.info({}, 'Redis is back')
      this.#isAwayLogged = false
    } catch (cause) {
      this.#isCatchingUp = false
      this.#leave(cause)
    }
    this.#isCatchingUp = false
  }

  async #tellEverything(): Promise<void> {
    const client = this.#client
    await this.#breaker.run(() => client.ping())
    for (const channel of this.#listeners.keys()) await this.#breaker.run(() => this.#subscribe(client, channel))
    const stale = [...this.#stale]
    if (stale.length > 0) await this.#breaker.run(() => client.unlink(stale.map((key) => this.#prefix + key)))
    for (const key of stale) this.#stale.delete(key)
    // What is written meanwhile joins the end; the last look and `#isCaughtUp = true` happen without a pause between them.
    for (let writes = this.#local.untold(); writes.length > 0; writes = this.#local.untold()) {
      for (const write of writes) {
        const ttlMs = write.expiresAt === null ? null : write.expiresAt - this.#clock.monotonic()
        if (ttlMs === null || ttlMs > 0)
          await this.#breaker.run(() => this.#put(client, write.key, write.value, write.value === null ? null : ttlMs))
        this.#local.told(write)
      }
    }
  }

  /** Safe to call again for the same channel: the client keeps each listener once. */
  async #subscribe(client: RedisClient, channel: string): Promise<void> {
    await client.subscribe(this.#prefix + channel, this.#onMessage)
  }

  readonly #onMessage = (message: string, channel: string): void =>
    this.#tell(channel.slice(this.#prefix.length), message)

  #tell(channel: string, message: string): void {
    for (const listener of this.#listeners.get(channel) ?? []) listener(message)
  }
}
