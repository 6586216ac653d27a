// Loads a large library part by part, each in a turn of the event loop of its own, so that what else is due waits for one part and not
// for all: importing it at once would load the same files in one go.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

export interface LoadInTurnsOptions {
  /** Whether a package that another one depends on is to be loaded by itself, before it. */
  readonly isPart: (name: string) => boolean
  /** Called after each. */
  readonly onPart?: (name: string) => void
}

interface Manifest {
  readonly name?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, unknown>>
}

/** Imports what `name` depends on, in the order in which it would be, but not `name` itself; `from` is the URL of who would import it. */
export async function loadPartsOf(name: string, from: string, options: LoadInTurnsOptions): Promise<void> {
  await loadParts(name, from, options, new Set())
}

async function loadParts(name: string, from: string, options: LoadInTurnsOptions, seen: Set<string>): Promise<void> {
  const found = find(name, from)
  if (found === null) return
  const { file, manifest } = found
  for (const part of Object.keys(manifest.dependencies ?? {})
    .filter(options.isPart)
    .toSorted(polyfillFirst)) {
    if (seen.has(part)) continue
    seen.add(part)
    await loadParts(part, file, options, seen)
    const { file: entry, manifest: its } = find(part, file) ?? {}
    if (entry === undefined || isTwofold(its!)) continue
    await import(entry)
    options.onPart?.(part)
    await nextTurn()
  }
}

/** What others expect to be there when they are evaluated. */
function polyfillFirst(a: string, b: string): number {
  return Number(b === 'reflect-metadata') - Number(a === 'reflect-metadata')
}

/** True when it is another file for `require` than for `import`: either could be the one that is not used. */
function isTwofold({ exports }: Manifest): boolean {
  const entry = exports?.['.']
  return typeof entry === 'object' && entry !== null && 'import' in entry && 'require' in entry
}

/** The package's entry as a URL, and its manifest; null: it is not installed, or part of Node.js. */
function find(name: string, from: string): { file: string; manifest: Manifest } | null {
  try {
    const entry = createRequire(from).resolve(name)
    for (let folder = dirname(entry); folder !== dirname(folder); folder = dirname(folder)) {
      const manifest = manifestIn(folder)
      if (manifest?.name === name) return { file: pathToFileURL(entry).href, manifest }
    }
  } catch {
    // Left to the import of the whole.
  }
  return null
}

function manifestIn(folder: string): Manifest | null {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
  } catch {
    return null
  }
}
