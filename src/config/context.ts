// What every part of the reading of one configuration shares.

import type { Catalogue } from './catalogue.ts'
import type { Problems } from './problems.ts'
import type { Substitution } from './substitute.ts'

export interface ReadContext {
  /** As messages name it. */
  readonly file: string
  /** Absolute; relative paths in the file count from here. */
  readonly folder: string
  readonly catalogue: Catalogue
  readonly problems: Problems
  /** Texts from drivers pass through here: they may quote a value that must not be shown. */
  readonly redact: (text: string) => string
  /** Reads a file that the configuration names; see readTextFile. */
  readonly readText: (path: string) => string
}

/** A redact function that puts the reference back in place of each substituted value. */
export function redactor(substitutions: readonly Substitution[]): (text: string) => string {
  // Longest first: a value may contain another.
  const ordered = substitutions.filter(({ value }) => value !== '').sort((a, b) => b.value.length - a.value.length)
  if (ordered.length === 0) return (text) => text
  const escaped = ordered.map(({ value }) => value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  const anyValue = new RegExp(escaped.join('|'), 'g')
  const references = new Map([...ordered].reverse().map(({ value, reference }) => [value, reference]))
  return (text) => text.replace(anyValue, (value) => references.get(value) ?? '')
}
