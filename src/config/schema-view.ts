// A TypeBox schema seen as the JSON Schema that it is: the keywords that the config room understands.

import type { TSchema } from 'typebox'

export interface SchemaView {
  readonly type?: string
  readonly properties?: Readonly<Record<string, SchemaView>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | SchemaView
  readonly patternProperties?: Readonly<Record<string, SchemaView>>
  readonly items?: SchemaView
  readonly anyOf?: readonly SchemaView[]
  readonly const?: string | number | boolean
  readonly enum?: readonly (string | number | boolean)[]
  readonly pattern?: string
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly default?: unknown
  readonly description?: string
  readonly examples?: unknown
  readonly secret?: boolean
}

/** TSchema declares no keywords of its own; at run time it is plain JSON Schema. */
export function viewOf(schema: TSchema): SchemaView {
  return schema
}

/** The values of a schema that allows only literals, else undefined. */
export function literalsOf(schema: SchemaView): readonly (string | number | boolean)[] | undefined {
  if (schema.const !== undefined) return [schema.const]
  if (schema.enum) return schema.enum
  const branches = schema.anyOf?.map(literalsOf)
  if (!branches || branches.length === 0) return undefined
  return branches.every((branch) => branch !== undefined) ? branches.flat() : undefined
}

/** The key whose literal tells the branches of a union apart, with its literals for each branch. */
export interface Discriminator {
  readonly key: string
  readonly literals: readonly (readonly (string | number | boolean)[])[]
}

/** Found when every branch is an object and no literal of the key occurs twice. */
export function discriminatorOf(branches: readonly SchemaView[]): Discriminator | undefined {
  if (branches.length < 2 || !branches.every((branch) => branch.properties)) return undefined
  for (const key of Object.keys(branches[0]?.properties ?? {})) {
    const literals: (readonly (string | number | boolean)[])[] = []
    for (const branch of branches) {
      const property = branch.properties?.[key]
      const values = property === undefined ? undefined : literalsOf(property)
      if (values) literals.push(values)
    }
    const all = literals.flat()
    if (literals.length === branches.length && new Set(all).size === all.length) return { key, literals }
  }
  return undefined
}

/** Keys that must be given: a required key with a default may be left out. */
export function requiredKeys(schema: SchemaView): readonly string[] {
  return (schema.required ?? []).filter((key) => schema.properties?.[key]?.default === undefined)
}

export const DURATION_FORMAT = 'telemetryx-duration'
export const SIZE_FORMAT = 'telemetryx-size'
