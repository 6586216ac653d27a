// `${NAME}` and `${file:/path}` in a text. What they stand for is usually a secret: it never enters a message.

import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { ioReason } from './io-reason.ts'
import { suggestion } from './suggest.ts'

export interface SubstitutionOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Folder that `${file:relative}` counts from. */
  readonly folder: string
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

const MAX_SECRET_BYTES = 1024 * 1024
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
  if (inside.startsWith('file:')) return readSecret(inside.slice('file:'.length), options.folder)
  if (!NAME.test(inside)) {
    return {
      problem: `"\${${inside}}" is no reference; write \${NAME}, \${file:/path}, or $\${ for the characters themselves`,
    }
  }
  const value = Object.hasOwn(options.env, inside) ? options.env[inside] : undefined
  if (value !== undefined) return value
  return {
    problem: `the environment variable ${inside} is not set${suggestion(inside, Object.keys(options.env), (name) => name)}`,
  }
}

function readSecret(path: string, folder: string): string | Failed {
  if (path === '') return { problem: '"${file:}" names no file' }
  try {
    const file = resolve(folder, path)
    const state = statSync(file)
    if (!state.isFile()) return { problem: `the file ${path} of \${file:${path}} is no regular file` }
    if (state.size > MAX_SECRET_BYTES) return { problem: `the file ${path} of \${file:${path}} is larger than 1 MiB` }
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    return { problem: `the file ${path} of \${file:${path}} cannot be read: ${ioReason(error)}` }
  }
}
