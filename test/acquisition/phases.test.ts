import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Phases } from '#acquisition/phases.ts'
import { PollGrid } from '#acquisition/poll-grid.ts'

describe('phases', () => {
  it('fill the slots evenly through any takes and releases', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100_000 }),
        fc.array(fc.boolean(), { maxLength: 200 }),
        (intervalMs, steps) => {
          const phases = new Phases()
          const held: number[] = []
          for (const isTake of steps) {
            if (isTake) held.push(phases.take(intervalMs))
            else if (held.length > 0) phases.release(intervalMs, held.pop()!) // the last: an even load stays even
          }
          const loads = [...Map.groupBy(held, (phase) => phase).values()].map(({ length }) => length)
          expect(held.every((phase) => phase >= 0 && phase < intervalMs)).toBe(true)
          expect(loads.length).toBeLessThanOrEqual(20)
          if (held.length >= 20) expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1)
        },
      ),
    )
  })

  it('of a released poll are given again', () => {
    const phases = new Phases()
    const taken = Array.from({ length: 20 }, () => phases.take(1000))
    phases.release(1000, taken[7]!)
    expect(phases.take(1000)).toBe(taken[7])
  })
})

describe('the grid of deadlines', () => {
  it('accounts for each deadline exactly once, however late it is asked', () => {
    const late = fc.array(fc.double({ min: 0, max: 5000, noNaN: true }), { minLength: 1, maxLength: 50 })
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 2000 }), late, (intervalMs, delays) => {
        const grid = new PollGrid(100, intervalMs)
        grid.seek(0)
        let passed = 0
        let now = 0
        for (const delay of delays) {
          now = Math.max(now, grid.deadline) + delay
          passed += 1 + grid.advance(now)
          expect(grid.deadline).toBeGreaterThan(now)
          expect(grid.deadline).toBe(100 + passed * intervalMs)
        }
      }),
    )
  })
})
