// What a soak run must have shown: flat memory, nothing lost, nothing late, every fault felt and got over. Pure, so that a test can plant
// each failure.

/** A look at the running gateway, after it has collected its garbage. */
export interface Sample {
  /** Seconds since the start of the run. */
  readonly at: number
  readonly rssBytes: number
  readonly heapBytes: number
}

export interface Counts {
  /** Readings that the gateway says it took and that are not bad: none of them is held back. */
  readonly taken: number
  /** Of them in the history on disk. */
  readonly stored: number
  /** Of them upstream. */
  readonly received: number
  /** Likewise the bad ones, of which those that repeat the one before are taken and not kept. */
  readonly bad: { readonly taken: number; readonly stored: number; readonly received: number }
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

export interface Devices {
  /** Devices that gave no good reading after the last fault. */
  readonly away: readonly string[]
  /** Devices whose faults left no trace. */
  readonly unhurt: readonly string[]
}

export interface Slope {
  /** Bytes a second. */
  readonly slope: number
  /** Half of the interval that holds it with a confidence of 95 %. */
  readonly margin: number
}

const LEAST_IN_TIME = 0.99
const MAX_SETTLE_SECONDS = 60
/**
 * Growth of the heap over the measured time that is not told from noise, as a share of the heap, when that time is `SHORT_SECONDS`. It falls
 * with the square root of the time, as noise does: of 80 MB 6 MB in a run of 3 minutes, 2 MB in one of 30, 0.4 MB in one of 12 hours.
 */
const HEAP_SHARE = 0.08
const SHORT_SECONDS = 90
/** Of resident memory, however long: the store's cache fills for ten minutes, and a merge takes some 30 MB and keeps them for a while. */
const RESIDENT_SHARE = 0.15
/** Student's t for 95 %, two-sided; beyond 30 degrees of freedom 2 is near enough. */
const T_95 = [
  12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.1, 2.09, 2.09,
]

/** Why the run does not pass; empty: it does. */
export function problemsOf(samples: readonly Sample[], counts: Counts, lags: Lags, devices: Devices): string[] {
  const { heap, resident } = memoryOf(samples)
  return [
    ...grows('resident memory', resident),
    ...grows('the heap', heap),
    ...lost(counts),
    ...late(lags),
    ...blind(devices),
  ]
}

export interface Growth extends Slope {
  /** Between the first and the last point that count. */
  readonly seconds: number
  /** In that time. */
  readonly toleratedBytes: number
}

export interface Memory {
  /** null: the run was too short to say. */
  readonly resident: Growth | null
  readonly heap: Growth | null
}

/** How memory went in the second half of the run: what came before is warming up. */
export function memoryOf(samples: readonly Sample[]): Memory {
  const end = samples.at(-1)?.at ?? 0
  const measured = samples.filter(({ at }) => at >= end / 2)
  return {
    resident: growthOf(
      measured.map(({ at, rssBytes }) => [at, rssBytes]),
      () => RESIDENT_SHARE,
    ),
    heap: growthOf(
      measured.map(({ at, heapBytes }) => [at, heapBytes]),
      (seconds) => HEAP_SHARE * Math.sqrt(SHORT_SECONDS / seconds),
    ),
  }
}

function lost({ bad, taken, stored, received, repeated, dropped, expectedAtLeast }: Counts): string[] {
  const problems: string[] = []
  if (taken < expectedAtLeast) problems.push(`only ${taken} of at least ${expectedAtLeast} readings were taken`)
  if (stored !== taken) problems.push(`${taken} readings were taken and ${stored} are in the history`)
  if (received !== taken) problems.push(`${taken} readings were taken and ${received} arrived upstream`)
  if (bad.stored !== bad.received || !(bad.stored <= bad.taken))
    problems.push(`of ${bad.taken} bad readings ${bad.stored} are in the history and ${bad.received} arrived upstream`)
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

function grows(what: string, growth: Growth | null): string[] {
  if (growth === null || (growth.slope - growth.margin) * growth.seconds <= growth.toleratedBytes) return []
  return [`${what} grows by ${megabytes(growth.slope * 3600)} ± ${megabytes(growth.margin * 3600)} MB an hour`]
}

function blind({ away, unhurt }: Devices): string[] {
  const problems: string[] = []
  if (away.length > 0) problems.push(`these devices did not come back: ${away.join(', ')}`)
  if (unhurt.length > 0) problems.push(`the faults of these devices left no trace: ${unhurt.join(', ')}`)
  return problems
}

function growthOf(
  points: readonly (readonly [at: number, bytes: number])[],
  toleratedShare: (seconds: number) => number,
): Growth | null {
  const [first] = points
  if (first === undefined || points.length < 3) return null
  const seconds = points.at(-1)![0] - first[0]
  const mean = points.reduce((sum, [, bytes]) => sum + bytes, 0) / points.length
  return { ...slopeOf(points), seconds, toleratedBytes: mean * toleratedShare(seconds) }
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
