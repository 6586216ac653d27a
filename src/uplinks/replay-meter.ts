// How fast a backlog is being sent: historical records a second, over the last ten seconds.

import type { Clock } from '#kit/clock.ts'

const CELLS = 10

export class ReplayMeter {
  readonly #clock: Clock
  readonly #counts = new Float64Array(CELLS)
  #second: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#second = this.#now()
  }

  add(records: number): void {
    this.#advance()
    this.#counts[this.#second % CELLS]! += records
  }

  /** Records a second. */
  get rate(): number {
    this.#advance()
    return this.#counts.reduce((sum, count) => sum + count, 0) / CELLS
  }

  #advance(): void {
    const now = this.#now()
    for (let passed = Math.min(CELLS, now - this.#second); passed > 0; passed--)
      this.#counts[(now - passed + 1) % CELLS] = 0
    this.#second = now
  }

  #now(): number {
    return Math.floor(this.#clock.monotonic() / 1000)
  }
}
