// A configuration as it may be read: secrets that are written out are masked, references stay. What is masked is put back where
// it was when the text comes in again, so that somebody may edit a configuration without ever seeing its secrets.

import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Scalar } from 'yaml'
import type { TextProblem } from '#domain/configuration.ts'

export const MASK = '********'

/** Keys whose values are secrets also where no schema says so: drivers of third parties. */
const SECRET_NAME = /pass|secret|token|private[-_]?key/i
const CREDENTIALS = /:\/\/[^/@\s"']*:[^/@\s"']+@/
const REFERENCES_ONLY = /^(?:\$\{[^}]*\})+$/
const ADDRESS = /^[a-z][a-z0-9+.-]*:\/\//i
/** As gRPC writes it: `brain.example:50051`. */
const HOST_AND_PORT = /^(?:[a-z0-9.-]+|\[[0-9a-f:.]+\]):\d{1,5}$/i

/** A value that may be a secret: where it stands in the text, and its way there by names (`uplinks/hq/password`). */
export interface Found {
  readonly path: string
  readonly node: Scalar
  readonly isSecret: boolean
  readonly isFlow: boolean
}

/** The text with every literal secret masked. `keys`: names whose values are secrets. A text that is no YAML stays as it is. */
export function maskSecrets(text: string, keys: ReadonlySet<string>): string {
  if (!mayHoldSecrets(text, keys)) return text
  let masked = text
  for (const { node } of secretsOf(text, keys).toReversed()) {
    const [start, end] = rangeOf(node)
    const raw = text.slice(start, end)
    masked = `${masked.slice(0, start)}"${MASK}"${raw.endsWith('\n') ? '\n' : ''}${masked.slice(end)}`
  }
  return masked
}

export type Unmasked =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problems: readonly TextProblem[] }

/** The text with every mask replaced by the secret that stands at the same place in `present`. `file` names it in messages. */
export function unmaskSecrets(
  text: string,
  present: string,
  { keys, file }: { readonly keys: ReadonlySet<string>; readonly file: string },
): Unmasked {
  if (!text.includes(MASK)) return { ok: true, text }
  const known = new Map(secretsOf(present, keys).map((found) => [found.path, found]))
  const lines = new LineCounter()
  const problems: TextProblem[] = []
  let unmasked = text
  for (const { node, path, isFlow } of scalarsOf(text, keys, lines).toReversed()) {
    if (node.value !== MASK) continue
    const [start, end] = rangeOf(node)
    const secret = known.get(path)
    if (secret) unmasked = unmasked.slice(0, start) + sourceOf(secret, present, isFlow) + unmasked.slice(end)
    else {
      const { line, col: column } = lines.linePos(start)
      const message = `${path.replaceAll('/', '.')}: there is no secret to keep here; write it anew, or better as a reference`
      problems.unshift({ file, line, column, message })
    }
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, text: unmasked }
}

/** Most configurations hold references only: they need not be parsed for it, which takes seconds for a large plant. */
export function mayHoldSecrets(text: string, keys: ReadonlySet<string>): boolean {
  if (CREDENTIALS.test(text) || /[&*]\w/.test(text)) return true
  for (const [, name = '', value = ''] of text.matchAll(/([\w-]+)["']?\s*:(?=[ \t]*([^\r\n]{0,200}))/g)) {
    if (isSecretName(name, keys) && !/^["']?(?:\$\{[^}]*\})+["']?\s*(?:[,}#]|$)/.test(value)) return true
  }
  return false
}

function isSecretName(name: string, keys: ReadonlySet<string>): boolean {
  return keys.has(name) || SECRET_NAME.test(name)
}

/** Literal secrets, in the order of the text. A text that is no YAML has none. */
export function secretsOf(text: string, keys: ReadonlySet<string>, lines = new LineCounter()): Found[] {
  return scalarsOf(text, keys, lines).filter(({ isSecret }) => isSecret)
}

/** Every scalar that is a value, in the order of the text. */
export function scalarsOf(text: string, keys: ReadonlySet<string>, lineCounter = new LineCounter()): Found[] {
  const document = parseDocument(text, { lineCounter, logLevel: 'silent', uniqueKeys: false, resolveKnownTags: false })
  if (document.errors.length > 0) return []
  const found = new Map<Scalar, Found>()
  const walk = (node: unknown, path: string, place: { isSecret: boolean; isFlow: boolean }): void => {
    if (isAlias(node)) {
      const target = node.resolve(document)
      const known = isScalar(target) ? found.get(target) : undefined
      if (known && place.isSecret) found.set(known.node, { ...known, isSecret: isLiteral(known.node, true) })
    } else if (isScalar(node)) found.set(node, { path, node, ...place, isSecret: isLiteral(node, place.isSecret) })
    else if (isSeq(node)) {
      const isFlow = place.isFlow || node.flow === true
      for (const [index, item] of node.items.entries())
        walk(item, `${path}/${nameOf(item, index)}`, { ...place, isFlow })
    } else if (isMap(node)) {
      const isFlow = place.isFlow || node.flow === true
      for (const { key, value } of node.items) {
        const name = isScalar(key) ? String(key.value) : ''
        walk(value, path === '' ? name : `${path}/${name}`, {
          isSecret: place.isSecret || (isSecretName(name, keys) && !isAddress(name, value)),
          isFlow,
        })
      }
    }
  }
  walk(document.contents, '', { isSecret: false, isFlow: false })
  return [...found.values()].toSorted((a, b) => rangeOf(a.node)[0] - rangeOf(b.node)[0])
}

function isAddress(name: string, node: unknown): boolean {
  if (!isScalar(node) || typeof node.value !== 'string') return false
  return ADDRESS.test(node.value) || (name === 'url' && (HOST_AND_PORT.test(node.value) || node.value.includes('${')))
}

/** Something to hide: not nothing, no reference. */
function isLiteral({ value }: Scalar, isSecret: boolean): boolean {
  if (value === null || value === '' || typeof value === 'boolean') return false
  if (typeof value !== 'string') return isSecret
  if (isSecret) return !REFERENCES_ONLY.test(value)
  return CREDENTIALS.test(value) && !value.includes('${')
}

/** An entry of a list by its id, name or type; by its place when it has none. */
function nameOf(node: unknown, index: number): string {
  if (!isMap(node)) return String(index)
  for (const key of ['id', 'name', 'type']) {
    const value: unknown = node.get(key)
    if (typeof value === 'string') return value
  }
  return String(index)
}

function sourceOf({ node, isFlow }: Found, text: string, intoFlow: boolean): string {
  const raw = text.slice(...rangeOf(node)).replace(/\r?\n$/, '')
  // What is plain or folded in one place may mean something else in another.
  return isFlow === intoFlow ? raw : JSON.stringify(typeof node.value === 'string' ? node.value : raw)
}

/** First character of the value, and the one behind its last; a block text ends with its line break. */
export function rangeOf({ range }: Scalar): [start: number, end: number] {
  return range ? [range[0], range[1]] : [0, 0]
}
