// The deadlines of one group of points: origin + phase + n × interval. Pure; deadlines never depend on when a poll ran.

export class PollGrid {
  readonly intervalMs: number
  readonly #base: number
  #index = 0

  /** @param base monotonic time of the deadline with index 0. */
  constructor(base: number, intervalMs: number) {
    this.#base = base
    this.intervalMs = intervalMs
  }

  /** Monotonic time of the current deadline. */
  get deadline(): number {
    return this.#base + this.#index * this.intervalMs
  }

  /** Makes the first deadline at or after `now` the current one. */
  seek(now: number): void {
    this.#index = Math.max(0, Math.ceil((now - this.#base) / this.intervalMs))
  }

  /** Passes the current deadline; returns how many further ones have passed unused by `now`. */
  advance(now: number): number {
    const next = Math.max(this.#index + 1, Math.floor((now - this.#base) / this.intervalMs) + 1)
    const missed = next - this.#index - 1
    this.#index = next
    return missed
  }
}
