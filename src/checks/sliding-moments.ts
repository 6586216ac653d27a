// Mean and spread of the last n numbers at constant cost: sliding Welford sums, kept honest by recomputing them.
//
// Sums run over value − reference, so that 10^15 + noise loses nothing to the offset. Each replacement rounds, and a
// huge value leaves its rounding behind when it drops out; so the sums are recomputed once per window, and at once when
// most of the spread has left. Amortised one extra pass over the window.

/** Values are limited to ± this, so that no square overflows. */
const MAX_MAGNITUDE = 1e150

/** When the spread falls below this share of its peak, too few digits of the sums are left. */
const CANCELLATION = 1e-6

// Cells of the sums, in front of the window: one array, so that a reading touches two cache lines and not eight.
const REFERENCE = 0
/** Mean of value − reference. */
const MEAN = 1
const SQUARES = 2
const PEAK_SQUARES = 3
const FIRST_VALUE = 4

/** Mean and sum of squared deviations of the last `capacity` values; memory 8 × capacity bytes. Source: Welford 1962, in the sliding form. */
export class SlidingMoments {
  readonly capacity: number
  readonly #cells: Float64Array
  #count = 0
  #next = 0
  #sinceRecompute = 0

  /** @param capacity values in the window, ≥ 2. */
  constructor(capacity: number) {
    this.capacity = capacity
    this.#cells = new Float64Array(FIRST_VALUE + capacity)
  }

  get count(): number {
    return this.#count
  }

  get isFull(): boolean {
    return this.#count === this.capacity
  }

  get mean(): number {
    return this.#cells[REFERENCE]! + this.#cells[MEAN]!
  }

  /** Sum of the squared deviations from the mean; 0 exactly when all values are equal. */
  get squares(): number {
    return this.#cells[SQUARES]!
  }

  /** Sample standard deviation (n − 1); 0 below two values. */
  get standardDeviation(): number {
    return this.#count < 2 ? 0 : Math.sqrt(this.squares / (this.#count - 1))
  }

  /** The values, oldest first. */
  *values(): Generator<number> {
    for (let at = 0; at < this.#count; at++) {
      const place = this.isFull ? (this.#next + at) % this.capacity : at
      yield this.#cells[FIRST_VALUE + place]!
    }
  }

  /** value − mean, without the rounding of `mean` at large offsets. */
  deviation(value: number): number {
    return limited(value) - this.#cells[REFERENCE]! - this.#cells[MEAN]!
  }

  /** Takes a finite value; the oldest one drops out when the window is full. */
  push(value: number): void {
    const entering = limited(value)
    if (this.#count < this.capacity) this.#grow(entering)
    else this.#slide(entering)
  }

  #grow(entering: number): void {
    const cells = this.#cells
    cells[FIRST_VALUE + this.#count] = entering
    this.#count += 1
    const before = entering - cells[MEAN]!
    cells[MEAN]! += before / this.#count
    cells[SQUARES]! += before * (entering - cells[MEAN]!)
    if (this.#count === this.capacity) this.#recompute()
  }

  #slide(entering: number): void {
    const cells = this.#cells
    const next = this.#next
    const leaving = cells[FIRST_VALUE + next]!
    cells[FIRST_VALUE + next] = entering
    this.#next = next + 1 === this.capacity ? 0 : next + 1
    this.#sinceRecompute += 1
    if (entering !== leaving) {
      const reference = cells[REFERENCE]!
      const oldMean = cells[MEAN]!
      const mean = oldMean + (entering - leaving) / this.capacity
      const squares =
        cells[SQUARES]! + (entering - leaving) * (entering - reference - mean + (leaving - reference - oldMean))
      cells[MEAN] = mean
      cells[SQUARES] = squares
      if (squares > cells[PEAK_SQUARES]!) cells[PEAK_SQUARES] = squares
    }
    // Written so that a NaN would recompute as well.
    const isSound = cells[SQUARES]! >= cells[PEAK_SQUARES]! * CANCELLATION
    if (this.#sinceRecompute >= this.capacity || !isSound) this.#recompute()
  }

  #recompute(): void {
    const cells = this.#cells
    const end = FIRST_VALUE + this.#count
    const reference = cells[FIRST_VALUE]!
    let sum = 0
    for (let at = FIRST_VALUE; at < end; at++) sum += cells[at]! - reference
    const mean = sum / this.#count
    let squares = 0
    let rest = 0
    for (let at = FIRST_VALUE; at < end; at++) {
      const deviation = cells[at]! - reference - mean
      squares += deviation * deviation
      rest += deviation
    }
    cells[REFERENCE] = reference
    cells[MEAN] = mean + rest / this.#count
    // The corrected two-pass sum: Chan, Golub, LeVeque 1983.
    cells[SQUARES] = Math.max(0, squares - (rest * rest) / this.#count)
    cells[PEAK_SQUARES] = cells[SQUARES]
    this.#sinceRecompute = 0
  }
}

function limited(value: number): number {
  return value > MAX_MAGNITUDE ? MAX_MAGNITUDE : value < -MAX_MAGNITUDE ? -MAX_MAGNITUDE : value
}
