// A YAML file with one schema and no drivers behind it → its decoded values, or everything that is wrong with it, each with
// file, line and column. What gateway.yaml needs beyond this stands in load.ts.

import { dirname, resolve } from 'node:path'
import type { TObject } from 'typebox'
import { TelemetryError } from '#domain/errors.ts'
import type { Path } from './config-node.ts'
import { decodeKeys, plainMap } from './decode-node.ts'
import { Problems, type ConfigProblemAt } from './problems.ts'
import { readTextFile } from './read-text.ts'
import { complain } from './subject.ts'
import { readYamlTree } from './yaml-tree.ts'

export interface PlainRule {
  readonly path: Path
  readonly message: string
}

export type PlainResult<T> =
  | { readonly ok: true; readonly config: T; readonly text: string }
  | { readonly ok: false; readonly problems: readonly ConfigProblemAt[] }

/** `T`: what the schema decodes to (its StaticDecode). */
export interface PlainFileOptions<T extends object> {
  readonly schema: TObject
  /** For `${NAME}`; usually process.env. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** What the schema cannot say; all of it at once. */
  readonly rules?: (values: T) => readonly PlainRule[]
}

/** Loads a file. Throws CONFIG_UNREADABLE when it is missing or cannot be read; what is wrong inside is in the result. */
export function loadPlainFile<T extends object>(file: string, options: PlainFileOptions<T>): PlainResult<T> {
  let text: string
  try {
    text = readTextFile(resolve(file))
  } catch (error) {
    if (!(error instanceof TelemetryError)) throw error
    const { line, column } = error.context
    if (typeof line === 'number' && typeof column === 'number')
      return { ok: false, problems: [{ file, line, column, message: error.message }] }
    const message = `${file} cannot be read: ${error.message}`
    throw new TelemetryError('CONFIG_UNREADABLE', message, { context: { file }, cause: error })
  }
  return parsePlainFile(text, file, options)
}

/** As loadPlainFile, with the text given; never throws because of what it holds. */
export function parsePlainFile<T extends object>(
  text: string,
  file: string,
  { schema, env, rules }: PlainFileOptions<T>,
): PlainResult<T> {
  const problems = new Problems()
  const { root } = readYamlTree({ file, text, substitution: { env, folder: dirname(resolve(file)) }, problems })
  if (root !== undefined) {
    const subject = { node: root, path: [], problems }
    const plain = plainMap(subject, schema)
    // The schema has just said so.
    const config = plain === undefined ? undefined : (decodeKeys(plain, schema, subject) as T | undefined)
    if (config !== undefined) {
      for (const { path, message } of rules?.(config) ?? []) complain(subject, path, message)
      if (problems.size === 0) return { ok: true, config, text }
    }
  }
  return { ok: false, problems: problems.list(file) }
}
