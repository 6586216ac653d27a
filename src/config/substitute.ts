// `${NAME}`, `${file:/path}` and `${secret:NAME}` in a text. What they stand for is usually a secret: it never enters a message.

import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { ioReason } from './io-reason.ts'
import { SECRET_NAME, SECRET_NAME_RULE, secretFiles, withoutLastBreak } from './secret-files.ts'
import { suggestion } from './suggest.ts'

export interface SubstitutionOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Folder that `${file:relative}` counts from. */
  readonly folder: string
  /** Data folder, for `${secret:NAME}`; absent: there is no store of secrets. */
  readonly dataDir?: string
}

/** One reference that was replaced. */
export interface Substitution {
  /** As written: `${NAME}`. */
  readonly reference: string
  readonly value: string
}

export interface Substituted {
  readonly text: string
  readonly substitutions: readonly Substitution[]
  /** In words; when there is one, `text` is of no use. */
  readonly problems: readonly string[]
}

const MAX_FILE_BYTES = 1024 * 1024
const REFERENCE = /\$\$\{|\$\{([^}]*)(\}?)/g
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Replaces every reference in `text`; `$${` stands for the characters `${`. */
export function substitute(text: string, options: SubstitutionOptions): Substituted {
  if (!text.includes('${')) return { text, substitutions: [], problems: [] }
  const substitutions: Substitution[] = []
  const problems: string[] = []
  const result = text.replace(REFERENCE, (match: string, inside: string | undefined, closing: string | undefined) => {
    if (inside === undefined) return '${'
    const value = closing === '' ? unclosed() : lookUp(inside, options)
    if (typeof value === 'string') {
      substitutions.push({ reference: match, value })
      return value
    }
    problems.push(value.problem)
    return ''
  })
  return { text: result, substitutions, problems }
}

interface Failed {
  readonly problem: string
}

function unclosed(): Failed {
  return { problem: 'a "${" without "}"; write $${ where the characters themselves are meant' }
}

function lookUp(inside: string, options: SubstitutionOptions): string | Failed {
  if (inside.startsWith('file:')) return readReferenced(inside.slice('file:'.length), options.folder)
  if (inside.startsWith('secret:')) return readSecret(inside.slice('secret:'.length), options)
  if (!NAME.test(inside)) {
    const kinds = ['${NAME}', '${file:/path}', ...(options.dataDir === undefined ? [] : ['${secret:NAME}'])].join(', ')
    return { problem: `"\${${inside}}" is no reference; write ${kinds}, or $\${ for the characters themselves` }
  }
  const value = Object.hasOwn(options.env, inside) ? options.env[inside] : undefined
  if (value !== undefined) return value
  return {
    problem: `the environment variable ${inside} is not set${suggestion(inside, Object.keys(options.env), (name) => name)}`,
  }
}

function readReferenced(path: string, folder: string): string | Failed {
  if (path === '') return { problem: '"${file:}" names no file' }
  const found = readFile(resolve(folder, path))
  return typeof found === 'string' ? found : { problem: `the file ${path} of \${file:${path}} ${found.fault}` }
}

function readSecret(name: string, { dataDir, env }: SubstitutionOptions): string | Failed {
  if (!SECRET_NAME.test(name)) return { problem: `"\${secret:${name}}" names no secret: ${SECRET_NAME_RULE}` }
  if (dataDir === undefined)
    return { problem: `\${secret:${name}} is kept by a gateway only; write \${file:/path} here` }
  for (const file of secretFiles(name, dataDir, env)) {
    const found = readFile(file)
    if (typeof found === 'string') return found
    if (!found.isMissing) return { problem: `the secret ${name} ${found.fault} (${file})` }
  }
  return { problem: `there is no secret ${name}; store it with: telemetryx secret set ${name}` }
}

interface NotRead {
  readonly fault: string
  readonly isMissing: boolean
}

function readFile(file: string): string | NotRead {
  try {
    const state = statSync(file)
    if (!state.isFile()) return { fault: 'is no regular file', isMissing: false }
    if (state.size > MAX_FILE_BYTES) return { fault: 'is larger than 1 MiB', isMissing: false }
    return withoutLastBreak(readFileSync(file, 'utf8'))
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    return { fault: `cannot be read: ${ioReason(error)}`, isMissing }
  }
}
