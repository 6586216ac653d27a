// The secrets of a gateway for those who may change its configuration: what is stored, what reads it, and deleting what nothing
// reads any more.

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SecretStore } from '#config/secret-store.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { SecretDesk } from '#domain/secrets.ts'
import { REVISION_FILE, REVISIONS_FOLDER } from './data-files.ts'
import { scalarsOf } from './masked-text.ts'

export interface SecretDeskOptions {
  readonly store: SecretStore
  /** Of the revisions. */
  readonly dataDir: string
  /** The configuration in force, and the file where that is another. */
  readonly texts: () => readonly string[]
  /** Runs something while no configuration is applied. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>
}

const SHOWN_REVISIONS = 5

export function secretDesk({ store, dataDir, texts, inTurn }: SecretDeskOptions): SecretDesk {
  return {
    list: async () => {
      const uses = secretUses(texts())
      return (await store.list()).map((secret) => ({ ...secret, usedBy: uses.get(secret.name) ?? [] }))
    },
    put: (name, value) => store.put(name, value),
    remove: (name, isForced) =>
      inTurn(async () => {
        const usedBy = secretUses(texts()).get(name) ?? []
        if (usedBy.length > 0)
          throw new TelemetryError('CONFLICT', `The secret ${name} is in use: ${usedBy.join(', ')}`)
        const isThere = (await store.list()).some((secret) => secret.name === name)
        const revisions = isForced || !isThere ? [] : await revisionsWith(name, dataDir)
        if (revisions.length > 0) {
          const numbers = revisions.slice(0, SHOWN_REVISIONS).join(', ')
          const more = revisions.length > SHOWN_REVISIONS ? ', …' : ''
          const message = `The secret ${name} is needed to go back to revision ${numbers}${more}; it can be deleted by force`
          throw new TelemetryError('CONFLICT', message)
        }
        await store.remove(name)
      }),
  }
}

/** Keys that read each secret: `devices.press-1.connection.password`, each once. */
export function secretUses(texts: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const uses = new Map<string, Set<string>>()
  // Only entries that name a secret are parsed: the whole text of a large plant takes seconds, in which no device is polled.
  const entries = [...new Set(texts)].flatMap(entriesOf).filter((entry) => entry.includes('${secret:'))
  for (const entry of entries) {
    const scalars = scalarsOf(entry, new Set())
    const values = scalars.map(({ node, path }) => ({ value: String(node.value), key: path.replaceAll('/', '.') }))
    // An entry that cannot be read by itself is told as a whole.
    if (scalars.length === 0) values.push({ value: entry, key: entry.split(':', 1)[0]!.trim() })
    for (const { value, key } of values)
      for (const name of secretsNamedIn(value)) uses.set(name, (uses.get(name) ?? new Set()).add(key))
  }
  return new Map([...uses].map(([name, keys]) => [name, [...keys]]))
}

/** The text without its comments, cut at its top-level keys and at the entries of their lists, each with the line of its key before it. */
function entriesOf(text: string): readonly string[] {
  const entries: string[] = []
  let [key, entry] = ['', '']
  /** Of the dashes of the key's list; null: it has none, undefined: nobody knows yet. */
  let indent: number | null | undefined = null
  for (const line of text.split('\n')) {
    if (/^\s*(?:#|$)/.test(line)) continue
    const dash = /^( *)- /.exec(line)?.[1]?.length ?? null
    const isKey = /^[^\s-]/.test(line)
    if (!isKey && indent === undefined) indent = dash
    const isEntry = !isKey && indent !== null && dash === indent
    if (isKey || isEntry) entries.push(entry)
    if (isKey) [key, indent, entry] = [line, undefined, line]
    else entry = isEntry ? `${key}\n${line}` : `${entry}\n${line}`
  }
  return [...entries, entry]
}

/** Names in `${secret:NAME}`; `$${` stands for the characters themselves. */
function secretsNamedIn(value: string): readonly string[] {
  return [...value.matchAll(/\$\$\{|\$\{secret:([^}]*)\}/g)].flatMap(([, name]) => (name === undefined ? [] : [name]))
}

/** Numbers of the kept revisions whose text names the secret, the newest first. Throws STORE_IO. */
async function revisionsWith(name: string, dataDir: string): Promise<readonly number[]> {
  const folder = join(dataDir, REVISIONS_FOLDER)
  const found: number[] = []
  try {
    for (const file of await readdir(folder).catch(emptyWhenMissing)) {
      const number = REVISION_FILE.exec(file)?.[1]
      // As it stands in the JSON of a revision.
      if (number !== undefined && (await readFile(join(folder, file), 'utf8')).includes(`\${secret:${name}}`))
        found.push(Number(number))
    }
  } catch (error) {
    throw new TelemetryError('STORE_IO', 'The revisions of the configuration cannot be read', { cause: error })
  }
  return found.toSorted((a, b) => b - a)
}

function emptyWhenMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return []
  throw error
}
