import { describe, expect, it } from 'vitest'
import { latencyBars } from '../../../src/ui/charts/latency-bars.ts'

describe('bars of latencies', () => {
  it('stand where their durations are on an axis of powers of ten, as high as they are frequent', () => {
    const { bars, total, at } = latencyBars(
      [
        { upToMs: 1, count: 5 },
        { upToMs: Math.SQRT2, count: 0 },
        { upToMs: 2, count: 20 },
      ],
      0.1,
      10_000,
    )
    expect([at(0.1), at(1), at(10), at(10_000)]).toEqual([0, 20, 40, 100])
    expect(total).toBe(25)
    expect(bars.map(({ share }) => share)).toEqual([0.25, 1])
    expect(bars[0]!.to).toBe(20)
    expect(bars[0]!.from).toBeCloseTo(20 - Math.log10(Math.SQRT2) * 20)
    expect(bars[1]!.from).toBe(at(Math.SQRT2))
  })

  it('keeps what lies beyond the axis at its ends, in sight', () => {
    const { bars } = latencyBars(
      [
        { upToMs: 0.01, count: 1 },
        { upToMs: 60_000, count: 1 },
      ],
      0.1,
      10_000,
    )
    for (const { from, to } of bars) {
      expect(from).toBeGreaterThanOrEqual(0)
      expect(from).toBeLessThanOrEqual(99)
      expect(to).toBeGreaterThan(from)
    }
  })
})
