// Values between JavaScript and PostgreSQL's text form, the same for a server and for PGlite.

/** Object ids of types (pg_type.dat). */
export const TypeId = { int8: 20, timestamptz: 1184, timestamptzArray: 1185, int8Array: 1016 } as const

/** An int8: a number, beyond ±(2^53 − 1) a bigint. */
export function parseInt8(text: string): number | bigint {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}

/** `2026-11-20 12:00:00.123+00` as Unix milliseconds; ±infinity for ±infinity. */
export function parseTime(text: string): number {
  if (text === 'infinity') return Number.POSITIVE_INFINITY
  if (text === '-infinity') return Number.NEGATIVE_INFINITY
  const iso = text
    .replace(' ', 'T')
    .replace(/([+-]\d{2})(?::?(\d{2}))?$/, (_, hours, minutes) => `${hours}:${minutes ?? '00'}`)
  return Date.parse(iso.replace(/(\.\d{3})\d+/, '$1'))
}

/** A parameter as it goes on the wire: text, or bytes in binary form. */
export function wireParameter(value: unknown): string | Uint8Array | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string' || value instanceof Uint8Array) return value
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) return arrayLiteral(value)
  throw new TypeError(`A ${typeof value} is no parameter of a statement`)
}

/** PostgreSQL §8.15.2: quoted, with backslashes before quotes and backslashes. */
function arrayLiteral(values: readonly unknown[]): string {
  const cells = values.map((value) => {
    const cell = wireParameter(value)
    if (cell === null) return 'NULL'
    if (typeof cell !== 'string') throw new TypeError('Bytes cannot stand in an array')
    return Array.isArray(value) ? cell : `"${cell.replace(/[\\"]/g, '\\$&')}"`
  })
  return `{${cells.join(',')}}`
}
