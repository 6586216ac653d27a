// The score of the Numenta Anomaly Benchmark, standard profile: 100 for a perfect detector, 0 for one that never fires.
//
// Within a labelled window the first detection counts, the earlier the more; each detection outside costs, less shortly
// after a window; a window without any costs as much as one is worth. One threshold, the best, serves all series.
// Source: Lavin & Ahmad 2015, "Evaluating Real-time Anomaly Detection Algorithms", arXiv:1510.03336.

/** Rows of a labelled window, both included. */
export interface LabelledWindow {
  readonly first: number
  readonly last: number
}

export interface ScoredSeries {
  /** Anomaly score of each row. */
  readonly scores: Float64Array
  /** In order of time, apart from each other. */
  readonly windows: readonly LabelledWindow[]
}

export interface NabScore {
  readonly score: number
  /** Rows with a score of at least this count as detections; above 1 when none is best. */
  readonly threshold: number
}

/** Weights of the standard profile; a true positive and a false negative weigh 1. */
const FALSE_POSITIVE = 0.11

/** Rows at the start of a series that are not judged: 15 %, at most 750. */
const PROBATION_SHARE = 0.15
const MAX_PROBATION = 750

interface Detection {
  readonly score: number
  /** What it brings: in [0, 1] within a window, of that window; negative outside. */
  readonly gain: number
  /** Number of the window among all series, or −1. */
  readonly window: number
}

/** Best score over all thresholds. */
export function nabScore(series: readonly ScoredSeries[]): NabScore {
  const { detections, windows } = detectionsOf(series)
  detections.sort((a, b) => b.score - a.score)
  const gains = new Float64Array(windows).fill(-1)
  let raw = -windows
  let best = { raw, threshold: 1.1 }
  detections.forEach((detection, at) => {
    raw += take(detection, gains)
    // Rows of one score pass a threshold together.
    if (detections[at + 1]?.score !== detection.score && raw > best.raw) best = { raw, threshold: detection.score }
  })
  return { score: normalised(best.raw, windows), threshold: best.threshold }
}

/** Score at a threshold that was chosen beforehand. */
export function nabScoreAt(series: readonly ScoredSeries[], threshold: number): number {
  const { detections, windows } = detectionsOf(series)
  const gains = new Float64Array(windows).fill(-1)
  let raw = -windows
  for (const detection of detections) if (detection.score >= threshold) raw += take(detection, gains)
  return normalised(raw, windows)
}

function take(detection: Detection, gains: Float64Array): number {
  if (detection.window < 0) return detection.gain
  const more = Math.max(0, detection.gain - gains[detection.window]!)
  gains[detection.window]! += more
  return more
}

/** From nothing detected (−1 for each window) to all detected at once (+1 each). NaN without a window. */
function normalised(raw: number, windows: number): number {
  return (100 * (raw + windows)) / (2 * windows)
}

function detectionsOf(series: readonly ScoredSeries[]): { detections: Detection[]; windows: number } {
  const detections: Detection[] = []
  let windows = 0
  for (const { scores, windows: own } of series) {
    const probation = Math.min(Math.floor(PROBATION_SHARE * scores.length), MAX_PROBATION)
    for (let row = probation; row < scores.length; row++) {
      const at = own.findIndex(({ last }) => row <= last)
      const window = at >= 0 && row >= own[at]!.first ? at : -1
      const gain = window >= 0 ? gainWithin(row, own[window]!) : gainOutside(row, at === -1 ? own.at(-1) : own[at - 1])
      detections.push({ score: scores[row]!, gain, window: window >= 0 ? windows + window : -1 })
    }
    windows += own.length
  }
  return { detections, windows }
}

function gainWithin(row: number, { first, last }: LabelledWindow): number {
  return sigmoid(-(last - row + 1) / (last - first + 1)) / sigmoid(-1)
}

/** @param previous the window before the row, if there is one. */
function gainOutside(row: number, previous: LabelledWindow | undefined): number {
  if (previous === undefined) return -FALSE_POSITIVE
  return FALSE_POSITIVE * sigmoid((row - previous.last) / (previous.last - previous.first))
}

/** Equation 1 of the paper: from +1 far before the end of a window through 0 at its end to −1. */
function sigmoid(position: number): number {
  return position > 3 ? -1 : 2 / (1 + Math.exp(5 * position)) - 1
}
