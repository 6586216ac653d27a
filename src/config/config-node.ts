// A configuration text as a tree that remembers where each key and value stands. Made from YAML and from CSV alike,
// so that everything behind it reports problems of both in the same way.

/** Where something stands; line and column count from 1, columns in UTF-16 units as editors do. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** Leads from the root to a value: `['devices', 0, 'sensors', 2, 'address']`. */
export type Path = readonly (string | number)[]

export interface ScalarNode {
  readonly kind: 'scalar'
  readonly place: Place
  readonly value: string | number | boolean | null
  /**
   * `typed`: YAML said what it is. `untyped`: a CSV cell, only the schema says whether `5` is text or a number.
   * `substituted`: likewise, and the value must not be shown. `unresolved`: a reference failed and was reported.
   */
  readonly origin: 'typed' | 'untyped' | 'substituted' | 'unresolved'
  /** The text before substitution, for messages and file names; equals the value where nothing was substituted. */
  readonly written: string
  /** The references in it, for example `${PORT}`; empty when none. */
  readonly references: readonly string[]
}

export interface MapEntry {
  /** Of the key. */
  readonly place: Place
  readonly node: ConfigNode
}

export interface MapNode {
  readonly kind: 'map'
  readonly place: Place
  readonly entries: ReadonlyMap<string, MapEntry>
}

export interface ListNode {
  readonly kind: 'list'
  readonly place: Place
  readonly elements: readonly ConfigNode[]
}

export type ConfigNode = ScalarNode | MapNode | ListNode

/** The node that `path` leads to, or undefined. */
export function nodeAt(node: ConfigNode | undefined, path: Path): ConfigNode | undefined {
  let at = node
  for (const step of path) {
    if (at?.kind === 'map') at = at.entries.get(String(step))?.node
    else if (at?.kind === 'list' && typeof step === 'number') at = at.elements[step]
    else return undefined
  }
  return at
}

/** Place of the node that `path` leads to, or of the nearest enclosing one that exists. */
export function placeAt(node: ConfigNode, path: Path): Place {
  for (let length = path.length; length > 0; length--) {
    const found = nodeAt(node, path.slice(0, length))
    if (found) return found.place
  }
  return node.place
}

/** The elements of a list; none when the node is absent or no list. */
export function elementsOf(node: ConfigNode | undefined): readonly ConfigNode[] {
  return node?.kind === 'list' ? node.elements : []
}

/** The text of a scalar whose value is known; undefined for anything else. */
export function textAt(node: ConfigNode, path: Path): string | undefined {
  const found = nodeAt(node, path)
  if (found?.kind !== 'scalar' || found.origin === 'unresolved' || typeof found.value !== 'string') return undefined
  return found.value
}
