// What a person typed → the value to write; or what is wrong with it. 64-bit integers keep every digit.

import type { JsonValue, ValueType } from '../client/wire.ts'

export type Parsed = { readonly ok: true; readonly value: JsonValue } | { readonly ok: false; readonly problem: string }

const INT64 = { low: -(2n ** 63n), high: 2n ** 63n - 1n }
const UINT64 = { low: 0n, high: 2n ** 64n - 1n }

export function parseValue(text: string, type: ValueType): Parsed {
  const trimmed = text.trim()
  switch (type) {
    case 'number':
      return parseNumber(trimmed)
    case 'boolean':
      if (trimmed !== 'true' && trimmed !== 'false') return wrong('Choose on or off.')
      return { ok: true, value: trimmed === 'true' }
    case 'int64':
      return parseInteger(trimmed, INT64)
    case 'uint64':
      return parseInteger(trimmed, UINT64)
    case 'string':
      return { ok: true, value: text }
  }
}

function parseNumber(text: string): Parsed {
  if (/^[-+]?[0-9]+,[0-9]+$/.test(text)) return wrong('Write the decimal sign as a point: 12.5')
  if (!/^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?$/i.test(text)) return wrong('Write a number, for example 12.5')
  const value = Number(text)
  return Number.isFinite(value) ? { ok: true, value } : wrong('This number is too large.')
}

function parseInteger(text: string, { low, high }: { readonly low: bigint; readonly high: bigint }): Parsed {
  if (!/^[-+]?[0-9]+$/.test(text)) return wrong('Write a whole number.')
  const value = BigInt(text.replace(/^\+/, ''))
  if (value < low || value > high) return wrong(`Write a whole number from ${low} to ${high}.`)
  const isSafe = value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
  return { ok: true, value: isSafe ? Number(value) : value.toString() }
}

function wrong(problem: string): Parsed {
  return { ok: false, problem }
}
