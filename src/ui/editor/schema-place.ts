// A place in a YAML text × the JSON Schema of the file → what may stand there. Pure. Understands what the gateway's schema uses:
// properties, items, additionalProperties, enum, anyOf, and allOf of if/then by the literal of a key.

/** One step from the root: into a mapping by key, or into an entry of a list. */
export interface Step {
  /** null: an entry of a list. */
  readonly key: string | null
  /** Of the mapping that the step leaves: its scalar keys, which choose the branch (`driver: modbus`). */
  readonly siblings: ReadonlyMap<string, string>
}

export type Schema = Readonly<Record<string, unknown>>

export interface KeyOffer {
  readonly key: string
  readonly description: string
  readonly isRequired: boolean
  /** `number, default 5s`; empty when nothing is known. */
  readonly detail: string
  readonly holds: 'mapping' | 'list' | 'scalar'
}

/** Every schema that the steps may lead to; empty for an unknown key. */
export function schemasAt(root: Schema, steps: readonly Step[]): readonly Schema[] {
  let here: readonly Schema[] = [root]
  for (const { key, siblings } of steps) here = here.flatMap((schema) => into(schema, key, siblings))
  return here
}

function into(schema: Schema, key: string | null, siblings: ReadonlyMap<string, string>): readonly Schema[] {
  return branches(schema, siblings).flatMap((branch) => {
    if (key === null) return present(branch['items'])
    const named = present(record(branch['properties'])?.[key])
    return named.length > 0 ? named : present(branch['additionalProperties'])
  })
}

/** The schema itself and whatever of its branches the sibling keys choose. */
function branches(schema: Schema, siblings: ReadonlyMap<string, string>): readonly Schema[] {
  const chosen = list(schema['allOf']).filter((part) => isChosen(part, siblings))
  const further = chosen.flatMap((part) => present(part['then'] ?? part))
  return [schema, ...[...further, ...list(schema['anyOf'])].flatMap((part) => branches(part, siblings))]
}

function isChosen(part: Schema, siblings: ReadonlyMap<string, string>): boolean {
  const condition = record(part['if'])
  if (condition === null) return true
  const required = Array.isArray(condition['required']) ? condition['required'] : []
  return Object.entries(record(condition['properties']) ?? {}).every(([key, wanted]) => {
    const given = siblings.get(key)
    if (given === undefined) return !required.includes(key)
    const words = record(wanted)?.['enum']
    return Array.isArray(words) && words.some((word) => String(word) === given)
  })
}

/** Keys of the mapping at the place that are not there yet, the required ones first. */
export function keyOffers(schemas: readonly Schema[], siblings: ReadonlyMap<string, string>): readonly KeyOffer[] {
  const offers = new Map<string, KeyOffer>()
  const all = schemas.flatMap((schema) => branches(schema, siblings))
  const required = new Set(all.flatMap((schema) => (Array.isArray(schema['required']) ? schema['required'] : [])))
  for (const schema of all)
    for (const [key, source] of Object.entries(record(schema['properties']) ?? {})) {
      const property = record(source) ?? {}
      if (siblings.has(key)) continue
      const description = words(property) || (offers.get(key)?.description ?? '')
      offers.set(key, {
        key,
        description,
        isRequired: required.has(key),
        detail: detail(property),
        holds: holds(property),
      })
    }
  return [...offers.values()].sort((a, b) => Number(b.isRequired) - Number(a.isRequired))
}

/** The literals that may stand at the place. */
export function valueOffers(schemas: readonly Schema[]): readonly string[] {
  const all = schemas.flatMap((schema) => branches(schema, new Map()))
  const literals = all.flatMap((schema) => {
    if (Array.isArray(schema['enum'])) return literalsOf(schema)
    return schema['type'] === 'boolean' ? ['true', 'false'] : []
  })
  return [...new Set(literals)]
}

/** What the key at the place is for; null when nothing is known. */
export function explain(schemas: readonly Schema[]): { readonly description: string; readonly detail: string } | null {
  const described = schemas.find((schema) => words(schema) !== '') ?? schemas[0]
  return described === undefined ? null : { description: words(described), detail: detail(described) }
}

function detail(schema: Schema): string {
  const literals = literalsOf(schema)
  const least = scalar(schema['minimum']) ?? scalar(schema['exclusiveMinimum'])
  const most = scalar(schema['maximum']) ?? scalar(schema['exclusiveMaximum'])
  const usual = scalar(schema['default'])
  const kind = literals.length === 0 ? (scalar(schema['type']) ?? '') : literals.slice(0, SHOWN_LITERALS).join(' | ')
  const parts = [literals.length > SHOWN_LITERALS ? `${kind} | …` : kind]
  if (least !== null && most !== null) parts.push(`${least} to ${most}`)
  else if (least !== null) parts.push(`from ${least}`)
  else if (most !== null) parts.push(`up to ${most}`)
  if (usual !== null) parts.push(`default ${usual}`)
  return parts.filter((text) => text !== '').join(', ')
}

const SHOWN_LITERALS = 6

function literalsOf(schema: Schema): readonly string[] {
  return Array.isArray(schema['enum']) ? schema['enum'].map(String) : []
}

function scalar(source: unknown): string | null {
  return typeof source === 'string' || typeof source === 'number' || typeof source === 'boolean' ? String(source) : null
}

function holds(schema: Schema): KeyOffer['holds'] {
  if (schema['type'] === 'array') return 'list'
  return schema['type'] === 'object' && schema['anyOf'] === undefined ? 'mapping' : 'scalar'
}

function words(schema: Schema): string {
  return typeof schema['description'] === 'string' ? schema['description'] : ''
}

function present(source: unknown): readonly Schema[] {
  const schema = record(source)
  return schema === null ? [] : [schema]
}

function list(source: unknown): readonly Schema[] {
  return Array.isArray(source) ? source.flatMap(present) : []
}

function record(source: unknown): Schema | null {
  return typeof source === 'object' && source !== null && !Array.isArray(source) ? (source as Schema) : null
}
