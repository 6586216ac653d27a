// The text of a frame → fields, as the configuration says. Pure; what cannot be parsed is told apart, never thrown.

import { parseCsvLine } from './csv.ts'
import { jsonPath, valueAtPath } from './json-fields.ts'
import { Pattern, PatternTooSlow } from './pattern.ts'
import type { RawField } from './raw-field.ts'
import type { ParseConfig } from './schema.ts'

export type Fields = (field: string | number) => RawField

export type Parsed =
  | { readonly kind: 'fields'; readonly fields: Fields }
  /** Matches `ignore`. */
  | { readonly kind: 'ignored' }
  | { readonly kind: 'unreadable'; readonly reason: 'no-match' | 'not-text' | 'pattern-too-slow' }

export type Parser = (body: Uint8Array) => Parsed

const NO_MATCH: Parsed = { kind: 'unreadable', reason: 'no-match' }
const NOT_TEXT: Parsed = { kind: 'unreadable', reason: 'not-text' }
const TOO_SLOW: Parsed = { kind: 'unreadable', reason: 'pattern-too-slow' }
const IGNORED: Parsed = { kind: 'ignored' }

/** For configurations that `problems` finds no fault with. */
export function createParser(config: ParseConfig): Parser {
  const { encoding = config.type === 'json' ? 'utf8' : 'latin1', ignore } = config
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const ignored = ignore === undefined ? null : new Pattern(ignore)
  const parse = textParser(config)
  return (body) => {
    try {
      const text = encoding === 'utf8' ? decoder.decode(body) : Buffer.from(body).toString('latin1')
      if (ignored?.matches(text) === true) return IGNORED
      const fields = parse(text)
      return fields === null ? NO_MATCH : { kind: 'fields', fields }
    } catch (error) {
      return error instanceof PatternTooSlow ? TOO_SLOW : NOT_TEXT
    }
  }
}

/** null when the text is none of its kind. */
function textParser(config: ParseConfig): (text: string) => Fields | null {
  if (config.pattern !== undefined) {
    const pattern = new Pattern(config.pattern)
    return (text) => {
      const groups = pattern.groups(text)
      return groups === null ? null : (field) => groups[field]
    }
  }
  if (config.type === 'json') return jsonFields
  const { separator = ',', columns } = config
  return (text) => {
    const cells = parseCsvLine(text, separator)
    if (cells === null) return null
    return (field) => cells[columns === undefined ? Number(field) - 1 : columns.indexOf(String(field))]
  }
}

function jsonFields(text: string): Fields | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  return (field) => {
    const path = jsonPath(String(field))
    return path === null ? undefined : valueAtPath(value, path)
  }
}
