// Does the pipeline move? Asked by the watchdog: a timer that fires proves that the main loop turns and nothing else. The store
// thread must answer, what waits must become durable, and acquisition's timers must fire when they are due.

import type { Clock } from '#kit/clock.ts'

export interface ProgressWatchOptions {
  readonly clock: Clock
  /** Seq of the newest record. */
  readonly written: () => number
  /** Asks the store thread; rejects when it has ended. */
  readonly beat: () => Promise<{ readonly state: 'ok' | 'failing'; readonly durableSeq: number }>
  /** How long the store may gather before it writes. */
  readonly flushIntervalMs: number
  /** How long the most overdue of acquisition's timers has been due. */
  readonly lateMs: () => number
  /** What may be late by this much, ms. */
  readonly patienceMs: number
}

const STORE_SILENT = 'the store thread does not answer'

export class ProgressWatch {
  readonly #options: ProgressWatchOptions
  #durableSeq = -1
  /** Monotonic; when the durable records last grew or nothing waited. */
  #movedAt: number
  /** Monotonic; when the question that the thread still owes an answer to was asked. */
  #askedAt: number | null = null

  constructor(options: ProgressWatchOptions) {
    this.#options = options
    this.#movedAt = options.clock.monotonic()
  }

  /** Why nothing moves while an answer is owed for longer than the patience; null: it may still come. */
  get silence(): string | null {
    const { clock, patienceMs } = this.#options
    return this.#askedAt !== null && clock.monotonic() - this.#askedAt > patienceMs ? STORE_SILENT : null
  }

  /** Resolves with null when everything moves, else with what does not; only once the store thread has answered. Not twice at a time. */
  async look(): Promise<string | null> {
    const { clock, written, beat, lateMs, patienceMs } = this.#options
    const newest = written()
    this.#askedAt = clock.monotonic()
    try {
      const { state, durableSeq } = await beat()
      const stalled = this.#stalledMs(state, durableSeq, newest)
      if (stalled !== null) return `readings have not become durable for ${Math.round(stalled / 1000)} s`
    } catch {
      return 'the store thread has ended'
    } finally {
      this.#askedAt = null
    }
    return lateMs() > patienceMs ? 'acquisition does not poll when it is due' : null
  }

  /** How long records have waited in vain, when that is too long. A disk that refuses is no reason: a new start does not heal it. */
  #stalledMs(state: 'ok' | 'failing', durableSeq: number, newest: number): number | null {
    const { clock, flushIntervalMs, patienceMs } = this.#options
    const now = clock.monotonic()
    const isMoving = durableSeq !== this.#durableSeq || durableSeq >= newest || state === 'failing'
    this.#durableSeq = durableSeq
    if (isMoving) this.#movedAt = now
    const stalledMs = now - this.#movedAt
    return stalledMs > flushIntervalMs + patienceMs ? stalledMs : null
  }
}
