// An ARMA process as a state space, and the Kalman filter over it: one-step predictions, exact likelihood, forecasts.
//
// y = m + a₁;  a ← T a + R e.  T has φ in its first column and ones above the diagonal, R is (1, θ…). Values are judged against
// what all before them made likely; NaN is a value that is missing.
// Source: Harvey: Forecasting, Structural Time Series Models and the Kalman Filter, 1989, §3.3 and §3.4.

export interface ArmaParameters {
  /** AR coefficients: x(t) = φ₁ x(t−1) + … + e(t) + θ₁ e(t−1) + … */
  readonly ar: Float64Array
  readonly ma: Float64Array
  readonly mean: number
}

/** The variance no longer changes: from here on the filter costs a few operations a value. */
const STEADY = 1e-14
const MAX_DOUBLINGS = 60

/** Variances are in units of that of e. Allocates in the constructor only. */
export class ArmaFilter {
  readonly #size: number
  readonly #mean: number
  readonly #ar: Float64Array
  readonly #noise: Float64Array
  readonly #state: Float64Array
  readonly #gain: Float64Array
  #covariance: Float64Array
  #next: Float64Array
  #isSteady = false

  constructor({ ar, ma, mean }: ArmaParameters) {
    this.#size = Math.max(ar.length, ma.length + 1)
    this.#mean = mean
    this.#ar = padded(ar, this.#size)
    this.#noise = padded(Float64Array.of(1, ...ma), this.#size)
    this.#state = new Float64Array(this.#size)
    this.#gain = new Float64Array(this.#size)
    this.#covariance = stationaryCovariance(this.#ar, this.#noise)
    this.#next = new Float64Array(this.#size ** 2)
  }

  /** What the next value is expected to be. */
  get prediction(): number {
    return this.#mean + this.#state[0]!
  }

  /** Variance of the next value around the prediction. */
  get variance(): number {
    return this.#covariance[0]!
  }

  /** The mean of the value `steps` (≥ 1) ahead, for each step up to it. */
  forecast(steps: number): Float64Array {
    const state = Float64Array.from(this.#state)
    return Float64Array.from({ length: steps }, () => {
      const value = this.#mean + state[0]!
      this.#advance(state)
      return value
    })
  }

  /** Takes the next value; answers how far it was from the prediction, NaN for one that is missing. */
  take(value: number): number {
    const isMissing = Number.isNaN(value)
    const innovation = isMissing ? Number.NaN : value - this.prediction
    if (!this.#isSteady || isMissing) this.#moveCovariance(isMissing)
    this.#advance(this.#state)
    if (!isMissing) for (let i = 0; i < this.#size; i++) this.#state[i]! += this.#gain[i]! * innovation
    return innovation
  }

  /** a ← T a */
  #advance(state: Float64Array): void {
    const first = state[0]!
    for (let i = 0; i < this.#size; i++) {
      const below = i + 1 < this.#size ? state[i + 1]! : 0
      state[i] = this.#ar[i]! * first + below
    }
  }

  /** P ← T P Tᵀ + R Rᵀ − K F Kᵀ with K = T P Zᵀ / F; without the last when the value is missing. */
  #moveCovariance(isMissing: boolean): void {
    const size = this.#size
    const old = this.#covariance
    const next = this.#next
    const variance = old[0]!
    for (let i = 0; i < size; i++) {
      const below = i + 1 < size ? old[(i + 1) * size]! : 0
      this.#gain[i] = (this.#ar[i]! * variance + below) / variance
    }
    let change = 0
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        const moved = transitioned(old, this.#ar, i, j) + this.#noise[i]! * this.#noise[j]!
        const cell = isMissing ? moved : moved - this.#gain[i]! * this.#gain[j]! * variance
        change = Math.max(change, Math.abs(cell - old[i * size + j]!))
        next[i * size + j] = cell
      }
    }
    this.#covariance = next
    this.#next = old
    this.#isSteady = !isMissing && change <= STEADY * variance
  }
}

/** One cell of T P Tᵀ. */
function transitioned(matrix: Float64Array, ar: Float64Array, i: number, j: number): number {
  const size = ar.length
  const cell = (row: number, column: number): number => (row < size && column < size ? matrix[row * size + column]! : 0)
  return ar[i]! * ar[j]! * cell(0, 0) + ar[i]! * cell(0, j + 1) + ar[j]! * cell(i + 1, 0) + cell(i + 1, j + 1)
}

/** P = T P Tᵀ + R Rᵀ by doubling: P ← P + A P Aᵀ, A ← A A from A = T (Anderson, Moore: Optimal Filtering, 1979, §6.7). */
function stationaryCovariance(ar: Float64Array, noise: Float64Array): Float64Array {
  const size = ar.length
  let power = new Float64Array(size * size)
  let sum = new Float64Array(size * size)
  for (let i = 0; i < size; i++) {
    power[i * size] = ar[i]!
    if (i + 1 < size) power[i * size + i + 1] = 1
    for (let j = 0; j < size; j++) sum[i * size + j] = noise[i]! * noise[j]!
  }
  for (let doublings = 0; doublings < MAX_DOUBLINGS; doublings++) {
    const added = product(product(power, sum, size), transposed(power, size), size)
    let most = 0
    sum = sum.map((each, at) => {
      most = Math.max(most, Math.abs(added[at]!) / (Math.abs(each) + 1))
      return each + added[at]!
    })
    if (!(most > 1e-17)) break
    power = product(power, power, size)
  }
  return sum
}

function product(a: Float64Array, b: Float64Array, size: number): Float64Array<ArrayBuffer> {
  const cells = new Float64Array(size * size)
  for (let i = 0; i < size; i++)
    for (let k = 0; k < size; k++)
      for (let j = 0; j < size; j++) cells[i * size + j]! += a[i * size + k]! * b[k * size + j]!
  return cells
}

function transposed(matrix: Float64Array, size: number): Float64Array {
  return matrix.map((_, at) => matrix[(at % size) * size + Math.floor(at / size)]!)
}

function padded(values: Float64Array, length: number): Float64Array {
  const cells = new Float64Array(length)
  cells.set(values)
  return cells
}
