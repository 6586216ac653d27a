import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decimalsFor,
  formatBytes,
  formatExact,
  formatNumber,
  formatShort,
  formatValue,
  plottable,
  sensorDecimals,
  splitAtPoint,
  stepDecimals,
} from '../../../src/ui/format/number.ts'

const NO_LIMITS = { lowLow: null, low: null, high: null, highHigh: null }
/** Also near the border between JSON numbers and text, which a uniform choice never comes to. */
const INTEGER = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.bigInt({ min: -(2n ** 54n), max: 2n ** 54n }),
  fc.maxSafeInteger().map(BigInt),
)
const plain = (text: string): string => text.replaceAll('\u202f', '').replace('\u2212', '-')

describe('the numbers of an axis', () => {
  it.each([
    [5, 0],
    [0.5, 1],
    [0.25, 2],
    [0.1, 1],
    [0.002, 3],
    [2e-7, 7],
    [250_000, 0],
  ])('tell multiples of %d apart with %d decimals', (step, decimals) => {
    expect(stepDecimals(step)).toBe(decimals)
  })
})

describe('numbers as text', () => {
  it('keeps about four significant digits', () => {
    expect([0.5, 7.3, 92.4, 215, 4800, 123_456].map(decimalsFor)).toEqual([3, 3, 2, 1, 0, 0])
  })

  it('chooses decimals by the largest limit, so that a small value beside it does not get more', () => {
    expect(sensorDecimals('number', { ...NO_LIMITS, high: 215 }, 3.21)).toBe(1)
    expect(sensorDecimals('number', NO_LIMITS, 3.21)).toBe(3)
    expect(sensorDecimals('int64', { ...NO_LIMITS, high: 3.5 }, 3)).toBe(0)
  })

  it('groups from five digits on, with a real minus', () => {
    expect(formatNumber(4800, 0)).toBe('4800')
    expect(formatNumber(-1_284_021.5, 1)).toBe('\u22121\u202f284\u202f021.5')
  })

  it('never shows a number that is none', () => {
    expect(formatNumber(Number.NaN, 2)).toBe('–')
    expect(formatNumber(Number.POSITIVE_INFINITY, 2)).toBe('–')
    expect(formatValue(null, 'number', 2)).toBe('–')
  })

  it('shows every 64-bit integer to the last digit, whether it came as a number or as text', () => {
    fc.assert(
      fc.property(INTEGER, (value) => {
        const isSafe = value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
        const wire = isSafe ? Number(value) : value.toString()
        return plain(formatExact(wire, 'int64')) === value.toString()
      }),
    )
  })

  it('shows all digits of a float as its exact value', () => {
    expect(formatExact(72.53334373373463, 'number')).toBe('72.53334373373463')
  })

  it('writes limits as people wrote them', () => {
    expect([65, 6.2, 0.125].map(formatShort)).toEqual(['65', '6.2', '0.125'])
  })

  it('splits at the decimal sign and leaves text alone', () => {
    expect(splitAtPoint('12.50')).toEqual(['12', '.50'])
    expect(splitAtPoint('\u22121\u202f284.5')).toEqual(['\u22121\u202f284', '.5'])
    expect(splitAtPoint('v1.2')).toEqual(['v1.2', ''])
    expect(splitAtPoint('On')).toEqual(['On', ''])
  })

  it('plots booleans as 0 and 1, integers in text as numbers, and text not at all', () => {
    expect(plottable(true, 'boolean')).toBe(1)
    expect(plottable('9223372036854775807', 'int64')).toBe(2 ** 63)
    expect(plottable('12', 'string')).toBeNaN()
    expect(plottable(null, 'number')).toBeNaN()
  })

  it('names bytes by their size', () => {
    expect([17, 4096, 12_500_000].map(formatBytes)).toEqual(['17 B', '4.1 kB', '13 MB'])
  })
})
