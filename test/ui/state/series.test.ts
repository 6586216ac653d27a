import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Series } from '../../../src/ui/state/series.ts'

const points = (series: Series): [number, number][] =>
  Array.from({ length: series.length }, (_, index) => [series.timeAt(index), series.valueAt(index)])

describe('the last minutes of a sensor', () => {
  it('keeps the newest points in order, however many come', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.array(fc.integer(), { maxLength: 60 }), (capacity, values) => {
        const series = new Series(capacity)
        values.forEach((value, index) => series.push(index, value))
        expect(points(series)).toEqual(values.map((value, index) => [index, value]).slice(-capacity))
        expect(series.version).toBe(values.length)
      }),
    )
  })

  it('puts the past before what has come live, without doubling it', () => {
    const series = new Series(5)
    series.push(30, 3)
    series.push(40, 4)
    series.prepend([5, 10, 20, 30, 35], [0.5, 1, 2, 99, 99])
    expect(points(series)).toEqual([
      [5, 0.5],
      [10, 1],
      [20, 2],
      [30, 3],
      [40, 4],
    ])
  })

  it('leaves the oldest out when the past does not fit', () => {
    const series = new Series(3)
    series.push(30, 3)
    series.prepend([5, 10, 20], [0.5, 1, 2])
    expect(points(series)).toEqual([
      [10, 1],
      [20, 2],
      [30, 3],
    ])
  })
})
