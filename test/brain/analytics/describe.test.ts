import fc from 'fast-check'
import { max, mean, min, quantileSorted, sampleCorrelation, sampleStandardDeviation } from 'simple-statistics'
import { describe, expect, it } from 'vitest'
import { aggregate, correlation, histogram, onGrid, percentiles } from '#brain/analytics/describe.ts'
import { FeatureExtractor, featureRows, FEATURES } from '#brain/analytics/features.ts'
import { fixture, numbers } from './fixture.ts'

const { cases } = fixture('features')
const value = fc.double({ min: -1e6, max: 1e6, noNaN: true })

describe('Figures of a window', () => {
  it('has the percentiles and histograms of numpy', () => {
    for (const {
      histogram: [edges, counts],
      percentiles: wanted,
      values,
    } of cases) {
      const percents = Object.keys(wanted).map(Number)
      percentiles(numbers(values), percents).forEach((each, at) =>
        expect(each).toBeCloseTo(wanted[String(percents[at])]!, 10),
      )
      const ours = histogram(numbers(values), 7)!
      expect([...ours.counts]).toEqual(counts)
      ours.edges.forEach((edge, at) => expect(edge).toBeCloseTo(edges[at]!, 10))
    }
  })

  it('aggregates as simple-statistics does', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 2, maxLength: 200 }), (values) => {
        const ours = aggregate(Float64Array.from(values))!
        expect(ours).toMatchObject({
          count: values.length,
          min: min(values),
          max: max(values),
          first: values[0],
          last: values.at(-1),
        })
        const scale = 1e-9 * (1 + Math.max(...values.map(Math.abs)))
        expect(Math.abs(ours.mean - mean(values))).toBeLessThan(scale)
        expect(Math.abs(ours.standardDeviation - sampleStandardDeviation(values))).toBeLessThan(scale)
      }),
    )
    expect(aggregate(new Float64Array())).toBeNull()
  })

  it('keeps the spread beside an offset of 10^12', () => {
    const values = Float64Array.from({ length: 1000 }, (_, at) => 1e12 + (at % 2))
    expect(aggregate(values)!.standardDeviation).toBeCloseTo(0.50025, 5)
  })

  it('counts every value into one bin, and orders percentiles', () => {
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 100 }),
        fc.integer({ min: 1, max: 50 }),
        (values, bins) => {
          const { counts, edges } = histogram(Float64Array.from(values), bins)!
          expect(counts.reduce((sum, count) => sum + count, 0)).toBe(values.length)
          expect(edges).toHaveLength(bins + 1)
          const [p0, p50, p100] = percentiles(Float64Array.from(values), [0, 50, 100])
          expect([p0, p100]).toEqual([Math.min(...values), Math.max(...values)])
          const sorted = values.toSorted((a, b) => a - b)
          expect(Math.abs(p50! - quantileSorted(sorted, 0.5))).toBeLessThanOrEqual(1e-9 * (1 + Math.abs(p50!)))
        },
      ),
    )
  })

  it('takes values that are next to each other, and as far apart as can be', () => {
    expect([...histogram(numbers([0, 5e-324]), 2)!.counts].reduce((sum, count) => sum + count)).toBe(2)
    expect([...histogram(numbers([-1e308, 1e308]), 2)!.counts]).toEqual([1, 1])
  })

  it('correlates as simple-statistics does, only where both have a value', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { minLength: 3, maxLength: 100 }), (pairs) => {
        const [a, b] = [pairs.map(([x]) => x), pairs.map(([, y]) => y)]
        fc.pre(new Set(a.map((x) => Math.round(x))).size > 1 && new Set(b.map((y) => Math.round(y))).size > 1)
        const ours = correlation(Float64Array.from([...a, Number.NaN, 5]), Float64Array.from([...b, 5, Number.NaN]))
        expect(ours.pairs).toBe(pairs.length)
        expect(ours.coefficient).toBeCloseTo(sampleCorrelation(a, b), 6)
      }),
    )
    expect(correlation(numbers([1, 1, 1]), numbers([1, 2, 3]))).toEqual({ coefficient: Number.NaN, pairs: 3 })
  })

  it('brings readings to a grid of means, with gaps', () => {
    const grid = onGrid(numbers([99, 100, 105, 120, 130]), numbers([9, 1, 3, 5, 7]), {
      from: 100,
      everyMs: 10,
      slots: 3,
    })
    expect([...grid]).toEqual([2, Number.NaN, 5])
  })
})

describe('Features', () => {
  it('are those that numpy works out from the same windows', () => {
    for (const { features, values } of cases) {
      const ours = new Float64Array(FEATURES.length)
      new FeatureExtractor(values.length).extract(numbers(values), 0, ours, 0)
      ours.forEach((each, at) => expect(each, FEATURES[at]).toBeCloseTo(features[at]!, 9))
    }
  })

  it('leave out windows with a gap, and stand side by side for several sensors', () => {
    const a = Float64Array.from({ length: 40 }, (_, at) => at)
    const b = a.map((each) => (each === 20 ? Number.NaN : -each))
    const rows = featureRows([a, b], 8, 4)
    expect(rows.columns).toBe(2 * FEATURES.length)
    expect([...rows.ends]).toEqual([7, 11, 15, 19, 31, 35, 39])
    expect(rows.cells[2]).toBeCloseTo(1, 12)
    expect(rows.cells[FEATURES.length + 2]).toBeCloseTo(-1, 12)
  })
})
