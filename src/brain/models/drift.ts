// Has a sensor become another since a model was trained? The population stability index over the deciles of what it was trained on.
// Source: Siddiqi: Credit Risk Scorecards, 2006, ch. 9; below 0.1 nothing has changed, above 0.25 much has.

/** Of one sensor. */
export interface Profile {
  /** Inner edges of the bins, rising; a value at an edge belongs to the bin below it. */
  readonly edges: readonly number[]
  /** Share of the readings in each bin. */
  readonly shares: readonly number[]
}

const BINS = 10
/** A bin without a reading counts as this share: the index stays finite. */
const LEAST_SHARE = 1e-4
export const DRIFT_LIMIT = 0.25
/** What has drifted has come back once its index is below this. */
export const DRIFT_OVER = 0.1
/** Readings of a sensor before its index means something: by chance alone it is about 9 / 1000 then. */
const MIN_READINGS = 1000
/** A window lasts as long as the training did, so that it sees the same shifts and days; at most this. */
const MAX_WINDOW_MS = 86_400_000

/** Deciles of `values`, which are finite; fewer bins where many are alike. */
export function profileOf(values: Float64Array): Profile {
  const sorted = values.toSorted()
  const deciles = Array.from({ length: BINS - 1 }, (_, at) => sorted[Math.floor(((at + 1) * sorted.length) / BINS)]!)
  const edges = [...new Set(deciles)].filter((edge) => edge < sorted.at(-1)!)
  const counts = new Float64Array(edges.length + 1)
  for (const value of values) counts[binOf(edges, value)]! += 1
  return { edges, shares: [...counts].map((count) => count / values.length) }
}

function binOf(edges: readonly number[], value: number): number {
  let bin = 0
  while (bin < edges.length && value > edges[bin]!) bin += 1
  return bin
}

/** Σ (p − q) ln (p / q) over the bins. */
export function stabilityIndex({ shares }: Profile, counts: Float64Array): number {
  const total = counts.reduce((sum, count) => sum + count, 0)
  return shares.reduce((sum, share, bin) => {
    const expected = Math.max(LEAST_SHARE, share)
    const actual = Math.max(LEAST_SHARE, counts[bin]! / total)
    return sum + (actual - expected) * Math.log(actual / expected)
  }, 0)
}

/** Watches one sensor of one model, window after window. Constant memory. */
export class DriftWatch {
  readonly #profile: Profile
  readonly #windowMs: number
  readonly #counts: Float64Array
  #readings = 0
  #from = Infinity
  #to = -Infinity

  constructor(profile: Profile, spanMs: number) {
    this.#profile = profile
    this.#windowMs = Math.min(spanMs, MAX_WINDOW_MS)
    this.#counts = new Float64Array(profile.shares.length)
  }

  /** Takes a reading; answers the index of a window that it completes, else null. */
  take(value: number, time: number): { index: number; readings: number } | null {
    this.#counts[binOf(this.#profile.edges, value)]! += 1
    this.#readings += 1
    if (time < this.#from) this.#from = time
    if (time > this.#to) this.#to = time
    if (this.#readings < MIN_READINGS || this.#to - this.#from < this.#windowMs) return null
    const found = { index: stabilityIndex(this.#profile, this.#counts), readings: this.#readings }
    this.#counts.fill(0)
    this.#readings = 0
    this.#from = Infinity
    this.#to = -Infinity
    return found
  }
}
