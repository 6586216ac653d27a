import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConditionDelay } from '#checks/condition-delay.ts'
import { LEVEL_BITS } from '#checks/level-set.ts'

const { high, highHigh } = LEVEL_BITS

describe('condition delay', () => {
  it('counts a level only after it has held for onDelay', () => {
    const delay = new ConditionDelay({ onDelayMs: 3000, offDelayMs: 0 })
    const steps: [present: number, at: number, expected: number][] = [
      [high, 0, 0],
      [high, 2999, 0],
      [high, 3000, high],
      [0, 3001, 0],
      [high, 4000, 0],
      [0, 5000, 0],
      [high, 6000, 0],
      [high, 8999, 0],
      [high, 9000, high],
    ]
    for (const [present, at, expected] of steps) expect(delay.step(present, at), `at ${at}`).toBe(expected)
  })

  it('lets a level go only after it has been gone for offDelay', () => {
    const delay = new ConditionDelay({ onDelayMs: 0, offDelayMs: 2000 })
    const steps: [present: number, at: number, expected: number][] = [
      [high, 0, high],
      [0, 1000, high],
      [high, 2500, high],
      [0, 3000, high],
      [0, 4999, high],
      [0, 5000, 0],
    ]
    for (const [present, at, expected] of steps) expect(delay.step(present, at), `at ${at}`).toBe(expected)
  })

  it('times each level by itself: the outer limit must hold for the delay as well', () => {
    const delay = new ConditionDelay({ onDelayMs: 3000, offDelayMs: 0 })
    expect(delay.step(high, 0)).toBe(0)
    expect(delay.step(high | highHigh, 2000)).toBe(0)
    expect(delay.step(high | highHigh, 3000)).toBe(high)
    expect(delay.step(high | highHigh, 5000)).toBe(high | highHigh)
  })

  it('goes on at once from a state before a restart', () => {
    const delay = new ConditionDelay({ onDelayMs: 3000, offDelayMs: 1000 })
    delay.resume(high)
    expect(delay.isSettled(high)).toBe(true)
    expect(delay.step(0, 50)).toBe(high)
    expect(delay.isSettled(high)).toBe(false)
    expect(delay.step(0, 1050)).toBe(0)
  })

  it('agrees with a search through the whole past', () => {
    const move = fc.record({ present: fc.integer({ min: 0, max: 31 }), afterMs: fc.integer({ min: 0, max: 8 }) })
    const ms = fc.integer({ min: 0, max: 12 })
    fc.assert(
      fc.property(fc.array(move, { maxLength: 50, size: 'max' }), ms, ms, (moves, onDelayMs, offDelayMs) => {
        const delay = new ConditionDelay({ onDelayMs, offDelayMs })
        const past: { present: boolean; at: number }[][] = [[], [], [], [], []]
        const counted = [false, false, false, false, false]
        let now = 0
        for (const { present, afterMs } of moves) {
          now += afterMs
          let expected = 0
          for (let level = 0; level < 5; level++) {
            const holds = (present & (1 << level)) !== 0
            past[level]!.push({ present: holds, at: now })
            const run = past[level]!.slice(past[level]!.findLastIndex((step) => step.present !== holds) + 1)
            // A run that began before the level last changed over counts from its own start.
            if (holds !== counted[level] && now - run[0]!.at >= (holds ? onDelayMs : offDelayMs)) counted[level] = holds
            if (counted[level]) expected |= 1 << level
          }
          expect(delay.step(present, now)).toBe(expected)
          expect(delay.isSettled(present)).toBe(present === expected)
        }
      }),
    )
  })
})
