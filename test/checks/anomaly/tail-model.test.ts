import fc from 'fast-check'
import { mean } from 'simple-statistics'
import { describe, expect, it } from 'vitest'
import { TailModel } from '#checks/anomaly/tail-model.ts'
import { seededRandom } from '#kit/random.ts'

const TAIL = 32
const ERAS = 4

/** The definition, on everything that is remembered. */
function surpriseByDefinition(remembered: readonly number[], deviation: number): number {
  const largest = remembered.toSorted((a, b) => b - a).slice(0, TAIL)
  const start = largest[TAIL - 1]
  if (start === undefined || deviation <= start) return 0
  if (start === 0) return Math.log10(remembered.length / (1 + largest.filter((one) => one > 0).length))
  const logs = largest.slice(0, -1).map((one) => Math.log(one) - Math.log(start))
  const [first, second] = [mean(logs), mean(logs.map((log) => log ** 2))]
  const moment = second === 0 ? 0 : first + 1 - 0.5 / Math.max(1e-6, 1 - first ** 2 / second)
  const shape = Math.min(0.75, Math.max(0, moment))
  const excess = mean(largest.slice(0, -1).map((one) => one - start))
  const scaled = (deviation - start) / Math.max(excess * (1 - shape), start / 20)
  // The exponential is the limit for shape 0.
  const beyond = shape < 1e-3 ? scaled * Math.LOG10E : Math.log10(1 + shape * scaled) / shape
  return Math.min(20, Math.max(0, Math.log10(remembered.length / TAIL) + beyond))
}

describe('tail model', () => {
  it('scores as if it kept every deviation of the eras that it remembers', () => {
    const deviation = fc.oneof(
      fc.double({ min: 0, max: 10, noNaN: true }),
      fc.double({ min: 0, max: 1e150, noNaN: true }),
      fc.constantFrom(0, 1, 2),
    )
    const series = fc.array(deviation, { minLength: 300, maxLength: 700, size: 'max' })
    fc.assert(
      fc.property(series, fc.integer({ min: 40, max: 120 }), (deviations, era) => {
        const model = new TailModel()
        deviations.forEach((one, at) => {
          const begun = Math.floor((at - 1) / era)
          const from = Math.max(0, (begun - ERAS + 1) * era)
          const expected = surpriseByDefinition(deviations.slice(from, at), one)
          expect(model.take(one, era)).toBeCloseTo(expected, 5)
        })
      }),
      { numRuns: 30 },
    )
  })

  it('gives a surprise s to about one in 10^s readings, whatever the distribution', () => {
    const random = seededRandom(3)
    const gauss = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    for (const draw of [random, gauss, () => Math.exp(2 * gauss()), () => 1 / (1 - random())]) {
      const model = new TailModel()
      let reached = 0
      for (let at = 0; at < 100_000; at++) if (model.take(Math.abs(draw()), 5000) >= 2.5) reached += 1
      expect(reached).toBeGreaterThan(100)
      expect(reached).toBeLessThan(700)
    }
  })

  it('forgets a burst after four eras', () => {
    const model = new TailModel()
    for (let at = 0; at < 40; at++) model.take(1000 + at, 100)
    for (let at = 0; at < 500; at++) model.take(at % 10, 100)
    expect(model.tailStart).toBe(9)
    expect(model.count).toBeLessThanOrEqual(400)
  })

  it('counts how rarely a series that never deviated does', () => {
    const model = new TailModel()
    for (let at = 0; at < 1000; at++) expect(model.take(0, 10_000)).toBe(0)
    expect(model.take(5, 10_000)).toBeCloseTo(3, 2)
    expect(model.take(5, 10_000)).toBeCloseTo(Math.log10(1001 / 2), 2)
  })
})
