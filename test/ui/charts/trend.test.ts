import { describe, expect, it } from 'vitest'
import {
  appended,
  describeTrend,
  fromBuckets,
  fromReadings,
  usualDistanceMs,
  EMPTY_TREND,
} from '../../../src/ui/charts/trend-data.ts'
import { bucketSeconds, coarseSeconds, moved, SPANS, viewRange, zoomed } from '../../../src/ui/charts/trend-range.ts'

const HOUR = 3_600_000
const reading = (time: number, value: number | null) => ({
  time,
  value,
  quality: value === null ? ('bad' as const) : ('good' as const),
  status: '',
})
const bucket = (time: number, mean: number) => ({ time, count: 5, min: mean - 1, max: mean + 1, mean, last: mean })

describe('the range of a trend', () => {
  it('asks for single readings up to 20 minutes, and never for more buckets than a screen has pixels', () => {
    expect(bucketSeconds({ from: 0, to: 900_000 }, 'number')).toBeNull()
    for (const { spanMs } of SPANS.slice(1)) {
      const seconds = bucketSeconds({ from: 0, to: spanMs }, 'number')!
      expect(spanMs / 1000 / seconds).toBeLessThanOrEqual(720)
      expect(spanMs / 1000 / seconds).toBeGreaterThan(200)
    }
    expect(bucketSeconds({ from: 0, to: HOUR }, 'string')).toBeNull()
  })

  it('still has a size for ten years', () => {
    const range = { from: 0, to: 10 * 365 * 24 * HOUR }
    expect(range.to / 1000 / coarseSeconds(range)).toBeLessThanOrEqual(700)
  })

  it('follows now, or stands still', () => {
    expect(viewRange({ kind: 'following', spanMs: 60_000 }, 100_000)).toEqual({ from: 40_000, to: 100_000 })
    expect(viewRange({ kind: 'fixed', from: 1, to: 2 }, 100_000)).toEqual({ from: 1, to: 2 })
  })

  it('moves and zooms without leaving the past', () => {
    expect(moved({ from: 0, to: 100_000 }, -0.5, 100_000)).toEqual({ kind: 'fixed', from: -50_000, to: 50_000 })
    expect(moved({ from: 0, to: 90_000 }, 0.5, 100_000)).toEqual({ kind: 'fixed', from: 10_000, to: 100_000 })
    expect(zoomed({ from: 0, to: 100_000 }, 0.5, 100_000)).toEqual({ kind: 'fixed', from: 25_000, to: 75_000 })
    expect(zoomed({ from: 0, to: 100_000 }, 2, 100_000)).toEqual({ kind: 'fixed', from: -100_000, to: 100_000 })
    expect(zoomed({ from: 0, to: 2000 }, 0.1, 10_000)).toEqual({ kind: 'fixed', from: 0, to: 2000 })
  })
})

describe('the data of a trend', () => {
  it('has a gap where a reading was bad', () => {
    expect(fromReadings([reading(1000, 5), reading(2000, null), reading(3000, 6)], 'number').line).toEqual([5, null, 6])
  })

  it('has a gap where buckets are missing for longer than the sensor is usually silent', () => {
    const trend = fromBuckets([bucket(0, 1), bucket(10_000, 2), bucket(90_000, 3)], 10, 25_000)
    expect(trend.line).toEqual([1, 2, null, 3])
    expect(trend.high).toEqual([2, 3, null, 4])
    expect(trend.times).toEqual([5, 15, 55, 95])
  })

  it('takes live readings at the end, each once', () => {
    const once = appended(EMPTY_TREND, 1000, 5)
    expect(appended(once, 1000, 5)).toBe(once)
    expect(appended(once, 900, 5)).toBe(once)
    expect(appended(once, 2000, Number.NaN).line).toEqual([5, null])
  })

  it('says in words what it shows, extremes included', () => {
    const trend = fromBuckets([bucket(0, 10), bucket(10_000, 12)], 10, 25_000)
    expect(describeTrend(trend, (value) => `${value} bar`)).toBe('From 10 bar to 12 bar; lowest 9 bar, highest 13 bar.')
    expect(describeTrend(EMPTY_TREND, String)).toBe('No values in this range.')
  })

  it('knows how often a sensor usually says something, whatever single pauses there are', () => {
    expect(usualDistanceMs([0, 60, 120, 180, 900, 960].map((seconds) => bucket(seconds * 1000, 1)))).toBe(60_000)
    expect(usualDistanceMs([bucket(0, 1)])).toBe(0)
    expect(usualDistanceMs([])).toBe(0)
  })
})
