// Walks a ConfigNode along a schema and reports every problem with its place. The structure (keys, lists, unions) is
// judged here, so that a union shows only the problems of the chosen branch; each single value is judged by TypeBox.

import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'
import type { ConfigNode, ListNode, MapNode, Path, ScalarNode } from './config-node.ts'
import type { Problems } from './problems.ts'
import { DURATION_FORMAT, discriminatorOf, literalsOf, requiredKeys, type SchemaView } from './schema-view.ts'
import { nearest } from './suggest.ts'
import { mismatchWords } from './wording.ts'

/** The plain value of `node`; of use only when no problem was added. */
export function checkNode(node: ConfigNode, schema: SchemaView, path: Path, problems: Problems): unknown {
  if (node.kind === 'scalar' && node.origin === 'unresolved') {
    problems.addNothingNew()
    return undefined
  }
  if (schema.anyOf && !literalsOf(schema)) return checkUnion(node, schema, schema.anyOf, path, problems)
  if (node.kind === 'map' && (schema.properties || schema.patternProperties))
    return checkMap(node, schema, path, problems)
  if (node.kind === 'list' && schema.type === 'array') return checkList(node, schema, path, problems)
  if (isAnything(schema)) return plainValue(node)
  if (node.kind === 'scalar') return checkScalar(node, schema, path, problems)
  problems.add(node.place, path, mismatchWords(node, schema))
  return undefined
}

function isAnything(schema: SchemaView): boolean {
  return schema.type === undefined && !schema.anyOf && literalsOf(schema) === undefined
}

function checkScalar(node: ScalarNode, schema: SchemaView, path: Path, problems: Problems): unknown {
  for (const candidate of candidates(node, schema)) if (fits(schema, candidate)) return candidate
  problems.add(node.place, path, mismatchWords(node, schema))
  return undefined
}

/** What the scalar can stand for: an untyped `5` is text or a number, whichever the schema wants. */
function candidates(node: ScalarNode, schema: SchemaView): readonly unknown[] {
  const { value } = node
  // In YAML `onDelay: 0` is a number; as a duration 0 needs no unit.
  if (value === 0 && schema.format === DURATION_FORMAT) return ['0']
  if (node.origin === 'typed' || typeof value !== 'string') return [value]
  const trimmed = value.trim()
  const all: unknown[] = [value]
  if (/^[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$/.test(trimmed)) all.push(Number(trimmed))
  else if (/^0x[0-9a-fA-F]+$/.test(trimmed)) all.push(Number(trimmed))
  else if (/^true$/i.test(trimmed)) all.push(true)
  else if (/^false$/i.test(trimmed)) all.push(false)
  return all
}

function fits(schema: TSchema, value: unknown): boolean {
  return Value.Check(schema, value)
}

function checkList(node: ListNode, schema: SchemaView, path: Path, problems: Problems): unknown[] {
  const { items } = schema
  const values = node.elements.map((element, index) =>
    items === undefined ? plainValue(element) : checkNode(element, items, [...path, index], problems),
  )
  const tooFew = schema.minItems !== undefined && values.length < schema.minItems
  const tooMany = schema.maxItems !== undefined && values.length > schema.maxItems
  if (tooFew || tooMany) problems.add(node.place, path, `${mismatchWords(node, schema)} of ${values.length}`)
  return values
}

function checkMap(node: MapNode, schema: SchemaView, path: Path, problems: Problems): Record<string, unknown> {
  const known = Object.keys(schema.properties ?? {})
  const values: [string, unknown][] = []
  const misspelt = new Set<string>()
  for (const [key, entry] of node.entries) {
    const property = propertySchema(schema, key)
    if (property !== undefined) values.push([key, checkNode(entry.node, property, [...path, key], problems)])
    else if (schema.additionalProperties === false) {
      const near = nearest(
        key,
        known.filter((name) => !node.entries.has(name)),
      )
      if (near !== undefined) misspelt.add(near)
      problems.add(entry.place, [...path, key], unknownKeyWords(near))
    } else values.push([key, plainValue(entry.node)])
  }
  for (const key of requiredKeys(schema)) {
    // A misspelt key is one slip, not two.
    if (node.entries.has(key) || misspelt.has(key)) continue
    problems.add(node.place, path, missingWords(key, literalsOf(schema.properties?.[key] ?? {})))
  }
  return Object.fromEntries(values)
}

function unknownKeyWords(near: string | undefined): string {
  return near === undefined ? 'unknown key' : `unknown key; did you mean "${near}"?`
}

function propertySchema(schema: SchemaView, key: string): SchemaView | undefined {
  if (schema.properties && Object.hasOwn(schema.properties, key)) return schema.properties[key]
  for (const [pattern, property] of Object.entries(schema.patternProperties ?? {})) {
    if (new RegExp(pattern, 'u').test(key)) return property
  }
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
}

/** Words for a required key that is not there. */
export function missingWords(key: string, literals?: readonly unknown[]): string {
  if (!literals || literals.length === 0) return `missing required key "${key}"`
  return `missing required key "${key}"; expected ${literals.length > 1 ? `one of ${literals.join(', ')}` : `"${key}: ${String(literals[0])}"`}`
}

function checkUnion(
  node: ConfigNode,
  schema: SchemaView,
  branches: readonly SchemaView[],
  path: Path,
  problems: Problems,
): unknown {
  if (node.kind === 'map') {
    const objects = branches.filter((branch) => branch.properties || branch.patternProperties)
    const only = objects[0]
    if (objects.length === 1 && only) return checkNode(node, only, path, problems)
    if (objects.length > 1) return checkObjectUnion(node, objects, path, problems)
  }
  if (node.kind === 'list') {
    const list = branches.find((branch) => branch.type === 'array')
    if (list) return checkNode(node, list, path, problems)
  }
  if (node.kind === 'scalar') {
    for (const branch of branches) {
      for (const candidate of candidates(node, branch)) if (fits(branch, candidate)) return candidate
    }
  }
  problems.add(node.place, path, mismatchWords(node, schema))
  return undefined
}

function checkObjectUnion(node: MapNode, branches: readonly SchemaView[], path: Path, problems: Problems): unknown {
  const discriminator = discriminatorOf(branches)
  // Without a discriminator nothing tells which branch was meant: take the first that shares most keys.
  if (!discriminator) return checkNode(node, mostAlike(node, branches), path, problems)
  const { key, literals } = discriminator
  const entry = node.entries.get(key)
  if (!entry) {
    const implied = branches.find((branch) => !requiredKeys(branch).includes(key))
    if (implied) return checkNode(node, implied, path, problems)
    const misspelt = [...node.entries].find(
      ([given]) => nearest(given, [key]) !== undefined && !hasKey(branches, given),
    )
    if (misspelt) problems.add(misspelt[1].place, [...path, misspelt[0]], unknownKeyWords(key))
    else problems.add(node.place, path, missingWords(key, literals.flat()))
    return undefined
  }
  if (entry.node.kind === 'scalar' && entry.node.origin === 'unresolved') {
    problems.addNothingNew()
    return undefined
  }
  const value = entry.node.kind === 'scalar' ? entry.node.value : undefined
  const chosen = branches[literals.findIndex((words) => words.some((word) => word === value))]
  if (chosen) return checkNode(node, chosen, path, problems)
  problems.add(entry.node.place, [...path, key], mismatchWords(entry.node, { enum: literals.flat() }))
  return undefined
}

function hasKey(branches: readonly SchemaView[], key: string): boolean {
  return branches.some((branch) => branch.properties && Object.hasOwn(branch.properties, key))
}

function mostAlike(node: MapNode, branches: readonly SchemaView[]): SchemaView {
  const shared = (branch: SchemaView): number => [...node.entries.keys()].filter((key) => hasKey([branch], key)).length
  return branches.reduce((best, branch) => (shared(branch) > shared(best) ? branch : best))
}

/** A node as it was written, where no schema says more. */
export function plainValue(node: ConfigNode): unknown {
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'list') return node.elements.map(plainValue)
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plainValue(entry.node)]))
}
