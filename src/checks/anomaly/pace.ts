// How many readings make a day: measured from their times, so that nobody needs to say how often a sensor is read.

import type { StateReader, StateWriter } from '../learnt-state.ts'

const DAY_MS = 86_400_000

/** Readings over which the pace is averaged. */
const MEMORY = 1000

/** A gap counts as at most so many usual intervals: an outage is no slow polling. */
const MAX_INTERVALS = 10

/** Readings before the pace is believed. */
const WARM_UP = 20

/** Running mean of the interval between readings. Steps back of the clock and repeated times count as no time. */
export class Pace {
  #meanMs = 0
  #last = Number.NaN
  #count = 0

  /** Readings in a day; 0 while unknown, as when all readings carry the same time. */
  get readingsPerDay(): number {
    return this.#count < WARM_UP || this.#meanMs < 1 ? 0 : DAY_MS / this.#meanMs
  }

  save(writer: StateWriter): void {
    writer.add(this.#meanMs, this.#last, this.#count)
  }

  restore(reader: StateReader): void {
    this.#meanMs = reader.number(0)
    this.#last = reader.numberOr(Number.NaN)
    this.#count = reader.whole(0, Number.MAX_SAFE_INTEGER)
  }

  /** @param time Unix milliseconds. */
  take(time: number): void {
    const last = this.#last
    this.#last = time
    if (Number.isNaN(last)) return
    this.#count += 1
    const limit = this.#count < WARM_UP || this.#meanMs === 0 ? DAY_MS : this.#meanMs * MAX_INTERVALS
    const interval = Math.min(limit, Math.max(0, time - last))
    this.#meanMs += (interval - this.#meanMs) * Math.max(1 / this.#count, 1 / MEMORY)
  }
}
