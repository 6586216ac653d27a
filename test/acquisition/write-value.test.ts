import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isOfType, toEngineering, toRaw } from '#acquisition/write-value.ts'
import type { Value, ValueType } from '#domain/value.ts'
import { aSensor } from './harness.ts'

const plain = aSensor()
const scaled = (factor: number, offset = 0) => aSensor({ scale: { factor, offset } })

describe('the raw value of a write', () => {
  it('is free of the noise of the division', () => {
    expect(toRaw(21.4, scaled(0.1), 'number')).toBe(214)
    expect(toRaw(0.07, scaled(0.01), 'number')).toBe(7)
    expect(toRaw(-40, scaled(0.1, -40), 'number')).toBe(0)
  })

  it('becomes the same engineering value again, for every raw integer and decimal factor', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -2_000_000_000, max: 2_000_000_000 }),
        fc.constantFrom(0.001, 0.01, 0.1, 0.5, 1, 2, 10, 0.25, -0.1),
        fc.integer({ min: -1000, max: 1000 }),
        (raw, factor, offset) => {
          const sensor = scaled(factor, offset)
          expect(toRaw(toEngineering(raw, sensor), sensor, 'number')).toBe(raw)
        },
      ),
    )
  })

  it('of a 64-bit integer is exact without a scale and a whole number of steps with one', () => {
    expect(toRaw(2n ** 63n - 1n, plain, 'int64')).toBe(9_223_372_036_854_775_807n)
    expect(toRaw(12, plain, 'int64')).toBe(12n)
    expect(toRaw(21.4, scaled(0.1), 'int64')).toBe(214n)
    expect(() => toRaw(21.44, scaled(0.1), 'int64')).toThrow(expect.objectContaining({ code: 'OUT_OF_RANGE' }))
  })

  it('of a switch is true or false, also when written as 1 or 0', () => {
    expect([true, false, 1, 0].map((value) => toRaw(value, plain, 'boolean'))).toEqual([true, false, true, false])
  })

  const refused: [Value, ValueType][] = [
    [Number.NaN, 'number'],
    [Number.POSITIVE_INFINITY, 'number'],
    ['1', 'number'],
    [true, 'number'],
    [2n ** 60n, 'number'],
    [2, 'boolean'],
    ['true', 'boolean'],
    [2n ** 63n, 'int64'],
    [-(2n ** 63n) - 1n, 'int64'],
    [-1n, 'uint64'],
    [2n ** 64n, 'uint64'],
    [0.5, 'int64'],
    [2 ** 53, 'int64'],
    [1, 'string'],
    ['ä'.repeat(2049), 'string'],
  ]
  for (const [value, type] of refused) {
    it(`refuses ${String(value).slice(0, 20)} for ${type}`, () => {
      expect(() => toRaw(value, plain, type)).toThrow(expect.objectContaining({ code: 'OUT_OF_RANGE' }))
    })
  }

  it('with a scale refuses what is no number, and a result that is none', () => {
    expect(() => toRaw('1', scaled(2), 'number')).toThrow(expect.objectContaining({ code: 'OUT_OF_RANGE' }))
    expect(() => toRaw(1, scaled(0), 'number')).toThrow(expect.objectContaining({ code: 'OUT_OF_RANGE' }))
    expect(() => toRaw(1e300, scaled(1e-300), 'uint64')).toThrow(expect.objectContaining({ code: 'OUT_OF_RANGE' }))
    expect(() => toRaw(-1, scaled(1), 'uint64')).toThrow(expect.objectContaining({ code: 'OUT_OF_RANGE' }))
  })
})

describe('a read-back', () => {
  it('is scaled like a reading', () => {
    expect(toEngineering(602, scaled(0.1, -40))).toBe(20.2)
    expect(toEngineering(614n, scaled(0.5))).toBe(307)
    expect(toEngineering(2n ** 63n, plain)).toBe(2n ** 63n)
  })

  it('must be of the announced type', () => {
    expect(isOfType(1, 'number')).toBe(true)
    expect(isOfType(Number.NaN, 'number')).toBe(false)
    expect(isOfType(1, 'int64')).toBe(false)
    expect(isOfType(undefined, 'string')).toBe(false)
    expect(isOfType(1, 'boolean')).toBe(false)
  })
})
