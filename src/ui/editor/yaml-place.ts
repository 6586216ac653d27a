// Where the cursor is in a YAML text: the way there from the root, and what stands beside it. The parser forgives what is half
// written; a stand-in at the cursor gives it something to hold on to.

import { yamlLanguage } from '@codemirror/lang-yaml'
import type { Step } from './schema-place.ts'

export interface Place {
  readonly kind: 'key' | 'value'
  /** To the mapping for a key; to the value for a value. */
  readonly steps: readonly Step[]
  /** Scalar keys of the mapping that the cursor is in. */
  readonly siblings: ReadonlyMap<string, string>
  /** Where the word at the cursor begins. */
  readonly from: number
}

type Node = ReturnType<ReturnType<typeof yamlLanguage.parser.parse>['resolveInner']>

const STAND_IN = 'zz'
const KEY_BEFORE = /(?:^|[{,]|-)\s*([\w-]*)$/
const VALUE_BEFORE = /[\w-]+:\s+["']?([\w.-]*)$/

/** null where nothing can be offered: in a comment, in the middle of a value. */
export function placeOf(text: string, at: number): Place | null {
  const lineFrom = text.lastIndexOf('\n', at - 1) + 1
  const before = text.slice(lineFrom, at)
  if (/(^|\s)#/.test(before)) return null
  const value = VALUE_BEFORE.exec(before)
  const word = value ?? KEY_BEFORE.exec(before)
  if (word === null) return null
  const from = at - word[1]!.length
  const rest = /^[\w.-]*/.exec(text.slice(at))![0].length
  const stand = value === null ? (text[at + rest] === ':' ? STAND_IN : `${STAND_IN}: 0`) : STAND_IN
  const edited = text.slice(0, from) + stand + text.slice(at + rest)
  const { steps, siblings } = wayTo(edited, from + 1)
  if (value !== null) return { kind: 'value', steps, siblings, from }
  return { kind: 'key', steps: steps.slice(0, -1), siblings, from }
}

/** The key under a position, for what is said about it. */
export function keyAt(
  text: string,
  at: number,
): { readonly steps: readonly Step[]; readonly from: number; readonly to: number } | null {
  const node = yamlLanguage.parser.parse(text).resolveInner(at, 1)
  const key = node.name === 'Key' ? node : node.parent?.name === 'Key' ? node.parent : null
  if (key === null) return null
  return { steps: wayTo(text, key.from + 1).steps, from: key.from, to: key.to }
}

function wayTo(
  text: string,
  at: number,
): { readonly steps: readonly Step[]; readonly siblings: ReadonlyMap<string, string> } {
  const steps: Step[] = []
  let siblings: ReadonlyMap<string, string> | null = null
  for (let node: Node | null = yamlLanguage.parser.parse(text).resolveInner(at, 0); node !== null; node = node.parent) {
    if (node.name === 'Item') steps.unshift({ key: null, siblings: new Map() })
    if (node.name !== 'Pair') continue
    const around = node.parent === null ? new Map<string, string>() : scalarsOf(node.parent, text)
    siblings ??= around
    steps.unshift({ key: keyOf(node, text), siblings: around })
  }
  return { steps, siblings: siblings ?? new Map() }
}

function scalarsOf(mapping: Node, text: string): ReadonlyMap<string, string> {
  const scalars = new Map<string, string>()
  for (const pair of mapping.getChildren('Pair')) {
    const key = keyOf(pair, text)
    const value = pair.lastChild
    if (key === null || key === STAND_IN) continue
    const isScalar = value !== null && (value.name === 'Literal' || value.name === 'QuotedLiteral')
    scalars.set(key, isScalar ? unquoted(text.slice(value.from, value.to)) : '')
  }
  return scalars
}

function keyOf(pair: Node, text: string): string | null {
  const key = pair.getChild('Key')
  return key === null ? null : unquoted(text.slice(key.from, key.to).trim())
}

function unquoted(text: string): string {
  return text.replace(/^(["'])(.*)\1$/, '$2')
}
