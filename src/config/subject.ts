// A part of the configuration as rules see it, and the two ways in which a rule reports.

import { nodeAt, placeAt, type ConfigNode, type Path } from './config-node.ts'
import type { Problems } from './problems.ts'

/** A part of the configuration, how messages name it, and where its problems go. */
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
