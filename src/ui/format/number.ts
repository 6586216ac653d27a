// Numbers and values as text. Decimals are chosen once for a sensor so that its digits stand still; 64-bit integers are never rounded.

import type { JsonValue, Limits, ValueType } from '../client/wire.ts'

/** Thin space between groups of three digits: it cannot be taken for a decimal sign (ISO 80000-1 §7.3.1). */
const GROUP = '\u202f'
const MINUS = '\u2212'
const MAX_DECIMALS = 4
const SIGNIFICANT_DIGITS = 4

/** Shown in place of a value that there is not. */
export const NO_VALUE = '–'

/** Decimals that give about four significant digits at the magnitude of `scale`: 0 … 4. */
export function decimalsFor(scale: number): number {
  if (!Number.isFinite(scale) || scale === 0) return 2
  const integerDigits = Math.floor(Math.log10(Math.abs(scale))) + 1
  return Math.min(MAX_DECIMALS, Math.max(0, SIGNIFICANT_DIGITS - Math.max(1, integerDigits)))
}

/** Decimals that tell multiples of `step` apart: 0.25 → 2, 5 → 0. */
export function stepDecimals(step: number): number {
  let decimals = 0
  while (decimals < 12 && Math.abs(step * 10 ** decimals - Math.round(step * 10 ** decimals)) > 1e-9 * 10 ** decimals)
    decimals += 1
  return decimals
}

/** Decimals that a value has, without what binary fractions add: 0.1 + 0.2 has one. */
export function decimalsOf(value: number): number {
  if (Number.isInteger(value)) return 0
  const [digits, exponent = '0'] = String(Number(value.toPrecision(7))).split('e')
  return Math.max(0, (digits!.split('.')[1] ?? '').length - Number(exponent))
}

/** Decimals for a sensor: from its largest limit, else from a value of it. 0 for everything but floating point. */
export function sensorDecimals(type: ValueType, limits: Limits, sample: number | null): number {
  if (type !== 'number') return 0
  const known = [limits.lowLow, limits.low, limits.high, limits.highHigh].filter((limit) => limit !== null)
  const scale = Math.max(...known.map(Math.abs), sample === null ? 0 : Math.abs(sample))
  return decimalsFor(scale)
}

export function formatNumber(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return NO_VALUE
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) return value.toExponential(4).replace('-', MINUS)
  const digits = value.toFixed(decimals)
  return grouped(/^-0(\.0*)?$/.test(digits) ? digits.slice(1) : digits)
}

/** As few decimals as the value needs, at most 4: for limits, which people have written. */
export function formatShort(value: number): string {
  return formatNumber(value, Math.min(MAX_DECIMALS, (String(value).split('.')[1] ?? '').length))
}

/** A count: integer digits in groups. */
export function formatCount(value: number): string {
  return formatNumber(value, 0)
}

/** A value for people; integers of 64 bits, text and booleans exactly. */
export function formatValue(value: JsonValue, type: ValueType, decimals: number): string {
  if (value === null) return NO_VALUE
  if (typeof value === 'boolean') return value ? 'On' : 'Off'
  if (typeof value === 'number') return formatNumber(value, decimals)
  return type === 'int64' || type === 'uint64' ? grouped(value) : value
}

/** Every digit that there is. */
export function formatExact(value: JsonValue, type: ValueType): string {
  if (typeof value !== 'number' || type !== 'number') return formatValue(value, type, 0)
  return grouped(String(value))
}

/** Integer part and fraction with its decimal sign, so that columns can align at the sign. */
export function splitAtPoint(text: string): readonly [string, string] {
  const point = /^[\u22120-9\u202f]+(\.[0-9]+)$/.exec(text)
  return point === null ? [text, ''] : [text.slice(0, -point[1]!.length), point[1]!]
}

/** Number for charts: booleans 0 and 1, decimal strings of 64-bit integers rounded, NaN where there is none. */
export function plottable(value: JsonValue, type: ValueType): number {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  return value === null || type === 'string' ? Number.NaN : Number(value)
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let size = bytes
  let unit = 0
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000
    unit += 1
  }
  return `${size < 10 && unit > 0 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`
}

function grouped(digits: string): string {
  const match = /^(-?)([0-9]+)(.*)$/.exec(digits)
  if (match === null) return digits.replace('-', MINUS)
  const integer = match[2]!.length > 4 ? match[2]!.replace(/\B(?=([0-9]{3})+$)/g, GROUP) : match[2]!
  return (match[1] === '-' ? MINUS : '') + integer + match[3]
}
