import fc from 'fast-check'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { AnomalyModel, LEARNING_READINGS } from '#checks/anomaly/anomaly-model.ts'
import { gaussian, seededRandom } from '#kit/random.ts'

const MINUTE = 60_000
const DAY = 1440 * MINUTE
const START = Date.UTC(2026, 0, 5)

interface Reading {
  readonly value: number
  readonly time: number
}

function surprises(readings: Iterable<Reading>): number[] {
  const model = new AnomalyModel()
  return Array.from(readings, ({ value, time }) => model.take(value, time))
}

/** A reading each `intervalMs` with the value of `valueAt`. */
function readings(count: number, intervalMs: number, valueAt: (at: number, time: number) => number): Reading[] {
  return Array.from({ length: count }, (_, at) => {
    const time = START + at * intervalMs
    return { value: valueAt(at, time), time }
  })
}

const gaussianOf = (seed: number): (() => number) => {
  const random = seededRandom(seed)
  return () => gaussian(random)
}

const NORMAL_LIMIT = 4
const countAbove = (scores: readonly number[], limit = NORMAL_LIMIT): number =>
  scores.filter((score) => score >= limit).length

const anyReading = fc.record({
  value: fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer({ min: -3, max: 3 }),
    fc.constantFrom(0, 1e15, 1e15 + 0.125, Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE),
  ),
  time: fc.oneof(
    fc.integer({ min: START, max: START + 30 * DAY }),
    fc.constantFrom(0, -1, START, START + DAY, 8.64e15, -8.64e15),
  ),
})
const anySeries = fc.array(anyReading, { minLength: 200, maxLength: 600, size: 'max' })

describe('anomaly model', () => {
  it('answers a number from 0 to 25 whatever comes', () => {
    fc.assert(
      fc.property(anySeries, (series) => {
        for (const surprise of surprises(series)) {
          expect(surprise).toBeGreaterThanOrEqual(0)
          expect(surprise).toBeLessThanOrEqual(25)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('is deterministic and never looks ahead: the scores of a prefix are a prefix of the scores', () => {
    fc.assert(
      fc.property(anySeries, fc.nat(), (series, cut) => {
        const all = surprises(series)
        const length = cut % series.length
        expect(surprises(series.slice(0, length))).toEqual(all.slice(0, length))
      }),
      { numRuns: 30 },
    )
  })

  it('scores alike in every unit: a factor, a sign and an offset change nothing', () => {
    const values = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 400, maxLength: 800, size: 'max' })
    const factor = fc.constantFrom(2 ** -20, 0.5, 1, 1024, 2 ** 20, -1, -4)
    fc.assert(
      fc.property(values, factor, fc.integer({ min: -(2 ** 30), max: 2 ** 30 }), (raw, a, b) => {
        const plain = readings(raw.length, 17 * MINUTE, (at) => raw[at]!)
        const other = plain.map(({ value, time }) => ({ value: a * value + a * b, time }))
        const expected = surprises(plain)
        surprises(other).forEach((surprise, at) => expect(surprise).toBeCloseTo(expected[at]!, 9))
      }),
      { numRuns: 30 },
    )
  })

  it('is silent while it learns', () => {
    const scores = surprises(readings(LEARNING_READINGS, MINUTE, (at) => (at % 40 === 39 ? 1e6 : at % 5)))
    expect(countAbove(scores, 1e-9)).toBe(0)
  })

  it('says nothing of a constant, of two values in turn or at random, and of a last digit that flickers', () => {
    const random = seededRandom(1)
    const quiet = [
      () => 42,
      (at: number) => at % 2,
      () => (random() < 0.5 ? 0 : 1),
      () => (random() < 0.01 ? 20.1 : 20),
    ]
    for (const valueAt of quiet) {
      expect(countAbove(surprises(readings(20_000, MINUTE, valueAt)))).toBeLessThanOrEqual(2)
    }
  })

  it('raises no storm on noise: bell-shaped, uniform, skewed, heavy-tailed, wandering, quantised', () => {
    const random = seededRandom(8)
    const gauss = gaussianOf(9)
    let walk = 0
    const noises = [
      gauss,
      random,
      () => Math.exp(gauss()),
      () => 1 / (1 - random()),
      () => (walk += gauss()),
      () => Math.round(gauss()),
      () => 1e15 + 1e-3 * gauss(),
      () => 1e9 + 1e-3 * gauss(),
    ]
    for (const noise of noises) {
      // 70 days: chance alone reaches the limit once in three days, with some luck more often.
      expect(countAbove(surprises(readings(20_000, 5 * MINUTE, noise)))).toBeLessThanOrEqual(35)
      // Ten hours at 1 Hz.
      expect(countAbove(surprises(readings(36_000, 1000, noise)))).toBeLessThanOrEqual(1)
    }
  })

  it('raises no storm when the clock steps, times repeat, or a huge gap comes', () => {
    const gauss = gaussianOf(4)
    const steady = readings(20_000, MINUTE, () => gauss())
    const warps: ((time: number, at: number) => number)[] = [
      () => START,
      (time, at) => (at % 2 === 0 ? time : time - 10 * DAY),
      (time, at) => (at < 10_000 ? time : time + 900 * DAY),
      (time, at) => (at < 10_000 ? time : time - 900 * DAY),
      (time, at) => time - (at % 60) * MINUTE,
      (_, at) => -at,
    ]
    for (const warp of warps) {
      const scores = surprises(steady.map(({ value, time }, at) => ({ value, time: warp(time, at) })))
      expect(countAbove(scores)).toBeLessThanOrEqual(20)
    }
  })

  it('names a spike at once, and does not repeat it while it lasts', () => {
    const gauss = gaussianOf(2)
    const scores = surprises(readings(6000, MINUTE, (at) => gauss() + (at >= 5000 && at < 5030 ? 40 : 0)))
    expect(scores[5000]).toBeGreaterThan(NORMAL_LIMIT)
    expect(countAbove(scores.slice(5001, 5060))).toBeLessThanOrEqual(1)
  })

  it('finds the day that is missing in a daily rhythm, though every value of it is usual', () => {
    const gauss = gaussianOf(5)
    const hump = (time: number): number => (time % DAY >= DAY / 3 && time % DAY < DAY / 2 ? 50 : 10)
    const missing = START + 9 * DAY
    const series = readings(12 * 288, 5 * MINUTE, (_, time) => {
      const isMissing = time >= missing && time < missing + DAY
      return (isMissing ? 10 : hump(time)) + gauss()
    })
    const model = new AnomalyModel()
    const found = series.filter(({ value, time }) => {
      const isFound = model.take(value, time) >= NORMAL_LIMIT
      if (isFound) expect(model.describe().expected).toBeGreaterThan(40)
      return isFound
    })
    expect(found[0]?.time).toBe(missing + DAY / 3)
    expect(found.length).toBeLessThanOrEqual(3)
  })

  it('finds a shift too small for a single reading', () => {
    const gauss = gaussianOf(6)
    const scores = surprises(readings(8000, 5 * MINUTE, (at) => gauss() + (at >= 7000 ? 2 : 0)))
    expect(countAbove(scores.slice(7000, 7100))).toBeGreaterThanOrEqual(1)
    expect(countAbove(scores.slice(500, 7000))).toBeLessThanOrEqual(12)
  })

  it('is used to a new level after a while', () => {
    const gauss = gaussianOf(7)
    const scores = surprises(readings(30_000, 5 * MINUTE, (at) => gauss() + (at >= 10_000 ? 100 : 0)))
    expect(scores[10_000]).toBeGreaterThan(NORMAL_LIMIT)
    expect(countAbove(scores.slice(12_000))).toBeLessThanOrEqual(35)
  })

  it('keeps its memory bounded', () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const gauss = gaussianOf(3)
    const model = new AnomalyModel()
    const feed = (from: number, to: number): void => {
      for (let at = from; at < to; at++) model.take(gauss() + at, START + at * 1000)
    }
    feed(0, 50_000)
    collect()
    const before = process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers
    feed(50_000, 450_000)
    collect()
    const after = process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers
    // One number kept for each reading would be 3.2 MB.
    expect(after - before).toBeLessThan(1_000_000)
    expect(model.count).toBe(450_000)
  })
})
