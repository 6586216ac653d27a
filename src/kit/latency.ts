// Latency distribution without allocation: counts in logarithmic cells, 8 to each doubling (error at most 9 %).

const CELLS_PER_DOUBLING = 8
const SMALLEST_MS = 0.001
const CELLS_PER_STEP = 4
const CELLS = 8 * 40 // up to 2^40 µs, 12 days

export interface LatencyStep {
  readonly upToMs: number
  readonly count: number
}

export class LatencyHistogram {
  readonly #cells = new Float64Array(CELLS)
  #count = 0
  #max = 0
  #sum = 0

  /** Adds one duration in milliseconds; negative ones count as 0. */
  record(ms: number, times = 1): void {
    const cell =
      ms <= SMALLEST_MS ? 0 : Math.min(CELLS - 1, Math.ceil(Math.log2(ms / SMALLEST_MS) * CELLS_PER_DOUBLING))
    this.#cells[cell]! += times
    this.#count += times
    this.#sum += ms * times
    if (ms > this.#max) this.#max = ms
  }

  get count(): number {
    return this.#count
  }

  get sum(): number {
    return this.#sum
  }

  get max(): number {
    return this.#max
  }

  /** Upper bound of the cell that holds the quantile, in milliseconds; 0 when empty. `fraction` in (0, 1]. */
  quantile(fraction: number): number {
    let rest = Math.ceil(this.#count * fraction)
    if (rest === 0) return 0
    for (let cell = 0; cell < CELLS; cell++) {
      rest -= this.#cells[cell]!
      if (rest <= 0) return Math.min(this.#max, SMALLEST_MS * 2 ** (cell / CELLS_PER_DOUBLING))
    }
    return this.#max
  }

  /** Counts between the least and the greatest duration, in steps of a half doubling; `upToMs`: upper bound of the step. */
  steps(): LatencyStep[] {
    const steps: LatencyStep[] = []
    for (let cell = 0; cell < CELLS; cell += CELLS_PER_STEP) {
      let count = 0
      for (let at = cell; at < cell + CELLS_PER_STEP; at++) count += this.#cells[at]!
      const upToMs = SMALLEST_MS * 2 ** ((cell + CELLS_PER_STEP - 1) / CELLS_PER_DOUBLING)
      if (count > 0 || steps.length > 0) steps.push({ upToMs, count })
    }
    while (steps.at(-1)?.count === 0) steps.pop()
    return steps
  }

  reset(): void {
    this.#cells.fill(0)
    this.#count = 0
    this.#max = 0
    this.#sum = 0
  }
}
