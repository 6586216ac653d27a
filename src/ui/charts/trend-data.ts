// Columns of a trend for uPlot: times in seconds, the line, and the extremes around it. null is a gap. Pure.

import type { Bucket, Reading, ValueType } from '../client/wire.ts'
import { plottable } from '../format/number.ts'

type Cell = number | null

/** times (Unix seconds), smallest, largest, line. */
export interface TrendData {
  readonly times: readonly number[]
  readonly low: readonly Cell[]
  readonly high: readonly Cell[]
  readonly line: readonly Cell[]
}

export const EMPTY_TREND: TrendData = { times: [], low: [], high: [], line: [] }

/** Single readings; a bad one is a gap. */
export function fromReadings(readings: readonly Reading[], type: ValueType): TrendData {
  const line = readings.map((reading) => {
    const value = plottable(reading.value, type)
    return Number.isFinite(value) ? value : null
  })
  const times = readings.map((reading) => reading.time / 1000)
  // No extremes around single readings.
  const none = line.map(() => null)
  return { times, low: none, high: none, line }
}

/**
 * Buckets stand at their middle. A bucket without readings is not sent, so a longer distance than `gapMs` is a gap:
 * there the sensor was bad or off, or silent within its deadband.
 */
export function fromBuckets(buckets: readonly Bucket[], everySeconds: number, gapMs: number): TrendData {
  const times: number[] = []
  const low: Cell[] = []
  const high: Cell[] = []
  const line: Cell[] = []
  let before = Number.NaN
  for (const bucket of buckets) {
    const time = bucket.time / 1000 + everySeconds / 2
    if ((time - before) * 1000 > gapMs) {
      times.push((before + time) / 2)
      low.push(null)
      high.push(null)
      line.push(null)
    }
    times.push(time)
    low.push(bucket.min)
    high.push(bucket.max)
    line.push(bucket.mean)
    before = time
  }
  return { times, low, high, line }
}

/**
 * The median distance of buckets, which a sensor has that says something less often than once a bucket: its line is not torn there.
 * 0 with less than two.
 */
export function usualDistanceMs(buckets: readonly Bucket[]): number {
  const distances = buckets.slice(1).map(({ time }, index) => time - buckets[index]!.time)
  return distances.sort((a, b) => a - b)[Math.floor(distances.length / 2)] ?? 0
}

/** One live reading at the end; an older one than the last is left out. `value` NaN is a gap. */
export function appended(data: TrendData, timeMs: number, value: number): TrendData {
  const time = timeMs / 1000
  if (time <= (data.times.at(-1) ?? 0)) return data
  const cell = Number.isFinite(value) ? value : null
  return {
    times: [...data.times, time],
    low: [...data.low, cell],
    high: [...data.high, cell],
    line: [...data.line, cell],
  }
}

/** In one sentence what the trend shows, for those who cannot see it. `format` writes a value with its unit. */
export function describeTrend(data: TrendData, format: (value: number) => string): string {
  const values = data.line.filter((value) => value !== null)
  if (values.length === 0) return 'No values in this range.'
  const lows = data.low.filter((value) => value !== null)
  const highs = data.high.filter((value) => value !== null)
  const low = values.concat(lows).reduce((a, b) => Math.min(a, b))
  const high = values.concat(highs).reduce((a, b) => Math.max(a, b))
  return `From ${format(values[0]!)} to ${format(values.at(-1)!)}; lowest ${format(low)}, highest ${format(high)}.`
}
