// The numbers of one sensor in messages: as many digits as its limits, its deadband or its spread give a meaning to, with
// the unit as it is printed. What machines read stands in the finding, unrounded.

import { formatDecimals, unitSymbol } from '#domain/display.ts'

export interface QuantityTextOptions {
  /** As configured, for example `degC`; empty when none. */
  readonly unit: string
  /** The sensor's deadband, in its unit: finer differences mean nothing. null: not known. */
  readonly resolution: number | null
}

const MAX_DECIMALS = 12
/** Of a number that stands by itself. */
const SIGNIFICANT_DIGITS = 4
/** Of a spread: two tell how large it is. */
const SPREAD_DIGITS = 2

export class QuantityText {
  readonly #symbol: string
  readonly #resolution: number | null

  constructor({ unit, resolution }: QuantityTextOptions) {
    this.#symbol = unitSymbol(unit)
    this.#resolution = resolution !== null && resolution > 0 ? resolution : null
  }

  /**
   * As many decimals as the resolution and `references` were written with; one more than the references, `80.6` beside a limit
   * of 75, where the resolution is not known.
   */
  decimalsBeside(references: readonly number[]): number {
    const written = Math.max(0, ...references.map(decimalsOf))
    const decimals = this.#resolution === null ? written + 1 : Math.max(written, decimalsOf(this.#resolution))
    return Math.min(MAX_DECIMALS, decimals)
  }

  /** Decimals that leave two significant digits of a spread; of the value itself where there is no spread. */
  decimalsOfSpread(spread: number, value: number): number {
    if (spread > 0 && Number.isFinite(spread)) return decimalsAt(spread, SPREAD_DIGITS)
    return decimalsAt(value, SIGNIFICANT_DIGITS)
  }

  /** As people wrote it: a limit. */
  exact(value: number): string {
    return this.withUnit(number(value, Math.min(MAX_DECIMALS, decimalsOf(value))))
  }

  /** Rounded to `decimals`, but never so that it looks like `other`, from which it differs: 75.00001 beside 75. */
  rounded(value: number, decimals: number, other: number | null = null): string {
    let digits = Math.min(MAX_DECIMALS, decimals)
    const isAlike = (): boolean => other !== null && value !== other && number(value, digits) === number(other, digits)
    while (isAlike() && digits < MAX_DECIMALS) digits += 1
    return this.withUnit(isAlike() ? String(value) : number(value, digits))
  }

  /** A value by itself: to the resolution, else four significant digits. */
  plain(value: number): string {
    const decimals = this.#resolution === null ? decimalsAt(value, SIGNIFICANT_DIGITS) : decimalsOf(this.#resolution)
    return this.rounded(value, decimals)
  }

  /** A change in a second: `10 °C per second`. */
  perSecond(rate: number, decimals: number, other: number | null = null): string {
    return `${this.rounded(rate, decimals, other)} per second`
  }

  /** `80.6 °C`, `45°` */
  withUnit(digits: string): string {
    if (this.#symbol === '') return digits
    return this.#symbol === '°' ? digits + this.#symbol : `${digits} ${this.#symbol}`
  }
}

/** Of a sensor without a unit. */
export const PLAIN_TEXT = new QuantityText({ unit: '', resolution: null })

/** Digits only: scores in standard deviations, with three significant ones. */
export function scoreText(score: number): string {
  return number(Math.abs(score), decimalsAt(score, 3))
}

/** Without trailing zeros. */
function number(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '\u2212∞'
  const text = formatDecimals(value, decimals)
  if (/e/.test(text) || !text.includes('.')) return text
  return text.replace(/0+$/, '').replace(/\.$/, '')
}

/** Decimals that leave so many significant digits. */
function decimalsAt(scale: number, digits: number): number {
  if (scale === 0 || !Number.isFinite(scale)) return 0
  return Math.min(MAX_DECIMALS, Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(scale)))))
}

/** Decimals that a number was written with: 75 → 0, 0.25 → 2, 1e-7 → 7. */
function decimalsOf(value: number): number {
  const [digits = '', exponent = '0'] = String(value).split('e')
  return Math.max(0, (digits.split('.')[1] ?? '').length - Number(exponent))
}
