import { describe, expect, it } from 'vitest'
import { LatencyHistogram } from '#kit/latency.ts'

describe('a histogram of latencies', () => {
  it('gives steps of a half doubling that hold every duration once', () => {
    const histogram = new LatencyHistogram()
    const durations = [0, 0.0005, 0.9, 1, 1.2, 7, 7.5, 100, 1e12]
    for (const ms of durations) histogram.record(ms)
    const steps = histogram.steps()
    expect(steps.reduce((sum, { count }) => sum + count, 0)).toBe(durations.length)
    for (const [index, { upToMs }] of steps.entries()) {
      const below = durations.filter((ms) => ms <= upToMs).length
      const counted = steps.slice(0, index + 1).reduce((sum, { count }) => sum + count, 0)
      if (index < steps.length - 1) expect(counted, `up to ${upToMs}`).toBe(below)
      if (index > 0) expect(upToMs / steps[index - 1]!.upToMs).toBeCloseTo(Math.SQRT2)
    }
    expect(new LatencyHistogram().steps()).toEqual([])
  })
})
