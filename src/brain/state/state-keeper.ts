// Keeps what rules have gathered (windows, cooldowns) over a restart: every few seconds in Redis when there is one, less often
// and at the end in the database. What is lost when neither answers are the latest values of windows: nothing that was told to
// be durable. Rules are always evaluated from memory.

import type { Database } from '#backing/database.ts'
import type { Log } from '#domain/driver.ts'
import { toTelemetryError } from '#domain/errors.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import type { RuleBook } from '../rules/rule-book.ts'
import type { CompiledRule } from '../rules/rule.ts'
import type { WindowState } from '../rules/windows.ts'
import type { Cache } from '../service.ts'

const CACHE_MS = 5000
const DATABASE_MS = 60_000
const CACHE_TTL_MS = 7 * 86_400_000
/** A rule that holds more is not kept: its windows fill again. */
const MAX_VALUES = 200_000

export interface StateKeeperOptions {
  readonly database: Database
  readonly cache: Cache | null
  readonly clock: Clock
  readonly log: Log
  readonly book: RuleBook
}

interface RuleState {
  /** Unix milliseconds. */
  readonly savedAt: number
  /** By definition. */
  readonly windows: Readonly<Record<string, WindowState>>
  readonly spoken: readonly (readonly [key: string, time: number])[]
}

export class StateKeeper {
  readonly #options: StateKeeperOptions
  /** Rules that the database has an older state of. */
  readonly #behind = new Set<CompiledRule>()
  #timer: Timer | null = null
  #savedToDatabaseAt: number
  #saving: Promise<void> | null = null
  #isStopped = false

  constructor(options: StateKeeperOptions) {
    this.#options = options
    this.#savedToDatabaseAt = options.clock.monotonic()
  }

  /** Gives the rules back what they had; the later one of what Redis and the database know. */
  async restore(): Promise<void> {
    const { book, database } = this.#options
    const rows = await database.query<{ tenant: string; rule: string; body: string }>(
      'SELECT tenant, rule, body FROM brain.rule_state',
    )
    const kept = new Map(rows.map(({ body, rule, tenant }) => [`${tenant} ${rule}`, body]))
    for (const rule of book.all()) {
      if (!hasState(rule)) continue
      const cached = (await this.#options.cache?.get(cacheKey(rule))) ?? null
      const known = kept.get(`${rule.tenant} ${rule.id}`) ?? null
      const states = [cached, known].flatMap((text) => parsed(text)).sort((a, b) => b.savedAt - a.savedAt)
      if (states[0]) apply(rule, states[0])
    }
  }

  start(): void {
    if (this.#isStopped) return
    this.#timer = this.#options.clock.after(CACHE_MS, () => {
      void this.save().finally(() => this.start())
    })
  }

  /** Saves what has changed. Never rejects. */
  save(isLast = false): Promise<void> {
    this.#saving = (this.#saving ?? Promise.resolve())
      .then(() => this.#save(isLast))
      .catch((cause: unknown) => {
        this.#options.log.warn(
          { reason: toTelemetryError(cause).message },
          'Windows could not be kept for the next start',
        )
      })
    return this.#saving
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    await this.save(true)
  }

  async #save(isLast: boolean): Promise<void> {
    const { book, cache, clock } = this.#options
    for (const rule of book.all()) {
      if (!takeDirty(rule)) continue
      this.#behind.add(rule)
      const body = cache === null ? null : this.#bodyOf(rule)
      if (cache !== null && body !== null) await cache.set(cacheKey(rule), body, CACHE_TTL_MS)
    }
    if (!isLast && clock.monotonic() - this.#savedToDatabaseAt < DATABASE_MS) return
    this.#savedToDatabaseAt = clock.monotonic()
    await this.#saveToDatabase()
  }

  async #saveToDatabase(): Promise<void> {
    for (const rule of this.#behind) {
      const body = this.#bodyOf(rule)
      if (body !== null)
        await this.#options.database.query(
          `INSERT INTO brain.rule_state (tenant, rule, body) VALUES ($1, $2, $3)
           ON CONFLICT (tenant, rule) DO UPDATE SET body = excluded.body`,
          [rule.tenant, rule.id, body],
        )
      this.#behind.delete(rule)
    }
  }

  /** null: too much. */
  #bodyOf(rule: CompiledRule): string | null {
    const values = rule.windows.reduce((sum, { keyed }) => sum + keyed.values, rule.spoken.size)
    if (values > MAX_VALUES) return null
    const state: RuleState = {
      savedAt: this.#options.clock.now(),
      windows: Object.fromEntries(rule.windows.map(({ definition, keyed }) => [definition, keyed.toJSON()])),
      spoken: [...rule.spoken],
    }
    return JSON.stringify(state)
  }
}

function hasState(rule: CompiledRule): boolean {
  return rule.windows.length > 0 || rule.cooldownMs > 0
}

function takeDirty(rule: CompiledRule): boolean {
  let isDirty = rule.hasSpoken
  rule.hasSpoken = false
  for (const { keyed } of rule.windows) isDirty = keyed.takeDirty() || isDirty
  return isDirty
}

function cacheKey({ id, tenant }: CompiledRule): string {
  return `brain:rule:${tenant}:${id}`
}

function parsed(text: string | null): RuleState[] {
  if (text === null) return []
  try {
    return [JSON.parse(text) as RuleState] // written by `save`
  } catch {
    return []
  }
}

function apply(rule: CompiledRule, { spoken, windows }: RuleState): void {
  for (const window of rule.windows) window.keyed.restore(windows[window.definition] ?? [])
  for (const [key, time] of spoken) if (!rule.spoken.has(key)) rule.spoken.set(key, time)
}
