// What was looked up a moment ago: who a key or session belongs to is asked for with every request, and need not go to the
// database each time. What it holds is believed for TTL_MS at most; while the database is away, for as long as its owner allows.

import { isTelemetryError } from '#domain/errors.ts'
import type { Clock } from '#kit/clock.ts'

/** How long a key that another process has revoked is still good here. */
export const TTL_MS = 5000
const MAX_ENTRIES = 10_000

interface Kept<T> {
  readonly value: Promise<T | null>
  readonly until: number
  /** When the look-up began that answered this: long before `until` when later ones failed. */
  readonly lookedUpAt: Promise<number>
}

export class Recent<T> {
  readonly #clock: Clock
  readonly #graceMs: number
  readonly #kept = new Map<string, Kept<T>>()

  /** @param graceMs how long after a look-up its answer is good enough when later ones fail because something is away. */
  constructor(clock: Clock, graceMs = 0) {
    this.#clock = clock
    this.#graceMs = graceMs
  }

  /** Loads it, unless that was done a moment ago; callers of the same time share one load. What is not there is not remembered. */
  get(key: string, load: () => Promise<T | null>): Promise<T | null> {
    const now = this.#clock.monotonic()
    const before = this.#kept.get(key)
    if (before && now < before.until) return before.value
    const found = this.#look(before, load, now)
    const entry = {
      value: found.then(({ value }) => value),
      lookedUpAt: found.then(({ at }) => at),
      until: now + TTL_MS,
    }
    entry.lookedUpAt.catch(() => {}) // told by `value`
    this.#kept.delete(key)
    this.#kept.set(key, entry)
    if (this.#kept.size > MAX_ENTRIES) this.#kept.delete(this.#kept.keys().next().value!)
    const drop = (): void => {
      if (this.#kept.get(key) === entry) this.#kept.delete(key)
    }
    entry.value.then((value) => {
      if (value === null) drop()
    }, drop)
    return entry.value
  }

  /** Something has changed. */
  forget(): void {
    this.#kept.clear()
  }

  async #look(
    before: Kept<T> | undefined,
    load: () => Promise<T | null>,
    now: number,
  ): Promise<{ readonly value: T | null; readonly at: number }> {
    try {
      return { value: await load(), at: now }
    } catch (cause) {
      if (before === undefined || !isTelemetryError(cause) || !cause.retryable) throw cause
      const at = await before.lookedUpAt
      if (now >= at + this.#graceMs) throw cause
      return { value: await before.value, at }
    }
  }
}
