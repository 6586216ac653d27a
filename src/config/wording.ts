// What a schema expects and what was found, in plain words. Never shows a secret or a substituted value.

import { ID_PATTERN, idFromName } from '#domain/ids.ts'
import type { ConfigNode } from './config-node.ts'
import { DURATION_FORMAT, literalsOf, SIZE_FORMAT, type SchemaView } from './schema-view.ts'
import { suggestion } from './suggest.ts'

const MAX_SHOWN_LENGTH = 40

/** For example `a whole number from 1 to 65535`, `one of tcp, rtu`, `a duration such as 500ms, 1s or 5m`. */
export function expectedWords(schema: SchemaView): string {
  const literals = literalsOf(schema)
  if (literals) return literals.length === 1 ? JSON.stringify(literals[0]) : `one of ${literals.join(', ')}`
  if (schema.anyOf) return [...new Set(schema.anyOf.map(expectedWords))].join(' or ')
  switch (schema.type) {
    case undefined:
      return 'another value'
    case 'string':
      return textWords(schema)
    case 'number':
      return `a number${rangeWords(schema)}`
    case 'integer':
      return `a whole number${rangeWords(schema)}`
    case 'boolean':
      return 'true or false'
    case 'array':
      return `a list${countWords(schema)}`
    case 'object':
      return 'keys with values'
    case 'null':
      return 'no value'
    default:
      return 'another value'
  }
}

function textWords(schema: SchemaView): string {
  if (schema.format === DURATION_FORMAT) return 'a duration such as 500ms, 1s or 5m'
  if (schema.format === SIZE_FORMAT) return 'a size such as 512MiB or 8GiB'
  if (schema.pattern === ID_PATTERN) {
    return `an id (up to ${schema.maxLength ?? 64} lower-case letters, digits, "-" and "_", beginning with a letter or digit)`
  }
  if (schema.pattern !== undefined) {
    const examples = Array.isArray(schema.examples) ? schema.examples.map((example) => JSON.stringify(example)) : []
    if (examples.length > 0) return `text such as ${examples.join(' or ')}`
    return schema.description === undefined
      ? 'text of another form'
      : `text of the right form (${schema.description.replace(/\.$/, '')})`
  }
  const { minLength = 0, maxLength } = schema
  if (maxLength === undefined) return minLength > 0 ? 'text that is not empty' : 'text'
  return minLength > 0 ? `text of ${minLength} to ${maxLength} characters` : `text of at most ${maxLength} characters`
}

function rangeWords(schema: SchemaView): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`
  const limits: string[] = []
  if (minimum !== undefined) limits.push(`of at least ${minimum}`)
  if (exclusiveMinimum !== undefined) limits.push(`greater than ${exclusiveMinimum}`)
  if (maximum !== undefined) limits.push(`of at most ${maximum}`)
  if (exclusiveMaximum !== undefined) limits.push(`less than ${exclusiveMaximum}`)
  return limits.length === 0 ? '' : ` ${limits.join(' and ')}`
}

function countWords(schema: SchemaView): string {
  const { minItems, maxItems } = schema
  if (minItems !== undefined && maxItems !== undefined) return ` of ${minItems} to ${maxItems} entries`
  if (minItems !== undefined) return ` of at least ${minItems} ${minItems === 1 ? 'entry' : 'entries'}`
  return maxItems === undefined ? '' : ` of at most ${maxItems} entries`
}

/** For example `the text "abc"`, `the number 5`, `a list`. */
export function foundWords(node: ConfigNode, schema: SchemaView): string {
  if (node.kind === 'list') return 'a list'
  if (node.kind === 'map') return 'keys with values'
  const { value } = node
  if (value === null) return 'no value'
  if (schema.secret) return 'another value'
  if (node.origin === 'untyped' || typeof value === 'boolean') return shown(value)
  return `the ${typeof value === 'string' ? 'text' : 'number'} ${shown(value)}`
}

function shown(value: string | number | boolean): string {
  if (typeof value !== 'string') return String(value)
  const short = value.length > MAX_SHOWN_LENGTH ? `${value.slice(0, MAX_SHOWN_LENGTH)}…` : value
  return JSON.stringify(short)
}

/** The whole sentence about a value that does not fit. */
export function mismatchWords(node: ConfigNode, schema: SchemaView): string {
  const expected = expectedWords(schema)
  if (node.kind === 'scalar' && node.origin === 'substituted') {
    return `the value of ${node.references.join(' and ')} does not fit; expected ${expected}`
  }
  return `expected ${expected}, found ${foundWords(node, schema)}${hintWords(node, schema)}`
}

/** `; did you mean …` or `; write …` where a usual slip is recognised. */
function hintWords(node: ConfigNode, schema: SchemaView): string {
  if (node.kind === 'map' && schema.type === 'array') return '; begin each entry with "- "'
  if (node.kind !== 'scalar' || schema.secret) return ''
  if (node.value === null) return schema.type === 'array' ? '; write [] for an empty list' : ''
  return typeof node.value === 'string' ? textHint(node.value, schema) : numberHint(node.value, schema)
}

function textHint(text: string, schema: SchemaView): string {
  const literals = literalsOf(schema)
  if (literals)
    return suggestion(
      text,
      literals.filter((literal) => typeof literal === 'string'),
      (literal) => literal,
    )
  if (schema.type === 'boolean') {
    if (/^(yes|on|y)$/i.test(text)) return '; did you mean true?'
    return /^(no|off|n)$/i.test(text) ? '; did you mean false?' : ''
  }
  if (schema.type === 'number' && /^-?[0-9]+,[0-9]+$/.test(text)) return `; write ${text.replace(',', '.')}`
  if (schema.format === DURATION_FORMAT) return durationHint(text)
  if (schema.format === SIZE_FORMAT) return sizeHint(text)
  if (schema.pattern !== ID_PATTERN) return ''
  const id = idFromName(text)
  return id === 'unnamed' || id === text ? '' : `; did you mean ${id}?`
}

function numberHint(value: number | boolean, schema: SchemaView): string {
  if (schema.format === DURATION_FORMAT)
    return typeof value === 'number' && value > 0 ? `; give it a unit: ${value}ms or ${value}s?` : ''
  if (schema.format === SIZE_FORMAT)
    return typeof value === 'number' && value > 0 ? `; give it a unit: ${value}MiB?` : ''
  return schema.type === 'string' ? `; put it in quotes if it is meant as text: "${value}"` : ''
}

const DURATION_WORDS = new Map(
  Object.entries({
    ms: ['msec', 'msecs', 'millis', 'millisecond', 'milliseconds'],
    s: ['sec', 'secs', 'second', 'seconds'],
    m: ['min', 'mins', 'minute', 'minutes'],
    h: ['hr', 'hrs', 'hour', 'hours'],
    d: ['day', 'days'],
    w: ['week', 'weeks'],
    y: ['yr', 'year', 'years'],
  }).flatMap(([unit, words]) => [unit, ...words].map((word) => [word, unit] as const)),
)

function durationHint(text: string): string {
  const match = /^([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)$/i.exec(text.trim())
  const unit = DURATION_WORDS.get(match?.[2]?.toLowerCase() ?? '')
  return match && unit !== undefined ? `; did you mean ${match[1]}${unit}?` : ''
}

function sizeHint(text: string): string {
  const match = /^([0-9]+(?:\.[0-9]+)?)\s*([kmgt])i?b?$/i.exec(text.trim())
  return match?.[2] === undefined ? '' : `; did you mean ${match[1]}${match[2].toUpperCase()}iB?`
}

/** Messages follow a colon; an abbreviation keeps its capitals. */
export function withSmallInitial(message: string): string {
  return /^[A-Z][a-z ]/.test(message) ? message.charAt(0).toLowerCase() + message.slice(1) : message
}
