// The last n numbers in order of size: median and median absolute deviation without sorting anew.

/**
 * Keeps the last `capacity` values both by age and by size. A push moves the values between the place of the one that
 * leaves and of the one that enters, in one block; median and MAD are searched in O(log n). Memory 16 × capacity bytes.
 */
export class SortedWindow {
  readonly capacity: number
  readonly #byAge: Float64Array
  readonly #bySize: Float64Array
  #count = 0
  #next = 0

  /** @param capacity values in the window, ≥ 2. */
  constructor(capacity: number) {
    this.capacity = capacity
    this.#byAge = new Float64Array(capacity)
    this.#bySize = new Float64Array(capacity)
  }

  get count(): number {
    return this.#count
  }

  get isFull(): boolean {
    return this.#count === this.capacity
  }

  /** Mean of the two middle values when their number is even; NaN when there is none. */
  get median(): number {
    const middle = this.#count >> 1
    const upper = this.#bySize[middle]!
    if (this.#count === 0) return Number.NaN
    return this.#count % 2 === 1 ? upper : midpoint(this.#bySize[middle - 1]!, upper)
  }

  /** Median of |value − centre|. */
  medianDeviation(centre: number): number {
    const middle = this.#count >> 1
    if (this.#count === 0) return Number.NaN
    const upper = this.#deviationOfRank(middle, centre)
    return this.#count % 2 === 1 ? upper : midpoint(this.#deviationOfRank(middle - 1, centre), upper)
  }

  /** Takes a finite value; the oldest one drops out when the window is full. */
  push(value: number): void {
    // One zero, so that equal values are found as equal.
    const entering = value === 0 ? 0 : value
    const sizes = this.#bySize
    let hole = this.#count
    if (this.isFull) hole = this.#firstNotBelow(this.#byAge[this.#next]!)
    else this.#count += 1
    this.#byAge[this.#next] = entering
    this.#next = this.#next + 1 === this.capacity ? 0 : this.#next + 1
    const last = this.#count - 1
    if (hole < last && sizes[hole + 1]! < entering) {
      const at = this.#firstNotBelow(entering, hole + 1)
      sizes.copyWithin(hole, hole + 1, at)
      sizes[at - 1] = entering
    } else {
      const at = this.#firstNotBelow(entering, 0, hole)
      sizes.copyWithin(at + 1, at, hole)
      sizes[at] = entering
    }
  }

  /** First place in [from, to) whose value is not below `value`; `to` when there is none. */
  #firstNotBelow(value: number, from = 0, to = this.#count): number {
    let low = from
    let high = to
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#bySize[middle]! < value) low = middle + 1
      else high = middle
    }
    return low
  }

  /**
   * The deviation of a rank (from 0) among |value − centre|. The `rank + 1` nearest values stand side by side: the place
   * where they begin is found by halving, as the further of both ends must be no nearer than what lies outside.
   */
  #deviationOfRank(rank: number, centre: number): number {
    const sizes = this.#bySize
    let low = 0
    let high = this.#count - 1 - rank
    while (low < high) {
      const start = (low + high) >>> 1
      if (centre - sizes[start]! > sizes[start + rank + 1]! - centre) low = start + 1
      else high = start
    }
    return Math.max(Math.abs(centre - sizes[low]!), Math.abs(sizes[low + rank]! - centre))
  }
}

/** Halved before the sum, which may be beyond the float64 range. */
function midpoint(a: number, b: number): number {
  return a === b ? a : a / 2 + b / 2
}
