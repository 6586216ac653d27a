import { describe, expect, it } from 'vitest'
import { AnomalyDetector, scoreOf } from '#checks/anomaly/anomaly-detector.ts'
import { LEARNING_READINGS } from '#checks/anomaly/anomaly-model.ts'
import { LEVEL_BITS, NO_LEVEL, UNDECIDED } from '#checks/level-set.ts'
import { gaussian, seededRandom } from '#kit/random.ts'

const FIVE_MINUTES = 300_000
const START = Date.UTC(2026, 0, 5)

/** A detector that has seen `count` readings of noise about 20, one in five minutes, and what feeds it further. */
function trained(
  count: number,
  detector = new AnomalyDetector({}),
): { detector: AnomalyDetector; feed: (value: number) => number } {
  const random = seededRandom(11)
  let at = 0
  const feed = (value: number): number => detector.evaluate(value, START + at++ * FIVE_MINUTES)
  for (let n = 0; n < count; n++) feed(20 + gaussian(random))
  return { detector, feed }
}

describe('anomaly detector', () => {
  it('is undecided while it learns, and shows how far it is', () => {
    const { detector, feed } = trained(LEARNING_READINGS - 1)
    expect(detector.learning()).toEqual({ seen: LEARNING_READINGS - 1, needed: LEARNING_READINGS })
    expect(feed(1e9)).toBe(UNDECIDED)
    expect(detector.learning()).toBeNull()
    expect(feed(20)).toBe(NO_LEVEL)
  })

  it('raises on a surprise, holds while it lasts, and ends after ten quiet readings', () => {
    const { detector, feed } = trained(5000)
    expect(feed(60)).toBe(LEVEL_BITS.anomaly)
    const random = seededRandom(7)
    const held = Array.from({ length: 100 }, () => feed(20 + gaussian(random)) === LEVEL_BITS.anomaly)
    const last = held.lastIndexOf(true)
    expect(held.indexOf(false)).toBe(last + 1)
    expect(last).toBeGreaterThanOrEqual(8)
    expect(last).toBeLessThan(60)
    expect(detector.explain('anomaly').finding.value).toBe(60)
  })

  it('explains what was expected, how far it was missed, and what was usual', () => {
    const { detector, feed } = trained(1200)
    feed(60)
    const { finding, phrase } = detector.explain('anomaly')
    expect(finding).toEqual({
      value: 60,
      limit: 0.5,
      score: detector.score,
      mean: expect.closeTo(20, 0) as number,
      window: 1200,
    })
    expect(finding.score).toBeGreaterThan(0.5)
    expect(phrase).toMatch(
      /^is (39|40)(\.\d)? above the (19|20)(\.\d)? usual of late; in 1200 readings hardly any went further than 2\.\d$/,
    )
    expect(() => detector.explain('high')).toThrow(RangeError)
  })

  it('explains a lasting small deviation by its mean', () => {
    const { detector, feed } = trained(5000)
    const random = seededRandom(5)
    let readings = 0
    while (feed(22 + gaussian(random)) !== LEVEL_BITS.anomaly && readings < 200) readings += 1
    expect(readings).toBeLessThan(200)
    expect(detector.explain('anomaly').phrase).toMatch(
      /^ends \d+ readings that were [\d.]+ above the [\d.]+ usual (of late|at this)/,
    )
  })

  it('has its limit at a score of one half, higher or lower by sensitivity', () => {
    const scores = (['low', 'normal', 'high'] as const).map((sensitivity) => {
      const { detector, feed } = trained(5000, new AnomalyDetector({ sensitivity }))
      feed(1000)
      return detector.explain('anomaly').finding.limit
    })
    expect(scores).toEqual([scoreOf(5), 0.5, scoreOf(3)])
  })

  it('gives a score in [0, 1] for every reading', () => {
    const { detector, feed } = trained(3000)
    for (const value of [20, -1e308, 1e308, 20]) {
      feed(value)
      expect(detector.score).toBeGreaterThanOrEqual(0)
      expect(detector.score).toBeLessThanOrEqual(1)
    }
  })

  it('takes up an alarm from before a restart, and lets it end once it can judge', () => {
    const detector = new AnomalyDetector({})
    expect(detector.resume('high')).toBe(NO_LEVEL)
    expect(detector.resume('anomaly')).toBe(LEVEL_BITS.anomaly)
    expect(detector.explain('anomaly')).toMatchObject({ finding: { value: null } })
    const { feed } = trained(LEARNING_READINGS, detector)
    expect(feed(20)).toBe(LEVEL_BITS.anomaly)
    for (let at = 0; at < 20; at++) feed(20)
    expect(feed(20)).toBe(NO_LEVEL)
  })
})
