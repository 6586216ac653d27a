import { describe, expect, it } from 'vitest'
import { sparkPath, type SparkSource } from '../../../src/ui/charts/spark-path.ts'

const NO_LIMITS = { lowLow: null, low: null, high: null, highHigh: null }
const BOX = { from: 0, to: 100, width: 100, height: 20 }

function source(points: readonly (readonly [number, number])[]): SparkSource {
  return { length: points.length, timeAt: (index) => points[index]![0], valueAt: (index) => points[index]![1] }
}

describe('a sparkline', () => {
  it('draws nothing without points', () => {
    expect(sparkPath(source([]), NO_LIMITS, BOX, false)).toEqual({ line: '', end: null, band: null })
  })

  it('breaks at a gap and has no end while it lasts', () => {
    const spark = sparkPath(
      source([
        [10, 1],
        [20, 2],
        [30, Number.NaN],
        [50, 1],
        [60, Number.NaN],
      ]),
      NO_LIMITS,
      BOX,
      false,
    )
    expect(spark.line.match(/M/g)).toHaveLength(2)
    expect(spark.line).not.toContain('H')
    expect(spark.end).toBeNull()
  })

  it('holds the newest value up to now, because a deadband is silent', () => {
    const spark = sparkPath(
      source([
        [10, 1],
        [20, 2],
      ]),
      NO_LIMITS,
      BOX,
      false,
    )
    expect(spark.line).toMatch(/H100$/)
    expect(spark.end).toEqual({ x: 100, y: 3.1 })
  })

  it('enters from the left edge when the last point before the box is known', () => {
    expect(
      sparkPath(
        source([
          [-500, 1],
          [-20, 5],
          [50, 1],
        ]),
        NO_LIMITS,
        BOX,
        false,
      ).line,
    ).toMatch(/^M0 /)
  })

  it('steps for booleans', () => {
    expect(
      sparkPath(
        source([
          [0, 0],
          [50, 1],
        ]),
        NO_LIMITS,
        BOX,
        true,
      ).line,
    ).toMatch(/^M0 [\d.]+H50V[\d.]+H100$/)
  })

  it('shows the normal band between the nearer limits, open where there is none', () => {
    const both = sparkPath(source([[0, 50]]), { lowLow: 0, low: 40, high: 60, highHigh: 99 }, BOX, false).band!
    expect(both.top).toBeGreaterThan(0)
    expect(both.bottom).toBeLessThan(BOX.height)
    expect(sparkPath(source([[0, 50]]), { ...NO_LIMITS, highHigh: 60 }, BOX, false).band).toEqual({
      top: expect.any(Number),
      bottom: BOX.height,
    })
  })

  it('draws a value above its high limit above the band', () => {
    const spark = sparkPath(
      source([
        [0, 50],
        [90, 70],
      ]),
      { ...NO_LIMITS, low: 40, high: 60 },
      BOX,
      false,
    )
    expect(spark.end!.y).toBeLessThan(spark.band!.top)
  })

  it('stays inside its box for a constant value', () => {
    const { end } = sparkPath(
      source([
        [0, 24],
        [90, 24],
      ]),
      NO_LIMITS,
      BOX,
      false,
    )
    expect(end!.y).toBeGreaterThan(0)
    expect(end!.y).toBeLessThan(BOX.height)
  })
})
