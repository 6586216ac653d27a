import fc from 'fast-check'
import { mean as meanOf, sampleStandardDeviation, zScore } from 'simple-statistics'
import { describe, expect, it } from 'vitest'
import { LEVEL_BITS, UNDECIDED } from '#checks/level-set.ts'
import { ZscoreDetector } from '#checks/zscore.ts'
import { seededRandom } from '#kit/random.ts'

const type = 'zscore' as const

function anomaliesIn(detector: ZscoreDetector, series: Iterable<number>): number[] {
  const found: number[] = []
  let at = 0
  for (const value of series) {
    if (detector.evaluate(value) === LEVEL_BITS.anomaly) found.push(at)
    at += 1
  }
  return found
}

describe('zscore', () => {
  it('agrees with simple-statistics on the window before each reading', () => {
    const series = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), {
      minLength: 40,
      maxLength: 150,
      size: 'max',
    })
    fc.assert(
      fc.property(
        series,
        fc.integer({ min: 10, max: 30 }),
        fc.double({ min: 0.5, max: 4, noNaN: true }),
        (values, window, sigma) => {
          const detector = new ZscoreDetector({ type, window, sigma })
          let smallestStep = Infinity
          values.forEach((value, at) => {
            const levels = detector.evaluate(value)
            const before = values.slice(Math.max(0, at - window), at)
            if (at < window) {
              expect(levels).toBe(UNDECIDED)
            } else {
              const mean = meanOf(before)
              const score = zScore(value, mean, sampleStandardDeviation(before))
              const isFar = Math.abs(value - mean) > smallestStep
              // On the edge of the limit rounding decides.
              if (Math.abs(Math.abs(score) - sigma) > 1e-6 && Math.abs(Math.abs(value - mean) - smallestStep) > 1e-9) {
                expect(levels === LEVEL_BITS.anomaly).toBe(Math.abs(score) > sigma && isFar)
              }
            }
            const step = Math.abs(value - (values[at - 1] ?? Number.NaN))
            if (step > 0 && step < smallestStep) smallestStep = step
          })
        },
      ),
    )
  })

  it('is quiet and says that it learns until its window is full', () => {
    const detector = new ZscoreDetector({ type, window: 10 })
    for (let at = 0; at < 10; at++) {
      expect(detector.learning()).toEqual({ seen: at, needed: 10 })
      expect(detector.evaluate(at === 9 ? 1e9 : at)).toBe(UNDECIDED)
    }
    expect(detector.learning()).toBeNull()
    expect(detector.evaluate(5)).toBe(0)
  })

  it('gives window, mean, spread, score and limit with each finding', () => {
    const detector = new ZscoreDetector({ type, window: 10, sigma: 3 })
    const before = [1, 2, 3, 4, 5, 5.5, 4.5, 3.5, 2.5, 1.5]
    for (const value of before) detector.evaluate(value)
    expect(detector.evaluate(-20)).toBe(LEVEL_BITS.anomaly)
    const { finding, phrase } = detector.explain('anomaly')
    const standardDeviation = sampleStandardDeviation(before)
    expect(finding).toMatchObject({ value: -20, limit: 3, window: 10 })
    expect(finding.mean).toBeCloseTo(meanOf(before), 12)
    expect(finding.standardDeviation).toBeCloseTo(standardDeviation, 12)
    expect(finding.score).toBeCloseTo(zScore(-20, meanOf(before), standardDeviation), 9)
    expect(phrase).toMatch(/^is \d+(\.\d+)? standard deviations below the mean 3\.3 of the 10 readings before$/)
  })

  it('finds nothing in a constant series, and the first value that differs from it', () => {
    const detector = new ZscoreDetector({ type, window: 10 })
    for (let at = 0; at < 500; at++) expect(detector.evaluate(42.1)).toBeLessThanOrEqual(0)
    expect(detector.evaluate(43)).toBe(LEVEL_BITS.anomaly)
    const { finding, phrase } = detector.explain('anomaly')
    expect(finding).toEqual({ value: 43, limit: 4, mean: 42.1, standardDeviation: 0, window: 10 })
    expect(phrase).toBe('differs from 42.1, which the 10 readings before all were')
  })

  it('raises no storm on two-valued series, however rare one of the values is', () => {
    for (const every of [2, 3, 50, 299, 301, 1000]) {
      const detector = new ZscoreDetector({ type, window: 300, sigma: 3 })
      const series = Array.from({ length: 20_000 }, (_, at) => (at % every === every - 1 ? 1 : 0))
      expect(anomaliesIn(detector, series).length, `every ${every}`).toBeLessThanOrEqual(1)
    }
  })

  it('does not take the flicker of the last digit for an anomaly, but a real jump', () => {
    const detector = new ZscoreDetector({ type, window: 300 })
    const series = Array.from({ length: 5000 }, (_, at) => (at % 400 === 399 ? 20.1 : 20))
    expect(anomaliesIn(detector, series).length).toBeLessThanOrEqual(1)
    expect(detector.evaluate(25)).toBe(LEVEL_BITS.anomaly)
  })

  it('does not take the rounding of arithmetic for a deviation', () => {
    const detector = new ZscoreDetector({ type, window: 300 })
    const grain = 20.1 * 2 ** -52
    const rare = (at: number): number => (at % 400 !== 399 ? 0 : at < 1000 ? grain : 4 * grain)
    const series = Array.from({ length: 5000 }, (_, at) => 20.1 + rare(at))
    expect(anomaliesIn(detector, series)).toEqual([])
  })

  it('raises no storm on 10^15 with noise of 10^-3', () => {
    const random = seededRandom(7)
    for (const offset of [1e15, 1e15 + 0.06, -1e15, 1e12]) {
      const detector = new ZscoreDetector({ type, window: 300, sigma: 5 })
      const series = Array.from({ length: 20_000 }, () => offset + (random() - 0.5) * 2e-3)
      expect(anomaliesIn(detector, series), `offset ${offset}`).toEqual([])
      expect(detector.evaluate(offset + 1000)).toBe(LEVEL_BITS.anomaly)
    }
  })

  it('finds a spike in noise once and is not blinded by it afterwards', () => {
    const random = seededRandom(3)
    const detector = new ZscoreDetector({ type, window: 100, sigma: 6 })
    const series = Array.from({ length: 1000 }, (_, at) => (at === 400 ? 1e9 : at === 600 ? 30 : 20 + random()))
    expect(anomaliesIn(detector, series)).toEqual([400, 600])
  })

  it('costs no more on a series that is hard on the sums', () => {
    const detector = new ZscoreDetector({ type, window: 100_000 })
    const started = performance.now()
    for (let at = 0; at < 300_000; at++) detector.evaluate(at % 5 === 0 ? Number.MAX_VALUE : (at % 7) * 1e-300)
    // 300,000 passes over the window would take more than ten seconds.
    expect(performance.now() - started).toBeLessThan(3000)
  })
})
