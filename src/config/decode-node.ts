// A node that fits its schemas → decoded values: durations as milliseconds, defaults filled in.

import { Type, type StaticDecode, type TObject, type TSchema } from 'typebox'
import { Settings } from 'typebox/system'
import { DecodeUnsafe, UnionPrioritySort, Value } from 'typebox/value'
import { checkNode } from './check-node.ts'
import { placeAt } from './config-node.ts'
import { viewOf } from './schema-view.ts'
import type { Subject } from './subject.ts'

/** Plain values of a map, by key; undefined when the node has problems, which are then reported. */
export type PlainMap = Readonly<Record<string, unknown>>

/** Checks a map against a strict schema. */
export function plainMap({ node, path, problems }: Subject, schema: TObject): PlainMap | undefined {
  const before = problems.size
  const value = checkNode(node, viewOf(schema), path, problems)
  if (problems.size > before || typeof value !== 'object' || value === null) return undefined
  return { ...value }
}

/** Decodes those keys of `values` that `schema` knows. Undefined when it does not accept them; reported then. */
export function decodeKeys<S extends TObject>(
  values: PlainMap,
  schema: S,
  subject: Subject,
): StaticDecode<S> | undefined {
  return decodeAll([{ values, subject }], schema)[0]
}

export interface Decodable {
  readonly values: PlainMap
  readonly subject: Subject
}

/** As decodeKeys for many at once. */
export function decodeAll<S extends TObject>(many: readonly Decodable[], schema: S): (StaticDecode<S> | undefined)[] {
  const { list, sorted } = listOf(schema)
  try {
    const filled = Value.Default(
      list,
      many.map(({ values }) => ownKeys(values, schema)),
    )
    // Check has just said that they are what DecodeUnsafe takes for granted.
    if (Value.Check(list, filled)) return decodeSorted(sorted, filled) as StaticDecode<S>[]
  } catch {
    // A codec refused a value; one by one it shows which.
  }
  return many.map(({ values, subject }) => decodeOne(values, schema, subject))
}

function decodeOne<S extends TObject>(values: PlainMap, schema: S, subject: Subject): StaticDecode<S> | undefined {
  try {
    return Value.Decode(schema, ownKeys(values, schema))
  } catch (error) {
    report(error, subject)
    return undefined
  }
}

interface ListSchema {
  readonly list: TSchema
  readonly sorted: TSchema
}

/**
 * TypeBox orders a schema's unions anew for each decoding, which costs about a millisecond: 500 devices took 2 s. The schemas
 * are made once, and so is their order.
 */
const listSchemas = new WeakMap<TObject, ListSchema>()

function listOf(schema: TObject): ListSchema {
  const known = listSchemas.get(schema)
  if (known) return known
  const list = Type.Array(schema)
  const made = { list, sorted: UnionPrioritySort(list) }
  listSchemas.set(schema, made)
  return made
}

function decodeSorted(sorted: TSchema, value: unknown): unknown {
  const { unionPrioritySort } = Settings.Get()
  Settings.Set({ unionPrioritySort: false })
  try {
    return DecodeUnsafe({}, sorted, value)
  } finally {
    Settings.Set({ unionPrioritySort })
  }
}

function ownKeys(values: PlainMap, schema: TObject): PlainMap {
  return Object.fromEntries(Object.entries(values).filter(([key]) => Object.hasOwn(schema.properties, key)))
}

/** A safety net: a keyword that checkNode does not know, or a codec that refuses what its schema accepts. */
function report(error: unknown, { node, path, problems }: Subject): void {
  const faults = schemaFaults(error)
  for (const fault of faults) {
    const steps = fault
      .split('/')
      .slice(1)
      .map((step) => (/^[0-9]+$/.test(step) ? Number(step) : step))
    problems.add(placeAt(node, steps), [...path, ...steps], 'this value does not fit')
  }
  if (faults.length === 0) problems.add(node.place, path, 'a value in here cannot be used')
}

/** JSON pointers of what TypeBox refused. */
function schemaFaults(error: unknown): string[] {
  if (!(error instanceof Error) || typeof error.cause !== 'object' || error.cause === null) return []
  if (!('errors' in error.cause) || !Array.isArray(error.cause.errors)) return []
  return error.cause.errors.flatMap((fault: unknown) =>
    typeof fault === 'object' && fault !== null && 'instancePath' in fault ? [String(fault.instancePath)] : [],
  )
}
