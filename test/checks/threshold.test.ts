import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LEVEL_BITS, mostSevereLevel, NO_LEVEL } from '#checks/level-set.ts'
import { ThresholdDetector } from '#checks/threshold.ts'
import type { ConditionLevel } from '#domain/check.ts'

const type = 'threshold' as const
const { lowLow, low, high, highHigh } = LEVEL_BITS

/** Level shown after each value. */
function levelsOf(detector: ThresholdDetector, values: readonly number[]): (ConditionLevel | null)[] {
  return values.map((value) => {
    const levels = detector.evaluate(value)
    return mostSevereLevel(levels, levels)
  })
}

describe('threshold', () => {
  it('enters a level at its limit and leaves it just inside when there is no hysteresis', () => {
    const detector = new ThresholdDetector({ type, low: 10, high: 75 })
    expect(levelsOf(detector, [74.9, 75, 75.1, 74.99, 10.01, 10, 9, 10.01])).toEqual([
      null,
      'high',
      'high',
      null,
      null,
      'low',
      'low',
      null,
    ])
  })

  it('holds a level until the value has come back inside by the hysteresis', () => {
    const detector = new ThresholdDetector({ type, low: 10, high: 75, hysteresis: 2 })
    expect(levelsOf(detector, [75, 73.1, 73, 74, 10, 11.9, 12, 11])).toEqual([
      'high',
      'high',
      null,
      null,
      'low',
      'low',
      null,
      null,
    ])
  })

  it('escalates to the outer limit and comes back through the inner one', () => {
    const detector = new ThresholdDetector({ type, lowLow: 0, low: 10, high: 75, highHigh: 90, hysteresis: 2 })
    expect(levelsOf(detector, [80, 95, 89, 88, 74, 73, 5, -1, 1, 2, 11, 12])).toEqual([
      'high',
      'highHigh',
      'highHigh',
      'high',
      'high',
      null,
      'low',
      'lowLow',
      'lowLow',
      'low',
      'low',
      null,
    ])
  })

  it('leaves 0.3 − 0.1 at 0.2 and not at 0.19999999999999998', () => {
    const detector = new ThresholdDetector({ type, high: 0.3, hysteresis: 0.1 })
    expect(levelsOf(detector, [0.3, 0.21, 0.2])).toEqual(['high', 'high', null])
  })

  it('keeps a hysteresis of 1 at limits with sixteen digits', () => {
    const detector = new ThresholdDetector({ type, high: 1_234_567_890_123_456, hysteresis: 2 })
    const values = [1_234_567_890_123_456, 1_234_567_890_123_455, 1_234_567_890_123_454]
    expect(levelsOf(detector, values)).toEqual(['high', 'high', null])
  })

  it('never holds a level that is not configured', () => {
    const detector = new ThresholdDetector({ type, high: 1 })
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(detector.evaluate(value) & ~high).toBe(0)
      }),
    )
  })

  it('says what is wrong, with value and limit', () => {
    const detector = new ThresholdDetector({ type, low: 10, high: 75, highHigh: 90, hysteresis: 2 })
    detector.evaluate(76.2)
    expect(detector.explain('high')).toEqual({
      finding: { value: 76.2, limit: 75 },
      value: '76.2',
      phrase: 'is above the high limit of 75',
    })
    detector.evaluate(75)
    expect(detector.explain('high').phrase).toBe('is at the high limit of 75')
    detector.evaluate(73.5)
    expect(detector.explain('high').phrase).toBe('has not come back to 73, after the high limit of 75')
    detector.evaluate(60)
    expect(detector.explain('high').phrase).toBe('is back below the high limit of 75, not yet for long enough')
    detector.evaluate(3)
    expect(detector.explain('low')).toEqual({
      finding: { value: 3, limit: 10 },
      value: '3',
      phrase: 'is below the low limit of 10',
    })
  })

  it('leaves each level by its own hysteresis, else by the common one', () => {
    const spec = { type, low: 10, high: 75, highHigh: 90, hysteresis: 2, highHysteresis: 5, lowHysteresis: 0 } as const
    const detector = new ThresholdDetector(spec)
    const levels = [95, 88.5, 88, 70.5, 70, 9, 10, 10.1].map((value) => detector.evaluate(value))
    const { high, highHigh, low } = LEVEL_BITS
    expect(levels).toEqual([high | highHigh, high | highHigh, high, high, NO_LEVEL, low, low, NO_LEVEL])
    detector.evaluate(80)
    detector.evaluate(72)
    expect(detector.explain('high').phrase).toBe('has not come back to 70, after the high limit of 75')
  })

  it('resumes an alarm so that its hysteresis goes on', () => {
    const detector = new ThresholdDetector({ type, high: 75, highHigh: 90, hysteresis: 2 })
    expect(detector.resume('highHigh')).toBe(high | highHigh)
    expect(levelsOf(detector, [89, 74, 73])).toEqual(['highHigh', 'high', null])
    expect(new ThresholdDetector({ type, high: 75 }).resume('low')).toBe(0)
    expect(new ThresholdDetector({ type, high: 75 }).resume('anomaly')).toBe(0)
  })

  it('agrees with a plain restatement of the rule for any limits and values', () => {
    const grid = fc.integer({ min: -20, max: 20 }).map((n) => n / 4)
    const spec = fc.record(
      {
        lowLow: grid,
        low: grid,
        high: grid,
        highHigh: grid,
        hysteresis: fc.integer({ min: 0, max: 12 }).map((n) => n / 4),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(spec, fc.array(grid, { maxLength: 60, size: 'max' }), (limits, values) => {
        const detector = new ThresholdDetector({ type, ...limits })
        const held = new Set<string>()
        const back = limits.hysteresis ?? 0
        for (const value of values) {
          for (const name of ['high', 'highHigh'] as const) {
            const limit = limits[name]
            if (limit === undefined) continue
            if (value >= limit) held.add(name)
            else if (value <= limit - back) held.delete(name)
          }
          for (const name of ['low', 'lowLow'] as const) {
            const limit = limits[name]
            if (limit === undefined) continue
            if (value <= limit) held.add(name)
            else if (value >= limit + back) held.delete(name)
          }
          const expected =
            (held.has('lowLow') ? lowLow : 0) |
            (held.has('low') ? low : 0) |
            (held.has('high') ? high : 0) |
            (held.has('highHigh') ? highHigh : 0)
          expect(detector.evaluate(value)).toBe(expected)
        }
      }),
    )
  })
})
