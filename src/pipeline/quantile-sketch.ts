// Percentiles of a stream in bounded memory, and of several streams together: DDSketch (Masson, Rim, Lee, VLDB 2019).
// Values fall into bins whose borders grow by a constant factor, so that an answer is within 1 % of the value.

const RELATIVE_ACCURACY = 0.01
const GAMMA = (1 + RELATIVE_ACCURACY) / (1 - RELATIVE_ACCURACY)
const LOG_GAMMA = Math.log(GAMMA)

/** Nearer to 0 than this is 0. */
const SMALLEST = 1e-12

/** Bins for each sign, about 40 decades; beyond that the ones nearest to 0 are put together. */
const MAX_BINS = 4096

type Bins = Map<number, number>

export class QuantileSketch {
  readonly #positive: Bins = new Map()
  readonly #negative: Bins = new Map()
  #zeros = 0
  #count = 0

  get count(): number {
    return this.#count
  }

  take(value: number): void {
    this.#count += 1
    const size = Math.abs(value)
    if (size < SMALLEST) this.#zeros += 1
    else add(value > 0 ? this.#positive : this.#negative, Math.ceil(Math.log(size) / LOG_GAMMA), 1)
  }

  merge(other: QuantileSketch): void {
    this.#count += other.#count
    this.#zeros += other.#zeros
    for (const [bin, count] of other.#positive) add(this.#positive, bin, count)
    for (const [bin, count] of other.#negative) add(this.#negative, bin, count)
  }

  /** Within 1 % of the value at this share of the sorted values (0 … 1); NaN when there is none. */
  quantile(share: number): number {
    if (this.#count === 0) return Number.NaN
    let left = Math.round(share * (this.#count - 1)) + 1
    for (const [bin, count] of [...this.#negative].sort(([a], [b]) => b - a)) {
      left -= count
      if (left <= 0) return -middle(bin)
    }
    left -= this.#zeros
    if (left <= 0) return 0
    for (const [bin, count] of [...this.#positive].sort(([a], [b]) => a - b)) {
      left -= count
      if (left <= 0) return middle(bin)
    }
    return Number.NaN
  }
}

/** Of bin (γ^(b−1), γ^b]: no value in it is further away than the accuracy. */
function middle(bin: number): number {
  return (2 * GAMMA ** bin) / (GAMMA + 1)
}

function add(bins: Bins, bin: number, count: number): void {
  bins.set(bin, (bins.get(bin) ?? 0) + count)
  if (bins.size <= MAX_BINS) return
  const [lowest, next] = [...bins.keys()].sort((a, b) => a - b)
  const moved = bins.get(lowest!) ?? 0
  bins.delete(lowest!)
  bins.set(next!, (bins.get(next!) ?? 0) + moved)
}
