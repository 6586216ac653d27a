// The word that chooses the rest of a map's keys: `driver` of a device, `type` of an uplink.

import type { TObject } from 'typebox'
import { checkNode, missingWords } from './check-node.ts'
import { nodeAt, type ConfigNode, type Path } from './config-node.ts'
import type { Problems } from './problems.ts'
import { viewOf } from './schema-view.ts'
import { nearest, suggestion } from './suggest.ts'
import { foundWords } from './wording.ts'

export interface Choice<T> {
  /** `driver` or `type`. */
  readonly key: string
  readonly known: ReadonlyMap<string, T>
  readonly common: TObject
  readonly problems: Problems
}

/** What the map chooses. Undefined when it does not say, or says an unknown word: only the common keys are checked then. */
export function readChoice<T>(node: ConfigNode, path: Path, choice: Choice<T>): T | undefined {
  const { key, known, common, problems } = choice
  const word = nodeAt(node, [key])
  const chosen = word?.kind === 'scalar' && typeof word.value === 'string' ? known.get(word.value) : undefined
  if (chosen !== undefined) return chosen
  const view = viewOf(common)
  checkNode(
    node,
    { ...view, additionalProperties: true, required: (view.required ?? []).filter((name) => name !== key) },
    path,
    problems,
  )
  if (node.kind === 'map') {
    if (word === undefined) reportMissing(node, path, choice)
    else if (word.kind !== 'scalar' || (word.origin !== 'unresolved' && typeof word.value === 'string'))
      reportUnknown(word, path, choice)
  }
  return undefined
}

function reportMissing<T>(
  node: ConfigNode & { kind: 'map' },
  path: Path,
  { key, known, common, problems }: Choice<T>,
): void {
  const misspelt = [...node.entries].find(
    ([given]) => !Object.hasOwn(common.properties, given) && nearest(given, [key]),
  )
  if (misspelt) problems.add(misspelt[1].place, [...path, misspelt[0]], `unknown key; did you mean "${key}"?`)
  else problems.add(node.place, path, missingWords(key, [...known.keys()]))
}

function reportUnknown<T>(word: ConfigNode, path: Path, { key, known, problems }: Choice<T>): void {
  const words = [...known.keys()]
  const list = words.join(', ')
  if (word.kind === 'scalar' && word.origin === 'substituted') {
    problems.add(word.place, [...path, key], `the value of ${word.references.join(' and ')} is none of ${list}`)
  } else if (word.kind === 'scalar') {
    const hint = suggestion(String(word.value), words, (near) => near)
    problems.add(
      word.place,
      [...path, key],
      `there is no ${key} ${foundWords(word, {}).replace(/^the text /, '')}; known: ${list}${hint}`,
    )
  }
}
