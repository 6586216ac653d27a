import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Series } from '#store/series.ts'
import { MINUTE_MS, type Rollup, rollupOf } from '#store/rollup.ts'
import { RollupCodec } from '#store/rollup-codec.ts'

const START = Date.UTC(2026, 0, 1)
const codec = new RollupCodec()

/** One reading each second. */
function rollupOfValues(values: readonly number[]): Rollup {
  const series = new Series(values.length)
  const batch = {
    sourceTime: Float64Array.from(values, () => Number.NaN),
    receivedAt: Float64Array.from(values, (_, second) => START + second * 1000),
    status: new Uint32Array(values.length),
    texts: new Map(),
  }
  const words = new Uint32Array(Float64Array.from(values).buffer)
  values.forEach((_, row) => series.push(batch, row, words))
  return rollupOf(series, series.cells.value.subarray(0, series.length), MINUTE_MS)
}

const column = (rollup: Rollup, name: 'time' | 'count' | 'min' | 'max' | 'last' | 'lastTime'): number[] =>
  [...rollup[name].subarray(0, rollup.length)].map((value) => (Object.is(value, -0) ? Infinity : value))

describe('rollup codec', () => {
  it('gives back any aggregates: extremes and counts to the bit, means and deviations within their rounding', () => {
    const anyValues = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e100, max: 1e100 }), {
      minLength: 1,
      maxLength: 200,
    })
    const decimals = fc
      .tuple(fc.array(fc.integer({ min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 200 }), fc.nat(6))
      .map(([whole, places]) => whole.map((n) => n / Number(`1e${places}`)))
    fc.assert(
      fc.property(fc.oneof(anyValues, decimals), (values) => {
        const rollup = rollupOfValues(values)
        const back = codec.decode(codec.encode(rollup, MINUTE_MS))
        for (const name of ['time', 'count', 'min', 'max', 'last', 'lastTime'] as const)
          expect(column(back, name)).toEqual(column(rollup, name))
        for (let row = 0; row < rollup.length; row++) {
          const size = Math.max(Math.abs(rollup.min[row]!), Math.abs(rollup.max[row]!))
          expect(Math.abs(back.mean[row]! - rollup.mean[row]!)).toBeLessThanOrEqual(size * 1e-12)
          const rest = Math.abs(back.squares[row]! - rollup.squares[row]!)
          expect(rest).toBeLessThanOrEqual(rollup.squares[row]! * 1e-7)
        }
      }),
    )
  })

  it('keeps the exact sum of decimals, in at most 16 bytes a minute', () => {
    let seed = 7
    const whole = Array.from({ length: 60 * 100 }, () => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0
      return 2000 + ((seed >>> 16) % 50)
    })
    const frame = codec.encode(rollupOfValues(whole.map((n) => n / 10)), MINUTE_MS)
    const back = codec.decode(frame)
    for (let row = 0; row < 100; row++) {
      const sum = whole.slice(row * 60, row * 60 + 60).reduce((a, b) => a + b, 0)
      expect(back.mean[row]).toBe(sum / 600)
    }
    expect(frame.length).toBeLessThan(16 * 100)
  })
})
