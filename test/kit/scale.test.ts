import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileScale, scaleInteger, scaleNumber } from '#kit/scale.ts'

function scaled(raw: number, factor: number, offset = 0): number {
  return scaleNumber(compileScale({ factor, offset }), raw)
}

describe('scale', () => {
  it('gives operators 20.2 and not 20.200000000000003', () => {
    expect(602 * 0.1 - 40).not.toBe(20.2)
    expect(scaled(602, 0.1, -40)).toBe(20.2)
    expect(scaled(3, 0.1)).toBe(0.3)
    expect(scaled(-7, 0.01, 0.2)).toBe(0.13)
    expect(scaled(65_535, 0.001, -273.15)).toBe(-207.615)
  })

  it('is the nearest float64 to the decimal result, for any integer and decimal factor and offset', () => {
    const numbers = (rawMost: number, digitsMost: number, placesMost: number) => {
      const places = fc.integer({ min: 0, max: placesMost })
      const digits = fc.integer({ min: -digitsMost, max: digitsMost })
      return fc.tuple(fc.integer({ min: -rawMost, max: rawMost }), digits, places, digits, places)
    }
    const registers16 = numbers(2 ** 16, 99_999, 6)
    const registers32 = numbers(2 ** 32, 9_999, 2)
    fc.assert(
      fc.property(
        fc.oneof(registers16, registers32),
        ([raw, factorDigits, factorPlaces, offsetDigits, offsetPlaces]) => {
          const factor = Number(`${factorDigits}e-${factorPlaces}`)
          const offset = Number(`${offsetDigits}e-${offsetPlaces}`)
          const product = BigInt(raw) * BigInt(factorDigits) * 10n ** BigInt(6 - factorPlaces)
          const sum = product + BigInt(offsetDigits) * 10n ** BigInt(6 - offsetPlaces)
          // Adding 0 turns −0 into 0.
          expect(scaled(raw, factor, offset) + 0).toBe(Number(`${sum}e-6`))
        },
      ),
      { numRuns: 3000 },
    )
  })

  it('uses plain arithmetic where raw is no integer or the factor has no short decimal form', () => {
    expect(scaled(0.5, 0.1, 1)).toBe(0.5 * 0.1 + 1)
    expect(scaled(7, 1 / 3)).toBeCloseTo(7 / 3, 14)
    expect(scaled(1e300, 1e10)).toBe(Infinity)
    expect(scaled(1e301, 123.456789)).toBe(1e301 * 123.456789)
    expect(scaled(3, 1e-300)).toBe(3e-300)
    expect(scaled(Number.NaN, 0.1)).toBeNaN()
  })

  it('keeps 64-bit integers where raw and offset nearly cancel', () => {
    const scale = compileScale({ factor: 1, offset: 1 - 2 ** 53 })
    expect(scaleInteger(scale, 2n ** 53n + 1n)).toBe(2)
    expect(scaleInteger(compileScale({ factor: 0.1, offset: 0 }), 9_007_199_254_740_993n)).toBe(900_719_925_474_099.3)
    expect(scaleInteger(compileScale({ factor: 0.1, offset: -40 }), 615n)).toBe(21.5)
    expect(scaleInteger(compileScale({ factor: Math.PI * 1e-20, offset: 0 }), 2n ** 60n)).toBeCloseTo(
      Math.PI * 1e-20 * 2 ** 60,
      12,
    )
  })
})
