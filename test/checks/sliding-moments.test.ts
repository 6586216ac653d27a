import fc from 'fast-check'
import { mean as meanOf, sampleStandardDeviation } from 'simple-statistics'
import { describe, expect, it } from 'vitest'
import { SlidingMoments } from '#checks/sliding-moments.ts'

/** Squares of what is smaller underflow. */
const SMALLEST_SPREAD = 1e-150

/** Mean and sample standard deviation of the last `capacity` values, by the oracle, around an offset that cancels exactly. */
function oracle(values: readonly number[], capacity: number): { mean: number; standardDeviation: number } {
  const window = values.slice(-capacity)
  const shifted = window.map((value) => value - window[0]!)
  const standardDeviation = window.length < 2 ? 0 : sampleStandardDeviation(shifted)
  return { mean: window[0]! + meanOf(shifted), standardDeviation }
}

function expectClose(actual: number, expected: number, scale: number): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-7 * scale + SMALLEST_SPREAD)
}

describe('sliding moments', () => {
  it('agrees with simple-statistics after each value, for any series', () => {
    const value = fc.oneof(
      fc.double({ min: -1e3, max: 1e3, noNaN: true }),
      fc.double({ min: -1e12, max: 1e12, noNaN: true }),
      fc.constantFrom(0, -0, 1, 1e15, -1e15, 1e-9),
    )
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 12 }),
        fc.array(value, { minLength: 1, maxLength: 80, size: 'max' }),
        (capacity, series) => {
          const moments = new SlidingMoments(capacity)
          series.forEach((entering, at) => {
            moments.push(entering)
            const seen = series.slice(0, at + 1)
            const expected = oracle(seen, capacity)
            const window = seen.slice(-capacity)
            const spread = Math.max(...window) - Math.min(...window)
            const grain = Math.max(...window.map(Math.abs)) * 2 ** -52
            expectClose(moments.standardDeviation, expected.standardDeviation, spread + grain * 1e7)
            expectClose(moments.mean, expected.mean, spread + grain * 1e7)
          })
        },
      ),
      { numRuns: 300 },
    )
  })

  it('keeps noise of 10^-3 at an offset of 10^12 over a long run', () => {
    const moments = new SlidingMoments(300)
    const series: number[] = []
    for (let at = 0; at < 20_000; at++) {
      series.push(1e12 + Math.round(Math.sin(at * 12.9898) * 43_758.5453 * 1000) / 43_758_545)
      moments.push(series.at(-1)!)
    }
    const expected = oracle(series, 300)
    expect(moments.standardDeviation).toBeCloseTo(expected.standardDeviation, 9)
  })

  it('forgets a huge value entirely once it has left the window', () => {
    const moments = new SlidingMoments(50)
    const series = Array.from({ length: 400 }, (_, at) => (at === 120 ? 1e15 : 20 + Math.sin(at) / 1000))
    for (const [at, value] of series.entries()) {
      moments.push(value)
      if (at < 171) continue
      const expected = oracle(series.slice(0, at + 1), 50)
      expect(moments.standardDeviation).toBeCloseTo(expected.standardDeviation, 12)
      expect(moments.mean).toBeCloseTo(expected.mean, 12)
    }
  })

  it('has a spread of exactly 0 for equal values, whatever came before', () => {
    const moments = new SlidingMoments(20)
    for (let at = 0; at < 100; at++) moments.push(Math.sin(at) * 1e6)
    for (let at = 0; at < 20; at++) moments.push(0.1)
    expect(moments.squares).toBe(0)
    expect(moments.mean).toBe(0.1)
  })

  it('stays finite for the largest numbers there are', () => {
    const moments = new SlidingMoments(10)
    for (let at = 0; at < 40; at++) {
      moments.push(at % 2 === 0 ? Number.MAX_VALUE : -Number.MAX_VALUE)
      expect(Number.isFinite(moments.mean) && Number.isFinite(moments.standardDeviation)).toBe(true)
    }
    for (let at = 0; at < 10; at++) moments.push(5)
    expect(moments.mean).toBe(5)
    expect(moments.squares).toBe(0)
  })
})
