// A clock that stands still until it is told to move: for tests and for simulated time.

import type { Clock, Timer } from './clock.ts'

interface Pending {
  readonly at: number
  readonly order: number
  readonly fire: () => void
}

export class ManualClock implements Clock {
  #wall: number
  #monotonic = 0
  #order = 0
  readonly #pending = new Set<Pending>()

  /** @param wall start of the wall clock, Unix milliseconds. */
  constructor(wall = Date.UTC(2026, 0, 1)) {
    this.#wall = wall
  }

  now(): number {
    return Math.floor(this.#wall)
  }

  monotonic(): number {
    return this.#monotonic
  }

  after(delayMs: number, fire: () => void): Timer {
    const pending = { at: this.#monotonic + Math.max(0, delayMs), order: this.#order++, fire }
    this.#pending.add(pending)
    return { cancel: () => void this.#pending.delete(pending) }
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#pending.size
  }

  /** Moves both clocks on and fires what falls due, in order, letting promises settle after each timer. */
  async advance(ms: number): Promise<void> {
    const end = this.#monotonic + ms
    for (;;) {
      await settle()
      const next = this.#nextDue(end)
      if (next === undefined) break
      this.#pending.delete(next)
      this.#moveTo(next.at)
      next.fire()
    }
    this.#moveTo(end)
    await settle()
  }

  /** Steps the wall clock alone, as NTP or an operator would. */
  step(ms: number): void {
    this.#wall += ms
  }

  #moveTo(monotonic: number): void {
    this.#wall += monotonic - this.#monotonic
    this.#monotonic = monotonic
  }

  #nextDue(end: number): Pending | undefined {
    let best: Pending | undefined
    for (const pending of this.#pending) {
      if (pending.at > end) continue
      if (!best || pending.at < best.at || (pending.at === best.at && pending.order < best.order)) best = pending
    }
    return best
  }
}

/** Lets queued promise reactions and one round of I/O callbacks run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}
