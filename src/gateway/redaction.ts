// Takes the secrets out of what leaves the house: out of a configuration by position, and out of any text by value. Rather too
// much than too little: where it is not sure, it redacts.

import { isAlias, isMap, isScalar, isSeq, parseDocument, visit, type Scalar } from 'yaml'
import type { TObject } from 'typebox'
import type { Catalogue } from '#config/catalogue.ts'
import { parseCsv } from '#config/csv.ts'
import { Problems } from '#config/problems.ts'

export const REDACTED = '[redacted]'

/** Names of keys whose values are secrets, whatever a schema says: drivers of third parties, keys of later versions. */
const SECRET_NAME = /pass|secret|token|credential|authori[sz]ation|cookie|api[-_]?key|private[-_]?key|pin$|pwd/i
/** Only references to the environment or to files: they tell where the secret is, not what it is. */
const REFERENCES_ONLY = /^(?:\$\{[^}]*\})+$/
/** Up to the last @ before the path: a password may hold one. */
const URL_CREDENTIALS = /\b([a-z][a-z0-9+.-]*:\/\/)([^/\s"]*)@/gi
const URL_QUERY = /\b([a-z][a-z0-9+.-]*:\/\/[^\s"?]*)\?[^\s"#]*/gi
const BEARER = /\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]+/gi
/** Shorter values would be found in words that are none of them. */
const MIN_SECRET_LENGTH = 4

export interface RedactedConfig {
  /** YAML without comments; null when the text is none and so cannot be redacted. */
  readonly text: string | null
  /** What was taken out, longest first. */
  readonly secrets: readonly string[]
}

/** Keys that a schema of the catalogue marks as secret. */
export function secretKeys(schemas: readonly TObject[]): ReadonlySet<string> {
  const keys = new Set<string>()
  const seen = new Set<object>()
  const look = (schema: unknown): void => {
    if (typeof schema !== 'object' || schema === null || seen.has(schema)) return
    seen.add(schema)
    if (Array.isArray(schema)) return schema.forEach(look)
    for (const [word, part] of Object.entries(schema)) {
      if (word === 'properties' && typeof part === 'object' && part !== null) {
        for (const [key, property] of Object.entries(part)) if (isSecret(property)) keys.add(key)
      }
      look(part)
    }
  }
  schemas.forEach(look)
  return keys
}

/** The schemas of a catalogue's drivers and uplinks. */
export function schemasOf({ drivers, uplinks }: Catalogue): readonly TObject[] {
  const ofDrivers = [...drivers.values()].flatMap(({ deviceSchema, sensorSchema }) => [deviceSchema, sensorSchema])
  return [...ofDrivers, ...[...uplinks.values()].map(({ schema }) => schema)]
}

/** A configuration without its secrets. `keys`: names whose values are secrets, beside those that sound like it. */
export function redactConfig(text: string, keys: ReadonlySet<string>): RedactedConfig {
  const document = parseDocument(text, { logLevel: 'silent', uniqueKeys: false, resolveKnownTags: false })
  if (document.errors.length > 0) return { text: null, secrets: [] }
  const secrets = new Set<string>()
  const redactAll = (node: unknown): void => {
    if (isScalar(node)) return redactScalar(node, secrets)
    if (isSeq(node)) for (const element of node.items) redactAll(element)
    if (isMap(node)) for (const pair of node.items) redactAll(pair.value)
    // What an alias stands for is redacted where a secret key leads to it, so also where the anchor is.
    if (isAlias(node)) redactAll(node.resolve(document))
  }
  visit(document, {
    Node: (_key, node) => {
      delete node.comment
      delete node.commentBefore
      if (isScalar(node) && typeof node.value === 'string') stripUrl(node, secrets)
    },
    Pair: (_key, { key, value }) => {
      const name = isScalar(key) ? String(key.value) : ''
      if (SECRET_NAME.test(name) || (keys.has(name) && !isUrl(value))) redactAll(value)
    },
  })
  document.comment = null
  document.commentBefore = null
  return { text: document.toString({ lineWidth: 0 }), secrets: sorted(secrets) }
}

/** A CSV file of sensors without the columns whose names say that they are secret. */
export function redactTable(text: string, keys: ReadonlySet<string>): string {
  const [header = [], ...rows] = parseCsv(text.replace(/^\uFEFF/, ''), '', new Problems())
  const names = header.map((cell) => cell.text)
  const isSecretAt = names.map((name) => name.split('.').some((part) => SECRET_NAME.test(part) || keys.has(part)))
  const lines = rows.map((row) => row.map((cell, at) => (isSecretAt[at] && cell.text !== '' ? REDACTED : cell.text)))
  return [names, ...lines].map((cells) => `${cells.map(quoted).join(',')}\n`).join('')
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}

/** `text` without the values of `secrets`, plain, as JSON writes them and as hexadecimal digits, and without credentials in URLs. */
export function redactText(text: string, secrets: readonly string[]): string {
  let redacted = text
  for (const secret of secrets) {
    const hex = Buffer.from(secret).toString('hex')
    for (const form of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), hex]) {
      redacted = redacted.replaceAll(form, REDACTED)
    }
  }
  return redacted.replace(URL_CREDENTIALS, `$1${REDACTED}@`).replace(BEARER, `$1 ${REDACTED}`)
}

/** Values that are long enough to be looked for, longest first: one may contain another. */
export function sorted(secrets: Iterable<string>): readonly string[] {
  return [...new Set(secrets)]
    .filter((secret) => secret.length >= MIN_SECRET_LENGTH)
    .toSorted((a, b) => b.length - a.length)
}

function redactScalar(node: Scalar, secrets: Set<string>): void {
  const { value: given } = node
  if (typeof given !== 'string' && typeof given !== 'number' && typeof given !== 'bigint') return
  const value = String(given)
  if (value === REDACTED || REFERENCES_ONLY.test(value)) return
  secrets.add(value).add(node.source ?? value) // of a number, the digits as they were written
  node.value = REDACTED
  delete node.source
  node.type = 'PLAIN'
}

/** Credentials and queries of a URL; the address itself says what a reader must know. */
function stripUrl(node: Scalar, secrets: Set<string>): void {
  const text = String(node.value)
  const stripped = text.replace(URL_CREDENTIALS, `$1${REDACTED}@`).replace(URL_QUERY, `$1?${REDACTED}`)
  if (stripped === text) return
  for (const [, , credentials = ''] of text.matchAll(URL_CREDENTIALS)) {
    const colon = credentials.indexOf(':')
    const password = credentials.slice(colon + 1) // without a name, the whole is the secret
    if (!REFERENCES_ONLY.test(password)) secrets.add(password).add(decoded(password))
  }
  for (const [, value = ''] of text.matchAll(/[?&][^=&#\s]*(?:pass|secret|token|key|auth|sig)[^=&#\s]*=([^&#\s]*)/gi)) {
    if (!REFERENCES_ONLY.test(value)) secrets.add(value).add(decoded(value))
  }
  node.value = stripped
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function isUrl(node: unknown): boolean {
  return isScalar(node) && typeof node.value === 'string' && /^[a-z][a-z0-9+.-]*:\/\//i.test(node.value)
}

function isSecret(schema: unknown): boolean {
  return typeof schema === 'object' && schema !== null && 'secret' in schema && schema.secret === true
}
