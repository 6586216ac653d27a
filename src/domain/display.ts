// How numbers and units are written for people in messages. The dashboard, which knows the gateway by its interface only,
// has the same rules in src/ui/format: test/domain/display.test.ts holds both to them. Pure.

/** Thin space between groups of three digits: it cannot be taken for a decimal sign (ISO 80000-1 §7.3.1). */
const GROUP = '\u202f'
const MINUS = '\u2212'

/** Every unit that has a symbol other than its name. */
export const UNIT_SYMBOLS: Readonly<Record<string, string>> = {
  degC: '°C',
  degF: '°F',
  ohm: 'Ω',
  kohm: 'kΩ',
  percent: '%',
  m2: 'm²',
  m3: 'm³',
  'm3/h': 'm³/h',
  'm/s2': 'm/s²',
  'mm/s2': 'mm/s²',
  'l/min': 'L/min',
  um: 'µm',
  'uS/cm': 'µS/cm',
  'kg/m3': 'kg/m³',
  'kW/m3': 'kW/m³',
  'kWh/m3': 'kWh/m³',
  deg: '°',
  '1': '',
}

/** A configured unit as it is printed: `degC` → `°C`. Unknown ones stay as they are. */
export function unitSymbol(unit: string): string {
  return Object.hasOwn(UNIT_SYMBOLS, unit) ? UNIT_SYMBOLS[unit]! : unit
}

/** Digits in groups of three from five digits on, and a real minus. */
export function groupDigits(digits: string): string {
  const match = /^(-?)([0-9]+)(.*)$/.exec(digits)
  if (match === null) return digits.replace('-', MINUS)
  const integer = match[2]!.length > 4 ? match[2]!.replace(/\B(?=([0-9]{3})+$)/g, GROUP) : match[2]!
  return (match[1] === '-' ? MINUS : '') + integer + match[3]
}

/** A finite number with so many decimals; beyond 2^53 with an exponent. */
export function formatDecimals(value: number, decimals: number): string {
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) return value.toExponential(4).replace('-', MINUS)
  const digits = value.toFixed(decimals)
  return groupDigits(/^-0(\.0*)?$/.test(digits) ? digits.slice(1) : digits)
}

/** How long: `4 s`, `3 min`, `2 h 5 min`, `3 d`. Negative durations are 0. */
export function formatSpan(ms: number): string {
  if (!Number.isFinite(ms)) return 'an unknown time'
  const seconds = Math.floor(Math.max(0, ms) / 1000)
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  const days = Math.floor(hours / 24)
  if (minutes === 0) return `${seconds} s`
  if (hours === 0) return `${minutes} min`
  return days === 0 ? withRest([hours, 'h'], [minutes % 60, 'min']) : withRest([days, 'd'], [hours % 24, 'h'])
}

function withRest([whole, unit]: readonly [number, string], [rest, restUnit]: readonly [number, string]): string {
  return rest === 0 ? `${whole} ${unit}` : `${whole} ${unit} ${rest} ${restUnit}`
}
