// What was looked up a moment ago: who a key or session belongs to is asked for with every request, and need not go to the
// database each time. What it holds is believed for TTL_MS at most.

import type { Clock } from '#kit/clock.ts'

/** How long a key that another process has revoked is still good here. */
export const TTL_MS = 5000
const MAX_ENTRIES = 10_000

interface Kept<T> {
  readonly value: Promise<T | null>
  readonly until: number
}

export class Recent<T> {
  readonly #clock: Clock
  readonly #kept = new Map<string, Kept<T>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Loads it, unless that was done a moment ago; callers of the same time share one load. What is not there is not remembered. */
  get(key: string, load: () => Promise<T | null>): Promise<T | null> {
    const now = this.#clock.monotonic()
    const kept = this.#kept.get(key)
    if (kept && now < kept.until) return kept.value
    const entry = { value: load(), until: now + TTL_MS }
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
}
