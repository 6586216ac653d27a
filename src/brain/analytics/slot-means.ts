// Brings readings of a few sensors to a grid as they come: one row of means for each slot in which all of them had a reading.

/** Tells a completed row: `row` is valid during the call; `skipped` slots without a whole row lay between it and the row before. */
export type TakeRow = (row: Float64Array, slotEndMs: number, skipped: number) => void

export class SlotMeans {
  readonly #everyMs: number
  readonly #means: Float64Array
  readonly #counts: Uint32Array
  #slot = Number.NaN
  #last = Number.NaN

  constructor(columns: number, everyMs: number) {
    this.#everyMs = everyMs
    this.#means = new Float64Array(columns)
    this.#counts = new Uint32Array(columns)
  }

  /** A reading of a slot that is over already is late: it is passed over, and false is answered. */
  push(column: number, value: number, time: number, take: TakeRow): boolean {
    const slot = Math.floor(time / this.#everyMs)
    if (slot < this.#slot) return false
    if (slot > this.#slot) this.#complete(take)
    this.#slot = slot
    this.#counts[column]! += 1
    this.#means[column]! += (value - this.#means[column]!) / this.#counts[column]!
    return true
  }

  #complete(take: TakeRow): void {
    if (this.#counts.every((count) => count > 0)) {
      const skipped = Number.isNaN(this.#last) ? 0 : this.#slot - this.#last - 1
      this.#last = this.#slot
      take(this.#means, (this.#slot + 1) * this.#everyMs, skipped)
    }
    this.#means.fill(0)
    this.#counts.fill(0)
  }
}
