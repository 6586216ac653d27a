// Literal secrets of a configuration that somebody types: where they stand, and the same text with a reference in place of each.

import { LineCounter } from 'yaml'
import { printable } from '#config/problems.ts'
import type { TextProblem } from '#domain/configuration.ts'
import { MASK, mayHoldSecrets, rangeOf, secretsOf } from './masked-text.ts'

const URL_START = /^[a-z][a-z0-9+.-]*:\/\//i
/** Say nothing about whose secret it is. */
const NAMELESS = new Set(['devices', 'uplinks', 'connection', 'user', 'users'])
const MAX_NAME = 64

export interface LiteralSecret {
  /** For the store: `press-1-password`. */
  readonly wantedName: string
  readonly value: string
  readonly start: number
  readonly end: number
}

/**
 * Secrets of the text that can be kept elsewhere, in its order: not what is masked, which stays where it is, nor what is partly
 * a reference, nor a password within a URL. `keys`: names whose values are secrets.
 */
export function literalSecrets(text: string, keys: ReadonlySet<string>): readonly LiteralSecret[] {
  if (!mayHoldSecrets(text, keys)) return []
  return secretsOf(text, keys).flatMap(({ node, path }) => {
    const { value } = node
    if (typeof value !== 'string' || value === MASK || value.includes('${')) return []
    if (URL_START.test(value) || path.endsWith('/url')) return []
    const [start, end] = rangeOf(node)
    return [{ wantedName: nameFor(path), value, start, end: start + text.slice(start, end).trimEnd().length }]
  })
}

/** The text with a reference at each of the secrets. `names`: as they are stored, one for each. */
export function withReferences(text: string, secrets: readonly LiteralSecret[], names: readonly string[]): string {
  let lifted = text
  for (const [index, { start, end }] of [...secrets.entries()].toReversed())
    lifted = `${lifted.slice(0, start)}"${referenceTo(names[index]!)}"${lifted.slice(end)}`
  return lifted
}

export function referenceTo(name: string): string {
  return `\${secret:${name}}`
}

/** What `check` says of each secret that is written out. */
export function literalSecretWarnings(text: string, file: string, keys: ReadonlySet<string>): readonly TextProblem[] {
  const lines = new LineCounter()
  return secretsOf(text, keys, lines).map(({ node, path }) => {
    const { line, col: column } = lines.linePos(rangeOf(node)[0])
    const name = nameFor(path).replace(/-url$/, '-password')
    const place = typeof node.value === 'string' && URL_START.test(node.value) ? 'in place of the password' : 'here'
    const advice = `store it with "telemetryx secret set ${name}" and write \${secret:${name}} ${place}`
    const message = `warning: ${path.replaceAll('/', '.')}: whoever reads the file reads this secret; ${advice}`
    return { file, line, column, message: printable(message) }
  })
}

/** `devices/press-1/connection/user/password` → `press-1-password`. */
function nameFor(path: string): string {
  const parts = path.split('/').filter((part) => !NAMELESS.has(part))
  const name = parts.join('-').replace(/[^A-Za-z0-9_.-]+/g, '-')
  return (
    name
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(-MAX_NAME)
      .replace(/^[^A-Za-z0-9]+/, '') || 'secret'
  )
}
