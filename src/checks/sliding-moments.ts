// Mean and spread of the last n numbers at constant cost: sliding Welford sums, kept honest by recomputing them.
//
// Sums run over value − reference, so that 10^15 + noise loses nothing to the offset. Each replacement rounds, and a
// huge value leaves its rounding behind when it drops out; so the sums are recomputed once per window, and at once when
// most of the spread has left. Amortised one extra pass over the window.

/** Values are limited to ± this, so that no square overflows. */
const MAX_MAGNITUDE = 1e150

/** When the spread falls below this share of its peak, too few digits of the sums are left. */
const CANCELLATION = 1e-6

/** Mean and sum of squared deviations of the last `capacity` values; memory 8 × capacity bytes. Source: Welford 1962, in the sliding form. */
export class SlidingMoments {
  readonly capacity: number
  readonly #values: Float64Array
  #count = 0
  #next = 0
  #reference = 0
  /** Mean of value − reference. */
  #mean = 0
  #squares = 0
  #peakSquares = 0
  #sinceRecompute = 0

  /** @param capacity values in the window, ≥ 2. */
  constructor(capacity: number) {
    this.capacity = capacity
    this.#values = new Float64Array(capacity)
  }

  get count(): number {
    return this.#count
  }

  get isFull(): boolean {
    return this.#count === this.capacity
  }

  get mean(): number {
    return this.#reference + this.#mean
  }

  /** Sum of the squared deviations from the mean; 0 exactly when all values are equal. */
  get squares(): number {
    return this.#squares
  }

  /** Sample standard deviation (n − 1); 0 below two values. */
  get standardDeviation(): number {
    return this.#count < 2 ? 0 : Math.sqrt(this.#squares / (this.#count - 1))
  }

  /** value − mean, without the rounding of `mean` at large offsets. */
  deviation(value: number): number {
    return limited(value) - this.#reference - this.#mean
  }

  /** Takes a finite value; the oldest one drops out when the window is full. */
  push(value: number): void {
    const entering = limited(value)
    if (this.#count < this.capacity) this.#grow(entering)
    else this.#slide(entering)
  }

  #grow(entering: number): void {
    this.#values[this.#count] = entering
    this.#count += 1
    const relative = entering - this.#reference
    const before = relative - this.#mean
    this.#mean += before / this.#count
    this.#squares += before * (relative - this.#mean)
    if (this.#count === this.capacity) this.#recompute()
  }

  #slide(entering: number): void {
    const values = this.#values
    const next = this.#next
    const leaving = values[next]!
    values[next] = entering
    this.#next = next + 1 === this.capacity ? 0 : next + 1
    this.#sinceRecompute += 1
    if (entering !== leaving) {
      const relative = entering - this.#reference
      const oldMean = this.#mean
      const mean = oldMean + (entering - leaving) / this.capacity
      const squares = this.#squares + (entering - leaving) * (relative - mean + (leaving - this.#reference - oldMean))
      this.#mean = mean
      this.#squares = squares
      if (squares > this.#peakSquares) this.#peakSquares = squares
    }
    // Written so that a NaN would recompute as well.
    if (this.#sinceRecompute >= this.capacity || !(this.#squares >= this.#peakSquares * CANCELLATION)) this.#recompute()
  }

  #recompute(): void {
    const values = this.#values
    const count = this.#count
    const reference = values[0]!
    let sum = 0
    for (let at = 0; at < count; at++) sum += values[at]! - reference
    const mean = sum / count
    let squares = 0
    let rest = 0
    for (let at = 0; at < count; at++) {
      const deviation = values[at]! - reference - mean
      squares += deviation * deviation
      rest += deviation
    }
    this.#reference = reference
    this.#mean = mean + rest / count
    // The corrected two-pass sum: Chan, Golub, LeVeque 1983.
    this.#squares = Math.max(0, squares - (rest * rest) / count)
    this.#peakSquares = this.#squares
    this.#sinceRecompute = 0
  }
}

function limited(value: number): number {
  return value > MAX_MAGNITUDE ? MAX_MAGNITUDE : value < -MAX_MAGNITUDE ? -MAX_MAGNITUDE : value
}
