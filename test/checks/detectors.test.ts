// rate, flatline, ewma, robust z-score and the window behind it, against simple-statistics and against plain words.

import fc from 'fast-check'
import { median, medianAbsoluteDeviation } from 'simple-statistics'
import { describe, expect, it } from 'vitest'
import { EwmaDetector } from '#checks/ewma.ts'
import { LEVEL_BITS, NO_LEVEL, UNDECIDED, type LevelSet } from '#checks/level-set.ts'
import { RateDetector } from '#checks/rate.ts'
import { RobustZscoreDetector } from '#checks/robust-zscore.ts'
import { SortedWindow } from '#checks/sorted-window.ts'
import { ZscoreDetector } from '#checks/zscore.ts'

describe('the sorted window', () => {
  it('gives the median and the MAD of simple-statistics, whatever comes in and drops out', () => {
    const value = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ noNaN: true, min: -1e6, max: 1e6 }))
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 9 }),
        fc.array(value, { minLength: 1, maxLength: 60 }),
        (capacity, values) => {
          const window = new SortedWindow(capacity)
          values.forEach((entering, at) => {
            window.push(entering)
            const kept = values.slice(Math.max(0, at + 1 - capacity), at + 1)
            const middle = median(kept)
            expect(window.median).toBeCloseTo(middle, 9)
            expect(window.medianDeviation(middle)).toBeCloseTo(medianAbsoluteDeviation(kept), 9)
          })
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('the robust z-score', () => {
  it('scores as median and MAD say, and is not blinded by the wild readings before', () => {
    const values = Array.from({ length: 40 }, (_, n) => (n % 8 === 0 ? 1000 : 50 + Math.sin(n)))
    const robust = new RobustZscoreDetector({ type: 'zscore', window: 40, sigma: 4, robust: true })
    const plain = new ZscoreDetector({ type: 'zscore', window: 40, sigma: 4 })
    for (const value of values) {
      expect(robust.evaluate(value)).toBe(UNDECIDED)
      plain.evaluate(value)
    }
    expect(plain.evaluate(80)).toBe(NO_LEVEL)
    expect(robust.evaluate(80)).toBe(LEVEL_BITS.anomaly)
    const { finding } = robust.explain('anomaly')
    const centre = median(values)
    expect(finding.score).toBeCloseTo((80 - centre) / (1.4826 * medianAbsoluteDeviation(values)), 9)
  })
})

describe('rate', () => {
  const detect = (readings: readonly (readonly [time: number, value: number])[], over?: number): LevelSet[] => {
    const detector = new RateDetector({ type: 'rate', low: -5, high: 5, ...(over !== undefined && { over }) })
    return readings.map(([time, value]) => detector.evaluate(value, time))
  }

  it('holds at a limit of the change in a second, on either side', () => {
    expect(
      detect([
        [0, 0],
        [1000, 4.9],
        [2000, 9.9],
        [3000, 4.9],
        [4000, 4.9],
      ]),
    ).toEqual([UNDECIDED, NO_LEVEL, LEVEL_BITS.high, LEVEL_BITS.low, NO_LEVEL])
  })

  it('measures over at least `over`, however near the readings come', () => {
    const jitter = Array.from({ length: 3000 }, (_, n) => [n, n % 2] as const)
    expect(new Set(detect(jitter))).toEqual(new Set([UNDECIDED, NO_LEVEL]))
  })

  it('takes the last of several readings at one time, and begins anew when time steps back', () => {
    expect(
      detect([
        [0, 0],
        [0, 100],
        [1000, 101],
        [500, 0],
        [1500, 1],
      ]),
    ).toEqual([UNDECIDED, UNDECIDED, NO_LEVEL, UNDECIDED, NO_LEVEL])
  })

  it('explains itself', () => {
    const detector = new RateDetector({ type: 'rate', high: 5 })
    detector.evaluate(10, 0)
    detector.evaluate(30, 2000)
    expect(detector.explain('high')).toEqual({
      finding: { value: 30, limit: 5, rate: 10 },
      value: '30',
      phrase: 'rose by 10 per second over the last 2 s; the high limit is 5 per second',
    })
  })
})

describe('ewma', () => {
  it('learns for 3 / alpha readings, and shows it', () => {
    const detector = new EwmaDetector({ type: 'ewma', alpha: 0.1 })
    for (let n = 0; n < 30; n++) {
      expect(detector.learning()).toEqual({ seen: n, needed: 30 })
      expect(detector.evaluate(n % 3)).toBe(UNDECIDED)
    }
    expect(detector.learning()).toBeNull()
  })

  it('has the mean and spread of the weights that alpha gives', () => {
    const alpha = 0.2
    const values = Array.from({ length: 60 }, (_, n) => 20 + Math.sin(n * 1.7) * 3)
    const detector = new EwmaDetector({ type: 'ewma', alpha, sigma: 3 })
    for (const value of values) detector.evaluate(value)
    expect(detector.evaluate(100)).toBe(LEVEL_BITS.anomaly)
    // The same by weights: the first 1 / alpha values weigh equally, then each takes alpha of the whole.
    const weights = values.map((_, at) => {
      const own = Math.max(alpha, 1 / (at + 1))
      return values
        .slice(at + 1)
        .reduce((left, _value, later) => left * (1 - Math.max(alpha, 1 / (at + later + 2))), own)
    })
    const mean = values.reduce((sum, value, at) => sum + value * weights[at]!, 0)
    const variance = values.reduce((sum, value, at) => sum + (value - mean) ** 2 * weights[at]!, 0)
    const { finding } = detector.explain('anomaly')
    expect(finding.mean).toBeCloseTo(mean, 9)
    expect(finding.standardDeviation).toBeCloseTo(Math.sqrt(variance), 9)
    expect(finding.score).toBeCloseTo((100 - mean) / Math.sqrt(variance), 9)
  })
})
