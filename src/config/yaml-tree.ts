// YAML text → ConfigNode tree: references substituted, aliases and merge keys resolved, every problem with its place.
// Must not throw, whatever the text holds.

import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Alias,
  type Pair,
  type YAMLMap,
} from 'yaml'
import type { ConfigNode, MapEntry, MapNode, Path, Place, ScalarNode } from './config-node.ts'
import type { Problems } from './problems.ts'
import { substitute, type Substitution, type SubstitutionOptions } from './substitute.ts'
import { suggestion } from './suggest.ts'
import { leadingFaults, yamlErrorWords } from './yaml-errors.ts'

/** Values that aliases may add to a document. Ten nested tenfold aliases would otherwise be 10^10 values ("billion laughs"). */
const MAX_ALIASED_NODES = 100_000
const MAX_DEPTH = 64
const BYTE_ORDER_MARK = /^\uFEFF/

export interface YamlSource {
  readonly file: string
  readonly text: string
  readonly substitution: SubstitutionOptions
  /** The data folder of a text with this value of its key `data`; absent: it has no store of secrets. */
  readonly dataDirOf?: (data: unknown) => string
  readonly problems: Problems
}

export interface YamlTree {
  /** Undefined when the text is no YAML: what is left of a broken text would only give misleading problems. */
  readonly root: ConfigNode | undefined
  /** All that was substituted, for redaction. */
  readonly substitutions: readonly Substitution[]
}

/** Parses one YAML document. */
export function readYamlTree(source: YamlSource): YamlTree {
  const lines = new LineCounter()
  const text = source.text.replace(BYTE_ORDER_MARK, '')
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { file: source.file, line: Math.max(1, line), column: Math.max(1, col) }
  }
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false,
      resolveKnownTags: false,
      logLevel: 'error',
    })
    const faults = [...document.errors, ...document.warnings]
    for (const fault of leadingFaults(faults, (offset) => place(offset).line))
      source.problems.add(place(fault.pos[0]), [], yamlErrorWords(fault, text))
    if (faults.length > 0) return { root: undefined, substitutions: [] }
    const { contents } = document
    const dataDir = source.dataDirOf?.(isMap(contents) ? contents.get('data') : undefined)
    const substitution = { ...source.substitution, ...(dataDir !== undefined && { dataDir }) }
    const reader = new TreeReader({ ...source, substitution }, place)
    const root = reader.read(contents, [], { file: source.file, line: 1, column: 1 })
    return { root, substitutions: reader.substitutions }
  } catch (error) {
    const reason = error instanceof RangeError ? 'it is nested too deeply' : 'the parser gave up'
    source.problems.add({ file: source.file, line: 1, column: 1 }, [], `this cannot be read as YAML: ${reason}`)
    return { root: undefined, substitutions: [] }
  }
}

class TreeReader {
  readonly substitutions: Substitution[] = []
  readonly #source: YamlSource
  readonly #place: (offset: number) => Place
  readonly #anchors = new Map<string, ConfigNode>()
  readonly #openAnchors = new Set<string>()
  /** Values below a node, with everything that its aliases stand for. */
  readonly #sizes = new WeakMap<ConfigNode, number>()
  #aliased = 0

  constructor(source: YamlSource, place: (offset: number) => Place) {
    this.#source = source
    this.#place = place
  }

  /** `empty`: the place to name when nothing is written, the key's. */
  read(node: unknown, path: Path, empty: Place): ConfigNode {
    if (path.length > MAX_DEPTH) return this.#refuse(empty, path, 'nested too deeply')
    if (isAlias(node)) return this.#readAlias(node, path)
    const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined
    if (anchor !== undefined) this.#openAnchors.add(anchor)
    const read = this.#readPlain(node, path, empty)
    if (anchor !== undefined) {
      this.#openAnchors.delete(anchor)
      this.#anchors.set(anchor, read)
    }
    return read
  }

  #readPlain(node: unknown, path: Path, empty: Place): ConfigNode {
    if (isMap(node)) return this.#readMap(node, path)
    if (isSeq(node)) {
      const place = this.#placeOf(node.range, empty)
      const elements = node.items.map((element, index) => this.read(element, [...path, index], place))
      return this.#sized({ kind: 'list', place, elements }, elements)
    }
    if (!isScalar(node)) return this.#sized(scalar(empty, null), [])
    const isBlank = node.source === '' || node.source === undefined
    const place = isBlank && node.value === null ? empty : this.#placeOf(node.range, empty)
    return this.#sized(this.#readScalar(node.value, place, path), [])
  }

  #readScalar(value: unknown, place: Place, path: Path): ScalarNode {
    if (typeof value === 'string') return this.#readText(value, place, path)
    if (typeof value === 'number' || typeof value === 'boolean' || value === null) return scalar(place, value)
    return this.#refuse(place, path, 'a value of this kind has no meaning here')
  }

  #readText(written: string, place: Place, path: Path): ScalarNode {
    const { text, substitutions, problems } = substitute(written, this.#source.substitution)
    for (const problem of problems) this.#source.problems.add(place, path, problem)
    this.substitutions.push(...substitutions)
    const references = substitutions.map((substitution) => substitution.reference)
    if (problems.length > 0) return { ...scalar(place, null), origin: 'unresolved', written }
    if (references.length === 0) return { ...scalar(place, text), written }
    return { kind: 'scalar', place, value: text, origin: 'substituted', written, references }
  }

  #readMap(node: YAMLMap, path: Path): MapNode {
    const place = this.#placeOf(node.range, { file: this.#source.file, line: 1, column: 1 })
    const entries = new Map<string, MapEntry>()
    const merged: MapNode[] = []
    for (const pair of node.items) {
      const keyPlace = isNode(pair.key) ? this.#placeOf(pair.key.range, place) : place
      const key = this.#readKey(pair, keyPlace, path)
      if (key === undefined) continue
      const value = this.read(pair.value, [...path, key], keyPlace)
      if (key === '<<') merged.push(...this.#mergeSources(value, path))
      else if (!this.#isDuplicate(entries, key, keyPlace, path)) entries.set(key, { place: keyPlace, node: value })
    }
    for (const source of merged) {
      for (const [key, entry] of source.entries) if (!entries.has(key)) entries.set(key, entry)
    }
    const children = [...entries.values()].map((entry) => entry.node)
    return this.#sized({ kind: 'map', place, entries }, children)
  }

  #readKey(pair: Pair, place: Place, path: Path): string | undefined {
    const key = isScalar(pair.key) ? pair.key.value : null
    if (typeof key === 'string' || typeof key === 'number' || typeof key === 'boolean') return String(key)
    this.#source.problems.add(place, path, 'a key must be one word')
    return undefined
  }

  #isDuplicate(entries: ReadonlyMap<string, MapEntry>, key: string, place: Place, path: Path): boolean {
    const first = entries.get(key)
    if (!first) return false
    this.#source.problems.add(place, [...path, key], `this key stands twice; it is first at line ${first.place.line}`)
    return true
  }

  #mergeSources(value: ConfigNode, path: Path): MapNode[] {
    const sources = value.kind === 'list' ? value.elements : [value]
    return sources.flatMap((source) => {
      if (source.kind === 'map') return [source]
      if (source.kind !== 'scalar' || source.origin !== 'unresolved') {
        this.#source.problems.add(source.place, path, '"<<" merges maps; this is none')
      }
      return []
    })
  }

  #readAlias(alias: Alias, path: Path): ConfigNode {
    const place = this.#placeOf(alias.range, { file: this.#source.file, line: 1, column: 1 })
    if (this.#openAnchors.has(alias.source))
      return this.#refuse(place, path, `the alias *${alias.source} contains itself`)
    const target = this.#anchors.get(alias.source)
    if (!target) {
      const hint = suggestion(alias.source, [...this.#anchors.keys()], (name) => `*${name}`)
      return this.#refuse(place, path, `the alias *${alias.source} has no anchor &${alias.source} before it${hint}`)
    }
    this.#aliased += this.#sizes.get(target) ?? 1
    if (this.#aliased <= MAX_ALIASED_NODES) return target
    return this.#refuse(place, path, `aliases stand for more than ${MAX_ALIASED_NODES} values`)
  }

  #refuse(place: Place, path: Path, words: string): ScalarNode {
    this.#source.problems.add(place, path, words)
    return { ...scalar(place, null), origin: 'unresolved' }
  }

  #placeOf(range: readonly number[] | null | undefined, otherwise: Place): Place {
    const offset = range?.[0]
    return offset === undefined ? otherwise : this.#place(offset)
  }

  #sized<N extends ConfigNode>(node: N, children: readonly ConfigNode[]): N {
    let size = 1
    for (const child of children) size += this.#sizes.get(child) ?? 1
    this.#sizes.set(node, size)
    return node
  }
}

function scalar(place: Place, value: ScalarNode['value']): ScalarNode {
  return { kind: 'scalar', place, value, origin: 'typed', written: String(value), references: [] }
}
