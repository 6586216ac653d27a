// Examples for the OpenAPI document, made from the schemas themselves so that they never go stale: what a schema gives as its
// example, else a value that suits its type and name.

import { Compile } from 'typebox/compile'

/** A JSON schema, as far as an example needs it. */
interface Schema {
  readonly type?: string | readonly string[]
  readonly examples?: readonly unknown[]
  readonly default?: unknown
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly minimum?: number
}

interface Content {
  readonly schema?: Schema
  example?: unknown
}

interface Operation {
  readonly requestBody?: { readonly content?: Readonly<Record<string, Content>> }
  readonly responses?: Readonly<Record<string, { readonly content?: Readonly<Record<string, Content>> }>>
}

/** By property name. */
const WORDS: Readonly<Record<string, unknown>> = {
  id: 'press-1',
  name: 'shift-lead',
  sensor: 'press-1.oil-temperature',
  device: 'press-1',
  machine: 'press-1',
  factory: 'plant-a',
  gateway: 'edge-01',
  unit: 'degC',
  value: 21.5,
  driver: 'modbus',
  status: 'Good',
  message: 'Oil temperature is above 75 degC',
  detail: 'There is no sensor press-1.oil',
  comment: 'Cooler restarted',
  duration: '1h',
  from: '-1h',
  to: 'now',
  version: '0.1.0',
  who: 'shift-lead',
  by: 'shift-lead',
  action: 'sensor.write',
  address: '192.0.2.7',
  password: 'at least ten characters',
  current: 'the password until now',
  token: 'tx_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG',
  expiresIn: '90d',
  text: 'gateway: { id: edge-01, factory: plant-a }\n',
  yaml: '- { id: level, register: holding, address: 0 }\n',
  hash: '0'.repeat(64),
  bytes: '000100000006010300640002',
}
const TEXTS: Readonly<Record<string, string>> = {
  'text/csv': 'id,register,address\nlevel,holding,0\n',
  'application/yaml': String(WORDS['text']),
  'text/yaml': String(WORDS['text']),
}

/** Adds an example to every JSON body and answer that has none. Changes the document in place. */
export function addExamples(paths: Readonly<Record<string, unknown>>): void {
  for (const path of Object.values(paths))
    for (const operation of Object.values(path as Record<string, Operation>)) {
      const { requestBody, responses } = operation
      addTo(requestBody?.content)
      for (const [status, answer] of Object.entries(responses ?? {})) if (status !== 'default') addTo(answer.content)
    }
}

function addTo(contents: Readonly<Record<string, Content>> | undefined): void {
  for (const [mediaType, content] of Object.entries(contents ?? {})) {
    const { schema } = content
    if (schema === undefined || content.example !== undefined) continue
    const example = exampleOf(schema, '')
    if (mediaType === 'application/json') {
      // One that its own schema would refuse is worse than none.
      if (Compile(schema).Check(example)) content.example = example
    } else if (TEXTS[mediaType] !== undefined) content.example = TEXTS[mediaType]
  }
}

/** A value for a schema; `name`: of the property that it stands at. */
export function exampleOf(schema: Schema, name: string): unknown {
  if (schema.examples?.length) return schema.examples[0]
  if (schema.default !== undefined) return schema.default
  if (schema.const !== undefined) return schema.const
  if (schema.enum?.length) return schema.enum[0]
  if (schema.anyOf?.length) return exampleOf(schema.anyOf.find(({ type }) => type !== 'null') ?? schema.anyOf[0]!, name)
  const type = typeof schema.type === 'string' ? schema.type : (schema.type?.[0] ?? '')
  switch (type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([key, property]) => [key, exampleOf(property, key)]),
      )
    case 'array':
      return schema.items === undefined ? [] : [exampleOf(schema.items, name)]
    case 'string':
      return typeof WORDS[name] === 'string' ? WORDS[name] : name === '' ? 'text' : name
    case 'number':
      return typeof WORDS[name] === 'number' ? WORDS[name] : (schema.minimum ?? 1.5)
    case 'integer':
      return schema.minimum ?? 1
    case 'boolean':
      return true
    default:
      return null
  }
}
