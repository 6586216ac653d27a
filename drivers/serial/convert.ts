// Fields → values of a sensor's type, and values → the text of a write. Pure. What is not plainly a value is bad: a scale
// that shows dashes has no weight.

import { Status, type StatusCode } from '#domain/quality.ts'
import { MAX_TEXT_BYTES, type Value, type ValueType } from '#domain/value.ts'
import type { RawField } from './raw-field.ts'
import type { SerialSensorConfig } from './schema.ts'

export type Converted =
  | { readonly value: Value; readonly status: StatusCode }
  | { readonly value: null; readonly status: StatusCode }

const UNREADABLE: Converted = { value: null, status: Status.BadDecodingError }
const TRUE_WORDS = new Set(['1', 'true', 'on', 'yes'])
const FALSE_WORDS = new Set(['0', 'false', 'off', 'no'])
/** Some scales put spaces between the sign and the digits. */
const NUMBER = /^([-+]?) *([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$/

export function serialValueType({
  type = 'number',
}: SerialSensorConfig): Extract<ValueType, 'number' | 'string' | 'boolean'> {
  return type
}

/** `decimal` is the decimal point in use. */
export function convertField(raw: RawField, sensor: SerialSensorConfig, decimal: '.' | ','): Converted {
  if (raw === undefined || raw === null || raw === '') return { value: null, status: Status.BadNoData }
  const mapped = sensor.map === undefined ? raw : mappedValue(String(raw).trim(), sensor.map)
  if (mapped === undefined) return UNREADABLE
  switch (serialValueType(sensor)) {
    case 'number':
      return numberOf(mapped, sensor.map === undefined ? decimal : '.')
    case 'boolean':
      return booleanOf(mapped)
    case 'string':
      return textOf(String(mapped))
  }
}

function mappedValue(text: string, map: NonNullable<SerialSensorConfig['map']>): string | number | boolean | undefined {
  return Object.hasOwn(map, text) ? map[text] : undefined
}

function numberOf(raw: string | number | boolean, decimal: '.' | ','): Converted {
  if (typeof raw === 'boolean') return UNREADABLE
  const value = typeof raw === 'number' ? raw : parsedNumber(raw, decimal)
  if (value === null) return UNREADABLE
  return Number.isFinite(value) ? { value, status: Status.Good } : { value: null, status: Status.BadOutOfRange }
}

function parsedNumber(text: string, decimal: '.' | ','): number | null {
  const plain = decimal === ',' ? commaToPoint(text) : text
  const match = plain === null ? null : NUMBER.exec(plain.trim())
  return match === null ? null : Number(`${match[1]}${match[2]}${match[3] ?? ''}`)
}

/** null when there is a point: 1.234,5 is not guessed at. */
function commaToPoint(text: string): string | null {
  return text.includes('.') ? null : text.replace(',', '.')
}

function booleanOf(raw: string | number | boolean): Converted {
  const word = String(raw).trim().toLowerCase()
  if (TRUE_WORDS.has(word)) return { value: true, status: Status.Good }
  return FALSE_WORDS.has(word) ? { value: false, status: Status.Good } : UNREADABLE
}

function textOf(text: string): Converted {
  if (Buffer.byteLength(text) <= MAX_TEXT_BYTES) return { value: text, status: Status.Good }
  const cut = Buffer.from(text)
    .subarray(0, MAX_TEXT_BYTES)
    .toString('utf8')
    .replace(/\ufffd+$/, '')
  return { value: cut, status: Status.UncertainSensorNotAccurate }
}

/**
 * Text that stands for a value in a write; null when there is none: not in the map, no plain decimal number, or a text with
 * control characters, which could smuggle in another command.
 */
export function writtenText(value: Value, sensor: SerialSensorConfig, decimal: '.' | ','): string | null {
  if (sensor.map !== undefined) {
    const entry = Object.entries(sensor.map).find(([, mapped]) => mapped === value || String(mapped) === String(value))
    return entry?.[0] ?? null
  }
  if (typeof value === 'boolean') return value ? '1' : '0'
  const text = String(value)
  if (typeof value === 'string') return /^[\x20-\x7e]*$/.test(text) ? text : null
  return /^-?[0-9]+(?:\.[0-9]+)?$/.test(text) ? text.replace('.', decimal) : null
}
