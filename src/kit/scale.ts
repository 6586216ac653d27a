// Raw values to engineering units: raw × factor + offset, without a floating-point tail where decimals allow it.
//
// Registers hold integers and factors are written in decimals, so the result is a decimal with as many places as factor
// and offset have. Computed in integers and divided once, 602 × 0.1 − 40 is 20.2 and not 20.200000000000003.

import type { Scale } from '#domain/sensor.ts'

/** A scale prepared for use. `divisor` 0: factor or offset have no short decimal form, plain arithmetic it is. */
export interface CompiledScale {
  readonly factor: number
  readonly offset: number
  /** factor × divisor, an integer. */
  readonly wholeFactor: number
  /** offset × divisor, an integer. */
  readonly wholeOffset: number
  /** A power of ten. */
  readonly divisor: number
}

/** 10^15 is the largest power of ten below 2^53. */
const MAX_DECIMALS = 15

export function compileScale(scale: Scale): CompiledScale {
  const { factor, offset } = scale
  const places = Math.max(decimals(factor), decimals(offset))
  const divisor = 10 ** places
  const wholeFactor = Math.round(factor * divisor)
  const wholeOffset = Math.round(offset * divisor)
  const isExact =
    places <= MAX_DECIMALS &&
    Number.isSafeInteger(wholeFactor) &&
    Number.isSafeInteger(wholeOffset) &&
    wholeFactor / divisor === factor &&
    wholeOffset / divisor === offset
  return isExact
    ? { factor, offset, wholeFactor, wholeOffset, divisor }
    : { factor, offset, wholeFactor: 0, wholeOffset: 0, divisor: 0 }
}

/** Engineering value of a finite raw number; correctly rounded for integers, may be infinite beyond the float64 range. */
export function scaleNumber(scale: CompiledScale, raw: number): number {
  if (scale.divisor !== 0 && Number.isInteger(raw)) {
    const product = raw * scale.wholeFactor
    const whole = product + scale.wholeOffset
    // Beyond 2^53 the sum would be rounded before the division.
    if (Number.isSafeInteger(product) && Number.isSafeInteger(whole)) return whole / scale.divisor
  }
  return raw * scale.factor + scale.offset
}

/** Engineering value of a 64-bit integer; exact up to one rounding, also where raw and offset nearly cancel. */
export function scaleInteger(scale: CompiledScale, raw: bigint): number {
  const near = Number(raw)
  if (Number.isSafeInteger(near)) return scaleNumber(scale, near)
  if (scale.divisor === 0) return near * scale.factor + scale.offset
  return Number(raw * BigInt(scale.wholeFactor) + BigInt(scale.wholeOffset)) / scale.divisor
}

/** Digits after the point in the shortest decimal form of a number: 0.25 → 2, 1e-7 → 7, 1e21 → 0. */
function decimals(value: number): number {
  const [mantissa = '', exponent = '0'] = String(value).split('e')
  const fraction = mantissa.split('.')[1] ?? ''
  return Math.max(0, fraction.length - Number(exponent))
}
