// Figures of a window of readings: aggregates, percentiles, histogram, correlation. Pure; values are finite.

export interface Aggregate {
  readonly count: number
  readonly min: number
  readonly max: number
  readonly mean: number
  /** Of a sample (n − 1); 0 below two values. */
  readonly standardDeviation: number
  readonly first: number
  readonly last: number
}

/** null for no values. Sums run over value − first, so that a large offset costs no digits. */
export function aggregate(values: Float64Array): Aggregate | null {
  const count = values.length
  if (count === 0) return null
  const first = values[0]!
  let [mean, squares, min, max] = [0, 0, first, first]
  for (let at = 0; at < count; at++) {
    const value = values[at]!
    const deviation = value - first - mean
    mean += deviation / (at + 1)
    squares += deviation * (value - first - mean)
    if (value < min) min = value
    if (value > max) max = value
  }
  const standardDeviation = count < 2 ? 0 : Math.sqrt(squares / (count - 1))
  return { count, min, max, mean: first + mean, standardDeviation, first, last: values[count - 1]! }
}

/**
 * Percentiles (0 … 100) with linear interpolation between neighbours: type 7 of Hyndman and Fan 1996, as numpy's default.
 * NaN for no values.
 */
export function percentiles(values: Float64Array, wanted: readonly number[]): number[] {
  const sorted = values.toSorted()
  return wanted.map((percent) => {
    if (sorted.length === 0) return Number.NaN
    const place = (percent / 100) * (sorted.length - 1)
    const below = sorted[Math.floor(place)]!
    const above = sorted[Math.ceil(place)]!
    return below === above ? below : below + (above - below) * (place - Math.floor(place))
  })
}

export interface Histogram {
  /** One more than counts. */
  readonly edges: Float64Array
  readonly counts: Float64Array
}

/** Bins of equal width from the least to the greatest value; the last one has both its edges. null for no values. */
export function histogram(values: Float64Array, bins: number): Histogram | null {
  if (values.length === 0) return null
  let [min, max] = [Infinity, -Infinity]
  for (const value of values) {
    if (value < min) min = value
    if (value > max) max = value
  }
  // Values that are all alike stand in the middle of a bin of width 1, as numpy has it.
  // So do those whose distance is too small to be halved.
  if (max / 2 - min / 2 === 0) [min, max] = [min - 0.5, max + 0.5]
  // Halved, as the range may be beyond the float64's.
  const half = max / 2 - min / 2
  const edges = Float64Array.from({ length: bins + 1 }, (_, at) => (at === bins ? max : min + 2 * (half * (at / bins))))
  const counts = new Float64Array(bins)
  for (const value of values) {
    const place = Math.floor(((value / 2 - min / 2) / half) * bins)
    counts[Math.min(bins - 1, Math.max(0, place))]! += 1
  }
  return { edges, counts }
}

export interface Correlation {
  /** In [−1, 1]; NaN when one does not vary. */
  readonly coefficient: number
  readonly pairs: number
}

/** Pearson's coefficient over the places at which both have a value; NaN stands for none. */
export function correlation(a: Float64Array, b: Float64Array): Correlation {
  let [pairs, meanA, meanB, squaresA, squaresB, products] = [0, 0, 0, 0, 0, 0]
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const [x, y] = [a[at]!, b[at]!]
    if (Number.isNaN(x) || Number.isNaN(y)) continue
    pairs += 1
    const fromA = x - meanA
    const fromB = y - meanB
    meanA += fromA / pairs
    meanB += fromB / pairs
    squaresA += fromA * (x - meanA)
    squaresB += fromB * (y - meanB)
    products += fromA * (y - meanB)
  }
  const scale = Math.sqrt(squaresA) * Math.sqrt(squaresB)
  const coefficient = scale === 0 ? Number.NaN : Math.max(-1, Math.min(1, products / scale))
  return { coefficient, pairs }
}

export interface Grid {
  /** Unix milliseconds of the first slot's start. */
  readonly from: number
  readonly everyMs: number
  readonly slots: number
}

/** Brings readings to a grid: the mean of each slot, NaN where there is none. */
export function onGrid(times: Float64Array, values: Float64Array, { everyMs, from, slots }: Grid): Float64Array {
  const sums = new Float64Array(slots)
  const counts = new Uint32Array(slots)
  for (let at = 0; at < times.length; at++) {
    const slot = Math.floor((times[at]! - from) / everyMs)
    if (slot < 0 || slot >= slots) continue
    counts[slot]! += 1
    sums[slot]! += (values[at]! - sums[slot]!) / counts[slot]!
  }
  return sums.map((mean, slot) => (counts[slot] === 0 ? Number.NaN : mean))
}
