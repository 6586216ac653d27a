// Finds values in a YAML text by their keys, where they are written.

import { yamlLanguage } from '@codemirror/lang-yaml'

export type YamlNode = ReturnType<ReturnType<typeof yamlLanguage.parser.parse>['resolveInner']>

/** The value of a key of the document; `absent`: there is no such key; null: it has no value. */
export function topLevelValue(text: string, key: string): YamlNode | null | 'absent' {
  const document = yamlLanguage.parser.parse(text).topNode.getChild('Document')
  const pair = pairOf(document?.getChild('BlockMapping') ?? null, key, text)
  return pair === null ? 'absent' : valueOfPair(pair)
}

/** null: there is none. */
export function valueOf(mapping: YamlNode | null, key: string, text: string): YamlNode | null {
  const pair = pairOf(mapping, key, text)
  return pair === null ? null : valueOfPair(pair)
}

function pairOf(mapping: YamlNode | null, key: string, text: string): YamlNode | null {
  for (const pair of mapping?.getChildren('Pair') ?? []) {
    const name = pair.getChild('Key')
    if (name !== null && text.slice(name.from, name.to).trim() === key) return pair
  }
  return null
}

function valueOfPair(pair: YamlNode): YamlNode | null {
  const last = pair.lastChild
  return last === null || last.name === 'Key' || last.name === ':' ? null : last
}
