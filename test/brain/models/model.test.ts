import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DriftWatch, profileOf, stabilityIndex } from '#brain/models/drift.ts'
import { areaUnderCurve } from '#brain/models/evaluate.ts'
import { checksumOf, decodeModel, encodeModel } from '#brain/models/model.ts'
import { judge, TRAINING_JOBS } from '#brain/models/training-jobs.ts'
import { gaussian, seededRandom } from '#kit/random.ts'

const random = seededRandom(3)
const values = Float64Array.from({ length: 400 }, () => gaussian(random))
const series = [{ sensor: 'a.b', times: values.map((_, n) => n * 1000), values }]
const ask = { series, readings: [values], spanMs: 400_000, everyMs: null, holdOut: 0.2, active: null }
const forestSpec = {
  method: 'isolationForest',
  trees: 20,
  sampleSize: 64,
  threshold: 0.6,
  seed: 1,
  features: null,
} as const
const arimaSpec = { method: 'arima', p: 1, d: 0, q: 1, sigma: 4 } as const

describe.each([forestSpec, { ...forestSpec, features: { window: 16, step: 4 } }, arimaSpec])(
  'A stored model of %o',
  (spec) => {
    const { body, checksum } = TRAINING_JOBS.train({ ...ask, spec })

    it('comes back to the last bit, and scores the same', () => {
      const model = decodeModel(body, checksum)
      expect(encodeModel(model)).toEqual(body)
      const { scores } = judge(model, series, true)
      expect(TRAINING_JOBS.judge({ body, checksum, series, withScores: true }).scores).toEqual(scores)
      expect(scores![0]!.some((score) => score > 0)).toBe(true)
    })

    it('is refused when a bit has changed, and never loads forever when its checksum is made to fit', () => {
      fc.assert(
        fc.property(fc.nat(body.length * 8 - 1), (bit) => {
          const broken = Buffer.from(body)
          broken[bit >> 3]! ^= 1 << (bit & 7)
          expect(() => decodeModel(broken, checksum)).toThrow(/checksum/)
          try {
            const model = decodeModel(broken, checksumOf(broken))
            judge(model, [{ sensor: 'a.b', times: values.subarray(0, 64), values: values.subarray(0, 64) }], false)
          } catch (error) {
            expect(error).toBeInstanceOf(Error)
          }
        }),
        { numRuns: 200 },
      )
      expect(() => decodeModel(body.subarray(0, 20), checksumOf(body.subarray(0, 20)))).toThrow(/cut off/)
    })
  },
)

describe('Judgement', () => {
  it('is the share of pairs in which the anomaly scores higher', () => {
    const score = fc.integer({ min: 0, max: 5 })
    fc.assert(
      fc.property(
        fc.array(score, { minLength: 1, maxLength: 20 }),
        fc.array(score, { minLength: 1, maxLength: 20 }),
        (low, high) => {
          const pairs = low.flatMap((a) => high.map((b) => (b > a ? 1 : b === a ? 0.5 : 0)))
          const mean = pairs.reduce<number>((sum, each) => sum + each, 0) / pairs.length
          expect(areaUnderCurve(Float64Array.from(low), Float64Array.from(high))).toBeCloseTo(mean, 12)
        },
      ),
    )
  })
})

describe('Drift', () => {
  it('is 0 for the same shares, and what the formula says for others', () => {
    const profile = { edges: [1, 2], shares: [0.5, 0.25, 0.25] }
    expect(stabilityIndex(profile, Float64Array.of(50, 25, 25))).toBe(0)
    const expected = (0.25 - 0.5) * Math.log(0.5) + (0.5 - 0.25) * Math.log(2)
    expect(stabilityIndex(profile, Float64Array.of(25, 50, 25))).toBeCloseTo(expected, 12)
    expect(stabilityIndex(profile, Float64Array.of(100, 0, 0))).toBeLessThan(10)
  })

  it('has deciles of many values, and fewer bins of few', () => {
    const profile = profileOf(values)
    expect(profile.shares).toHaveLength(10)
    profile.shares.forEach((share) => expect(share).toBeCloseTo(0.1, 2))
    expect(profileOf(Float64Array.from({ length: 100 }, (_, n) => n % 2)).shares).toEqual([0.5, 0.5])
    expect(profileOf(new Float64Array(10)).shares).toEqual([1])
  })

  it('tells window after window, by readings and by time', () => {
    const watch = new DriftWatch(profileOf(values), 5_000_000)
    const found: number[] = []
    for (let n = 0; n < 12_000; n++) {
      const shift = n > 6000 ? 2 : 0
      const window = watch.take(gaussian(random) + shift, n * 1000)
      if (window !== null) found.push(window.index)
    }
    expect(found).toHaveLength(2)
    expect(found[0]).toBeLessThan(0.1)
    expect(found[1]).toBeGreaterThan(0.25)
  })
})
