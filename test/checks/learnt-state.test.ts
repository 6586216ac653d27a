// What detectors have learnt, saved and taken up again: as if they had never stopped; and what no detector may believe.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDetector, type SensorCheckSpec } from '#checks/registry.ts'
import type { Detector } from '#checks/detector.ts'
import { gaussian, seededRandom } from '#kit/random.ts'

const SPECS: readonly SensorCheckSpec[] = [
  { type: 'zscore', window: 40 },
  { type: 'zscore', window: 40, robust: true },
  { type: 'ewma', alpha: 0.1 },
  { type: 'anomaly' },
]
const MINUTE = 60_000

function feed(detector: Detector, from: number, count: number): number[] {
  const answers: number[] = []
  for (let n = from; n < from + count; n++) {
    const random = seededRandom(n + 1)
    const value = 1e6 + Math.round((Math.sin(n / 60) + gaussian(random)) * 100) / 100 + (n % 500 === 499 ? 30 : 0)
    answers.push(detector.scoreOf?.(value) ?? 0, detector.evaluate(value, n * MINUTE, 0), detector.score ?? 0)
  }
  return answers
}

describe.each(SPECS.map((spec) => ({ name: JSON.stringify(spec), spec })))('$name', ({ spec }) => {
  it.each([0, 1, 25, 700, 12_000])('goes on after %d readings as if it had never stopped', (count) => {
    const before = createDetector(spec)
    feed(before, 0, count)
    const after = createDetector(spec)
    expect(after.restore!(before.save!())).toBe(true)
    expect(after.learning()).toEqual(before.learning())
    const [expected, given] = [feed(before, count, 1500), feed(after, count, 1500)]
    for (const [at, value] of expected.entries()) expect(given[at]).toBeCloseTo(value, 6)
  })

  it('refuses a state that is cut off or too long, and one with a number that cannot be', () => {
    const detector = createDetector(spec)
    feed(detector, 0, 600)
    const state = detector.save!()
    expect(createDetector(spec).restore!(Float64Array.of(...state, 1))).toBe(false)
    expect(createDetector(spec).restore!(state.subarray(0, 1))).toBe(false)
    const broken = state.slice()
    broken[2] = Number.NEGATIVE_INFINITY
    expect(createDetector(spec).restore!(broken)).toBe(false)
  })

  it('says nothing that is no number, whatever state it took', () => {
    const any = fc.oneof(fc.double(), fc.integer({ min: -2, max: 5 }))
    const sample = createDetector(spec)
    feed(sample, 0, 600)
    const good = sample.save!()
    const spoilt = fc
      .array(fc.tuple(fc.nat(good.length - 1), any), { maxLength: 5 })
      .map((changes) => changes.reduce((state, [at, value]) => state.with(at, value), good))
    const free = fc.array(any, { maxLength: 60 }).map((numbers) => Float64Array.from(numbers))
    fc.assert(
      fc.property(fc.oneof(spoilt, free), (state) => {
        const detector = createDetector(spec)
        if (!detector.restore!(state)) return
        for (const answer of feed(detector, 600, 60)) expect(Number.isNaN(answer)).toBe(false)
      }),
      { numRuns: 60 },
    )
  })
})
