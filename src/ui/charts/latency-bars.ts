// Counts of durations → bars on a logarithmic axis. Pure.

/** So many took up to `upToMs`, those of the steps below not counted again. */
export interface LatencyStep {
  readonly upToMs: number
  readonly count: number
}

export interface LatencyBar {
  /** Per cent of the width. */
  readonly from: number
  readonly to: number
  /** Of the highest bar: 0 to 1. */
  readonly share: number
}

/** Steps as the gateway gives them, each half a doubling wide. What lies beyond the axis is put at its ends. */
export function latencyBars(
  steps: readonly LatencyStep[],
  leastMs: number,
  mostMs: number,
): {
  readonly bars: readonly LatencyBar[]
  readonly total: number
  /** Per cent of the width of a duration. */
  readonly at: (ms: number) => number
} {
  const low = Math.log10(leastMs)
  const span = Math.log10(mostMs) - low
  const at = (ms: number): number =>
    Math.min(100, Math.max(0, ((Math.log10(Math.max(ms, leastMs)) - low) / span) * 100))
  const highest = steps.reduce((most, { count }) => Math.max(most, count), 0)
  const bars = steps.flatMap(({ upToMs, count }, index) => {
    if (count === 0) return []
    const from = at(steps[index - 1]?.upToMs ?? upToMs / Math.SQRT2)
    const to = at(upToMs)
    return [{ from: Math.min(from, 99), to: Math.max(to, Math.min(from, 99) + 0.6), share: count / highest }]
  })
  return { bars, total: steps.reduce((sum, { count }) => sum + count, 0), at }
}
