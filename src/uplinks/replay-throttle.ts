// The rate limit on the backlog (`replay.maxRate`): a token bucket that holds back what was waiting when the connection came
// up, and nothing else. What arrives during the replay belongs to the backlog too as long as the backlog shrinks; live
// readings are never held back for good, even when they come faster than maxRate.

import { comparePositions, type Position } from '#domain/journal.ts'
import type { Clock } from '#kit/clock.ts'

/** Tokens for this long may be saved up, so that a replay runs in small steps instead of bursts. */
const BURST_MS = 100

export class ReplayThrottle {
  readonly #clock: Clock
  readonly #maxRate: number | null
  readonly #burst: number
  #mark: Position | null = null
  #length = 0
  #tokens = 0
  #refilledAt = 0

  /** @param maxRate records a second; null: no limit. */
  constructor(clock: Clock, maxRate: number | null) {
    this.#clock = clock
    this.#maxRate = maxRate
    this.#burst = Math.max(1, ((maxRate ?? 0) * BURST_MS) / 1000)
  }

  /** A connection came up: the `waiting` records up to `head` are backlog. */
  begin(head: Position, waiting: number): void {
    this.#mark = this.#maxRate === null || waiting <= this.#burst ? null : head
    this.#length = waiting
    this.#tokens = this.#burst
    this.#refilledAt = this.#clock.monotonic()
  }

  /** How many of `wanted` records after `position` may be leased now; 0: wait `waitMs()`. */
  allowance(position: Position, head: Position, wanted: number): number {
    if (this.#mark === null) return wanted
    if (comparePositions(position, this.#mark) >= 0 && !this.#extend(position, head)) return wanted
    this.#refill()
    const enough = Math.min(wanted, Math.floor(this.#burst))
    return this.#tokens + 1e-9 < enough ? 0 : Math.min(wanted, Math.floor(this.#tokens + 1e-9))
  }

  /** Counts records that were leased by an allowance. */
  took(records: number): void {
    if (this.#mark !== null) this.#tokens -= records
  }

  /** Milliseconds until the next step of the replay. */
  waitMs(): number {
    return Math.max(1, ((this.#burst - this.#tokens) * 1000) / (this.#maxRate ?? 1))
  }

  /** The backlog is through; what came meanwhile is the next one, if it is smaller by half. */
  #extend(position: Position, head: Position): boolean {
    const waiting = head.seq - position.seq
    if (waiting <= this.#burst || waiting * 2 > this.#length) {
      this.#mark = null
      return false
    }
    this.#mark = head
    this.#length = waiting
    return true
  }

  #refill(): void {
    const now = this.#clock.monotonic()
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#refilledAt) * (this.#maxRate ?? 0)) / 1000)
    this.#refilledAt = now
  }
}
