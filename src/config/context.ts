// What every part of the reading of one configuration shares.

import type { Catalogue } from './catalogue.ts'
import { nodeAt, placeAt, type ConfigNode, type Path } from './config-node.ts'
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

/** A map or list that was named, its name in words, and where problems in it go. */
export interface Subject {
  readonly node: ConfigNode
  readonly path: Path
  readonly problems: Problems
}

/** Reports that the value at `at` within the subject breaks a rule: `must be …, found …`, without showing a secret. */
export function refuse(subject: Subject, at: Path, rule: string): void {
  const { node, path, problems } = subject
  const found = nodeAt(node, at)
  let words = rule
  if (found?.kind === 'scalar' && found.value !== null) {
    words +=
      found.origin === 'substituted'
        ? `; the value of ${found.references.join(' and ')} does not fit`
        : `, found ${found.written}`
  }
  problems.add(placeAt(node, at), [...path, ...at], words)
}

/** As refuse, where the value itself says nothing: `a scale needs a number`. */
export function complain(subject: Subject, at: Path, words: string): void {
  subject.problems.add(placeAt(subject.node, at), [...subject.path, ...at], words)
}

/** A value for a message about another one: what is written, or the reference in it. */
export function writtenAt(subject: Subject, at: Path): string {
  const found = nodeAt(subject.node, at)
  return found?.kind === 'scalar' ? found.written : ''
}
