// What one process keeps of Redis for the time when Redis is away: its own latest values by key, its own counters, and the writes
// that Redis has not heard of. Bounded: the oldest go first.

import type { Clock } from '#kit/clock.ts'

const MAX_VALUES = 10_000
const MAX_COUNTERS = 100_000
const MAX_UNTOLD = 10_000

export interface Count {
  /** Within the running window, with this one. */
  readonly count: number
  /** Milliseconds until the window ends. */
  readonly resetMs: number
}

/** A write that Redis has not heard of. `value` null: the key is to go. `expiresAt`: monotonic milliseconds; null: never. */
export interface Untold {
  readonly key: string
  readonly value: string | null
  readonly expiresAt: number | null
}

interface Kept {
  readonly value: string
  readonly expiresAt: number
}

export class RedisLocal {
  readonly #clock: Clock
  readonly #values = new Map<string, Kept>()
  readonly #counters = new Map<string, { count: number; endsAt: number }>()
  readonly #untold = new Map<string, Untold>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get(key: string): string | null {
    const kept = this.#values.get(key)
    if (kept === undefined) return null
    if (this.#clock.monotonic() < kept.expiresAt) return kept.value
    this.#values.delete(key)
    return null
  }

  keep(key: string, value: string, ttlMs: number): void {
    this.#values.delete(key) // so that the order of the map is the order of the writes
    this.#values.set(key, { value, expiresAt: this.#clock.monotonic() + ttlMs })
    dropOldest(this.#values, MAX_VALUES)
  }

  forget(key: string): void {
    this.#values.delete(key)
  }

  /** Remembers a write until it is `told`. */
  remember(key: string, value: string | null, ttlMs: number | null): Untold {
    const expiresAt = ttlMs === null ? null : this.#clock.monotonic() + ttlMs
    const write = { key, value, expiresAt }
    this.#untold.delete(key)
    this.#untold.set(key, write)
    dropOldest(this.#untold, MAX_UNTOLD)
    return write
  }

  /** Writes to tell, oldest first; each is there until `told`. */
  untold(): readonly Untold[] {
    return [...this.#untold.values()]
  }

  /** Redis knows it, unless there was a newer one meanwhile. */
  told(write: Untold): void {
    if (this.#untold.get(write.key) === write) this.#untold.delete(write.key)
  }

  increment(key: string, windowMs: number, by: number): Count {
    const now = this.#clock.monotonic()
    const running = this.#counters.get(key)
    if (running && now < running.endsAt) {
      running.count += by
      return { count: running.count, resetMs: running.endsAt - now }
    }
    this.#counters.delete(key)
    this.#counters.set(key, { count: by, endsAt: now + windowMs })
    dropOldest(this.#counters, MAX_COUNTERS)
    return { count: by, resetMs: windowMs }
  }
}

function dropOldest(map: Map<string, unknown>, max: number): void {
  if (map.size <= max) return
  for (const key of map.keys()) {
    map.delete(key)
    return
  }
}
