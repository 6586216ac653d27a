import { rangeWithLimits } from '../../../src/ui/charts/y-range.ts'
import { describe, expect, it } from 'vitest'
import { joined, scalesByUnit, valueAt } from '../../../src/ui/charts/compare-data.ts'
import { grasped } from '../../../src/ui/charts/grasp.ts'
import { queryOfView, viewOfQuery } from '../../../src/ui/charts/trend-range.ts'

const line = (times: number[], values: (number | null)[]) => ({
  times,
  line: values,
  low: values.map(() => null),
  high: values.map(() => null),
})

describe('the range of a value axis', () => {
  it('shows limits that are near, and leaves distant ones out: they would flatten the line', () => {
    const [low, high] = rangeWithLimits(50, 54, [40, 65, 900, null], false)
    expect(low).toBeLessThan(40)
    expect(high).toBeGreaterThan(65)
    expect(high).toBeLessThan(100)
  })

  it('is that of the limits while there is no value, and fixed for what is on or off', () => {
    expect(rangeWithLimits(null, null, [10, 20], false)).toEqual([9.3, 20.7])
    expect(rangeWithLimits(null, null, [], false)).toEqual([0, 1])
    expect(rangeWithLimits(0, 1, [5], true)).toEqual([-0.1, 1.1])
  })
})

describe('compared lines', () => {
  it('share their times; where a line has no point it is drawn through, where it has a gap it is broken', () => {
    expect(joined([line([1, 3], [10, 30]), line([2, 3], [null, 7])])).toEqual([
      [1, 2, 3],
      [10, undefined, 30],
      [undefined, null, 7],
    ])
  })

  it('share a scale when they have one unit', () => {
    expect(scalesByUnit(['degC', 'bar', 'degC'])).toEqual({ scales: ['degC', 'bar'], of: [0, 1, 0] })
  })

  it('have at a time the value that came last', () => {
    const data = line([10, 20, 30], [1, null, 3])
    expect([5, 10, 19, 20, 99].map((time) => valueAt(data, time))).toEqual([null, 1, 1, null, 3])
  })
})

describe('a hand on the chart', () => {
  const box = { left: 100, width: 1000 }
  const before = { from: 0, to: 1000 }

  it('drags what it touches along, but not into the future', () => {
    expect(grasped(before, [{ startX: 300, x: 500 }], box, 2000)).toEqual({ from: -200, to: 800 })
    expect(grasped(before, [{ startX: 500, x: 300 }], box, 1000)).toEqual({ from: 0, to: 1000 })
  })

  it('pinches with two fingers: the times stay under them', () => {
    const pinch = [
      { startX: 400, x: 200 },
      { startX: 800, x: 1000 },
    ]
    const range = grasped({ from: 100_000, to: 200_000 }, pinch, box, 1_000_000)
    expect(range.to - range.from).toBeCloseTo(50_000)
    // What was at 30 % is now at 10 %.
    expect(range.from + 0.1 * 50_000).toBeCloseTo(130_000)
  })
})

describe('a view in the address', () => {
  it('is the same when it is read again', () => {
    for (const view of [
      { kind: 'following', spanMs: 900_000 },
      { kind: 'following', spanMs: 365 * 86_400_000 },
      { kind: 'fixed', from: Date.UTC(2026, 0, 1), to: Date.UTC(2026, 0, 2) },
    ] as const) {
      const query = Object.entries(queryOfView(view)).flatMap(([key, value]) =>
        value === null ? [] : [[key, value] as [string, string]],
      )
      expect(viewOfQuery(new URLSearchParams(query).toString())).toEqual(view)
    }
  })

  it.each(['', 'from=2026-01-02&to=2026-01-01', 'span=9x', 'from=x&to=y'])(
    'falls back to the newest for "%s"',
    (query) => {
      expect(viewOfQuery(query)).toEqual({ kind: 'following', spanMs: 900_000 })
    },
  )
})
