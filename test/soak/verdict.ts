// What a soak run must have shown: flat memory, nothing lost, nothing late. Pure, so that a test can plant each fault.

/** A look at the running gateway. */
export interface Sample {
  /** Seconds since the start of the run. */
  readonly at: number
  readonly rssBytes: number
  readonly heapBytes: number
}

export interface Counts {
  /** Readings that the gateway says it took, of any quality. */
  readonly taken: number
  /** Of them in the history on disk. */
  readonly stored: number
  /** Positions that arrived upstream, each once. */
  readonly received: number
  /** Lines that arrived a second time after the receiver had dropped repeats. */
  readonly repeated: number
  /** Given up anywhere, for whatever reason. */
  readonly dropped: number
  readonly expectedAtLeast: number
}

export interface Lags {
  /** Share of polls that began within a second of their time; 0 to 1. */
  readonly pollsInTime: number
  /** Share of journal blocks that were durable within ten seconds. */
  readonly durableInTime: number
  /** Seconds until everything had arrived upstream once the plant had stopped. */
  readonly settledAfter: number
}

export interface Slope {
  /** Bytes a second. */
  readonly slope: number
  /** Half of the interval that holds it with a confidence of 95 %. */
  readonly margin: number
}

const LEAST_IN_TIME = 0.99
const MAX_SETTLE_SECONDS = 60
/** Growth over the measured time that is not told from noise in a short run. */
const TOLERATED_SHARE = 0.08
/** And in a long one: a gateway runs for years. */
const TOLERATED_BYTES_PER_HOUR = 1_000_000
const LONG_SECONDS = 1800
const BIN_SECONDS = 5
/** Student's t for 95 %, two-sided; beyond 30 degrees of freedom 2 is near enough. */
const T_95 = [
  12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.1, 2.09, 2.09,
]

/** Why the run does not pass; empty: it does. */
export function problemsOf(samples: readonly Sample[], counts: Counts, lags: Lags): string[] {
  return [
    ...grows('resident memory', samples, ({ rssBytes }) => rssBytes),
    ...grows('the heap', samples, ({ heapBytes }) => heapBytes),
    ...lost(counts),
    ...late(lags),
  ]
}

function lost({ taken, stored, received, repeated, dropped, expectedAtLeast }: Counts): string[] {
  const problems: string[] = []
  if (taken < expectedAtLeast) problems.push(`only ${taken} of at least ${expectedAtLeast} readings were taken`)
  if (stored !== taken) problems.push(`${taken} readings were taken and ${stored} are in the history`)
  if (received !== taken) problems.push(`${taken} readings were taken and ${received} arrived upstream`)
  if (repeated > 0) problems.push(`${repeated} records arrived twice`)
  if (dropped > 0) problems.push(`${dropped} records were given up`)
  return problems
}

function late({ pollsInTime, durableInTime, settledAfter }: Lags): string[] {
  const problems: string[] = []
  if (!(pollsInTime >= LEAST_IN_TIME))
    problems.push(`${percent(1 - pollsInTime)} of the polls began more than a second late`)
  if (!(durableInTime >= LEAST_IN_TIME))
    problems.push(`${percent(1 - durableInTime)} of the blocks took more than ten seconds to become durable`)
  if (!(settledAfter <= MAX_SETTLE_SECONDS)) problems.push(`the backlog took ${settledAfter.toFixed(0)} s to arrive`)
  return problems
}

/** The second half of the run: what came before is warming up. The lowest of each few seconds: a heap is a saw. */
function grows(what: string, samples: readonly Sample[], value: (sample: Sample) => number): string[] {
  const end = samples.at(-1)?.at ?? 0
  const points = lowest(samples.filter(({ at }) => at >= end / 2).map((sample) => [sample.at, value(sample)] as const))
  if (points.length < 3) return []
  const { slope, margin } = slopeOf(points)
  const seconds = points.at(-1)![0] - points[0]![0]
  const mean = points.reduce((sum, [, y]) => sum + y, 0) / points.length
  const tolerated = seconds >= LONG_SECONDS ? TOLERATED_BYTES_PER_HOUR / 3600 : (mean * TOLERATED_SHARE) / seconds
  if (slope - margin <= tolerated) return []
  return [`${what} grows by ${megabytes(slope * 3600)} ± ${megabytes(margin * 3600)} MB an hour`]
}

function lowest(points: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  const bins = new Map<number, readonly [number, number]>()
  for (const point of points) {
    const bin = Math.floor(point[0] / BIN_SECONDS)
    const known = bins.get(bin)
    if (known === undefined || point[1] < known[1]) bins.set(bin, point)
  }
  return [...bins.values()]
}

/** Least squares; the interval by Student's t (n − 2 degrees of freedom). At least three points. */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): Slope {
  const n = points.length
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / n
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / n
  const sxx = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  const slope = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / sxx
  const residual = points.reduce((sum, [x, y]) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0)
  return { slope, margin: (T_95[n - 3] ?? 2) * Math.sqrt(residual / (n - 2) / sxx) }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}
