// The JSON Schema of gateway.yaml for editors, made from the same TypeBox schemas that validate it. Unions become
// if/then by their discriminator, so that an editor shows the keys and the mistakes of the chosen branch only.

import type { TObject } from 'typebox'
import type { Catalogue } from './catalogue.ts'
import { chosenBy, DeviceCommonSchema, GatewayFileSchema, joined, SensorCommonSchema } from './gateway-schema.ts'
import { UplinkCommonSchema } from './uplink-schema.ts'
import { DURATION_FORMAT, discriminatorOf, literalsOf, requiredKeys, viewOf, type SchemaView } from './schema-view.ts'

type Json = Readonly<Record<string, unknown>>

/** A plain object, ready for JSON.stringify (draft-07, which every editor knows). */
export function gatewayJsonSchema(catalogue: Catalogue): Json {
  const file = editorSchema(viewOf(GatewayFileSchema))
  const devices = [...catalogue.drivers.values()].map((driver) => {
    const device = editorSchema(viewOf(chosenBy(DeviceCommonSchema, 'driver', driver.kind, driver.deviceSchema)))
    const sensor = editorSchema(viewOf(joined(SensorCommonSchema, driver.sensorSchema)))
    return { word: driver.kind, schema: withItems(device, 'sensors', sensor) }
  })
  const uplinks = [...catalogue.uplinks.values()].map((kind) => ({
    word: kind.type,
    schema: editorSchema(viewOf(chosenBy(UplinkCommonSchema, 'type', kind.type, kind.schema))),
  }))
  const withDevices = withItems(file, 'devices', chosenByWord('driver', devices, DeviceCommonSchema))
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'TelemetryX gateway',
    ...withItems(withDevices, 'uplinks', chosenByWord('type', uplinks, UplinkCommonSchema)),
  }
}

/** The JSON Schema of a file with one schema (plain-file.ts). */
export function plainJsonSchema(title: string, schema: TObject): Json {
  return { $schema: 'http://json-schema.org/draft-07/schema#', title, ...editorSchema(viewOf(schema)) }
}

interface Branch {
  readonly word: string
  readonly schema: Json
}

function chosenByWord(key: string, branches: readonly Branch[], common: TObject): Json {
  return {
    type: 'object',
    required: requiredKeys(viewOf(common)),
    properties: {
      [key]: {
        enum: branches.map((branch) => branch.word),
        description: viewOf(common).properties?.[key]?.description,
      },
    },
    allOf: branches.map(({ word, schema }) => ifThen(key, [word], schema)),
  }
}

function ifThen(key: string, words: readonly unknown[], then: Json, isImplied = false): Json {
  const condition = { properties: { [key]: { enum: words } }, ...(isImplied ? {} : { required: [key] }) }
  // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema, and nothing awaits it
  return { if: condition, then }
}

function withItems(schema: Json, key: string, items: Json): Json {
  const properties = schema['properties']
  if (!isRecord(properties) || !isRecord(properties[key])) return schema
  return { ...schema, properties: { ...properties, [key]: { ...properties[key], items } } }
}

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A schema as editors understand it: without our own keywords and formats. */
function editorSchema(schema: SchemaView): Json {
  const { secret: _secret, format, anyOf, properties, required, items, patternProperties, ...rest } = schema
  const literals = literalsOf(schema)
  if (literals) {
    const { const: _const, enum: _enum, type: _type, ...annotations } = rest
    return { ...annotations, enum: literals }
  }
  if (anyOf) return { ...rest, ...unionSchema(anyOf) }
  // A duration of 0 needs no unit, and YAML reads it as a number.
  if (format === DURATION_FORMAT) return withZero(rest)
  const keys = requiredKeys(schema)
  return {
    ...rest,
    ...(properties ? { properties: mapValues(properties, editorSchema) } : {}),
    ...(required && keys.length > 0 ? { required: keys } : {}),
    ...(items ? { items: editorSchema(items) } : {}),
    ...(patternProperties ? { patternProperties: mapValues(patternProperties, editorSchema) } : {}),
  }
}

function withZero({ type, pattern, ...annotations }: Json): Json {
  return { ...annotations, anyOf: [{ type, pattern }, { const: 0 }] }
}

function unionSchema(branches: readonly SchemaView[]): Json {
  const discriminator = discriminatorOf(branches)
  if (!discriminator) return { anyOf: branches.map(editorSchema) }
  const { key, literals } = discriminator
  const isImplied = branches.some((branch) => !requiredKeys(branch).includes(key))
  return {
    type: 'object',
    properties: { [key]: { enum: literals.flat() } },
    ...(isImplied ? {} : { required: [key] }),
    allOf: branches.map((branch, index) =>
      ifThen(key, literals[index] ?? [], editorSchema(branch), !requiredKeys(branch).includes(key)),
    ),
  }
}

function mapValues(values: Readonly<Record<string, SchemaView>>, change: (value: SchemaView) => Json): Json {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]))
}
