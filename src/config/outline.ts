// What stands in a configuration, key by key, as it may be shown: references in place of what they stand for, nothing of a
// secret. Two outlines tell what changed; a changed secret differs in its digest only.

import { createHash } from 'node:crypto'
import type { Catalogue } from './catalogue.ts'
import { elementsOf, nodeAt, textAt, type ConfigNode, type ListNode, type ScalarNode } from './config-node.ts'
import { DerivedSchema } from './derived-schema.ts'
import { chosenBy, DeviceCommonSchema, GatewayFileSchema, joined, SensorCommonSchema } from './gateway-schema.ts'
import { UplinkCommonSchema } from './uplink-schema.ts'
import { discriminatorOf, viewOf, type SchemaView } from './schema-view.ts'

/** One value. Equal digests: equal values; only that of a hidden one is a hash. */
export interface Leaf {
  readonly shown: string
  readonly digest: string
}

/** Values by key, for example `connection.host`, `checks.threshold.high`. */
export type Leaves = ReadonlyMap<string, Leaf>

export interface Outline {
  /** All but the lists below: `http.port`, `store.retention.raw`, … */
  readonly settings: Leaves
  /** By id, without their sensors. */
  readonly devices: ReadonlyMap<string, Leaves>
  /** By full id, those of sensors files included. */
  readonly sensors: ReadonlyMap<string, Leaves>
  readonly derived: ReadonlyMap<string, Leaves>
  readonly uplinks: ReadonlyMap<string, Leaves>
}

export const HIDDEN = '(hidden)'
const LISTS = new Set(['devices', 'derived', 'uplinks'])

export interface OutlineSource {
  readonly root: ConfigNode
  readonly catalogue: Catalogue
  /** Every sensor with an id, its device's driver and where it stands. */
  readonly sensors: readonly { readonly id: string; readonly driver: string; readonly node: ConfigNode }[]
}

/** Of a configuration without problems. */
export function outlineOf({ root, catalogue, sensors }: OutlineSource): Outline {
  return {
    settings: new Map([...leavesOf(root, viewOf(GatewayFileSchema))].filter(([key]) => !LISTS.has(firstStep(key)))),
    devices: byId(nodeAt(root, ['devices']), (node) => deviceLeaves(node, catalogue)),
    sensors: new Map(sensors.map(({ id, driver, node }) => [id, sensorLeaves(node, driver, catalogue)])),
    derived: byId(nodeAt(root, ['derived']), (node) => leavesOf(node, viewOf(DerivedSchema))),
    uplinks: byId(nodeAt(root, ['uplinks']), (node) => uplinkLeaves(node, catalogue)),
  }
}

function firstStep(key: string): string {
  return key.split(/[.[]/, 1)[0]!
}

function byId(list: ConfigNode | undefined, leaves: (node: ConfigNode) => Leaves): ReadonlyMap<string, Leaves> {
  return new Map(elementsOf(list).map((node) => [textAt(node, ['id']) ?? '', leaves(node)]))
}

function deviceLeaves(node: ConfigNode, { drivers }: Catalogue): Leaves {
  const driver = drivers.get(textAt(node, ['driver']) ?? '')
  const schema = driver ? chosenBy(DeviceCommonSchema, 'driver', driver.kind, driver.deviceSchema) : DeviceCommonSchema
  return new Map([...leavesOf(node, viewOf(schema))].filter(([key]) => firstStep(key) !== 'sensors'))
}

function sensorLeaves(node: ConfigNode, kind: string, { drivers }: Catalogue): Leaves {
  const driver = drivers.get(kind)
  return leavesOf(node, viewOf(driver ? joined(SensorCommonSchema, driver.sensorSchema) : SensorCommonSchema))
}

function uplinkLeaves(node: ConfigNode, { uplinks }: Catalogue): Leaves {
  const kind = uplinks.get(textAt(node, ['type']) ?? '')
  return leavesOf(
    node,
    viewOf(kind ? chosenBy(UplinkCommonSchema, 'type', kind.type, kind.schema) : UplinkCommonSchema),
  )
}

function leavesOf(node: ConfigNode, schema: SchemaView): Leaves {
  const leaves = new Map<string, Leaf>()
  collect(leaves, '', node, schema)
  return leaves
}

/** A default counts as written: writing it out changes nothing. */
function collect(leaves: Map<string, Leaf>, key: string, node: ConfigNode | undefined, schema: SchemaView): void {
  if (node === undefined) {
    const { default: value, properties } = schema
    if (value === undefined) return
    if (properties)
      for (const [step, child] of Object.entries(properties)) collect(leaves, join(key, step), undefined, child)
    else if (!Array.isArray(value))
      leaves.set(key, plainLeaf(typeof value === 'string' ? value : JSON.stringify(value)))
    else if (value.length > 0) leaves.set(key, plainLeaf(`[${value.join(', ')}]`))
    return
  }
  const branch = branchFor(node, schema)
  if (node.kind === 'map') {
    for (const [step, { node: child }] of node.entries) collect(leaves, join(key, step), child, at(branch, step))
    for (const [step, child] of Object.entries(branch.properties ?? {}))
      if (!node.entries.has(step)) collect(leaves, join(key, step), undefined, child)
  } else if (node.kind === 'list') collectList(leaves, key, node, branch.items ?? {})
  else leaves.set(key, leafOf(node, schema))
}

function collectList(leaves: Map<string, Leaf>, key: string, { elements }: ListNode, schema: SchemaView): void {
  if (elements.some(({ kind }) => kind !== 'scalar')) {
    const taken = new Map<string, number>()
    for (const [index, element] of elements.entries()) {
      const name = textAt(element, ['id']) ?? textAt(element, ['name']) ?? textAt(element, ['type']) ?? String(index)
      const times = (taken.get(name) ?? 0) + 1
      taken.set(name, times)
      collect(leaves, join(key, times === 1 ? name : `${name}-${times}`), element, schema)
    }
    return
  }
  if (elements.length === 0) return
  const parts = elements.map((element) => leafOf(element as ScalarNode, schema))
  leaves.set(key, {
    shown: `[${parts.map(({ shown }) => shown).join(', ')}]`,
    digest: JSON.stringify(parts.map(({ digest }) => digest)),
  })
}

function join(key: string, step: string): string {
  return key === '' ? step : `${key}.${step}`
}

function at(schema: SchemaView, step: string): SchemaView {
  const pattern = Object.entries(schema.patternProperties ?? {}).find(([source]) => new RegExp(source).test(step))
  return schema.properties?.[step] ?? pattern?.[1] ?? {}
}

/** The branch of a union that the node has chosen; all branches as one where it cannot be told. */
function branchFor(node: ConfigNode, schema: SchemaView): SchemaView {
  const branches = schema.anyOf?.filter((branch) => branch.properties ?? branch.items)
  if (!branches || branches.length === 0) return schema
  if (branches.length === 1) return branches[0]!
  const discriminator = discriminatorOf(branches)
  const word = discriminator && textAt(node, [discriminator.key])
  const chosen = discriminator?.literals.findIndex((literals) => word !== undefined && literals.includes(word)) ?? -1
  if (chosen >= 0) return branches[chosen]!
  // Without their defaults: those hold for one branch only. What is secret in one is secret.
  const properties: Record<string, SchemaView> = {}
  for (const branch of branches)
    for (const [step, { default: _default, ...child }] of Object.entries(branch.properties ?? {}))
      if (properties[step]?.secret !== true) properties[step] = child
  return { properties }
}

function leafOf(node: ScalarNode, schema: SchemaView): Leaf {
  const isSecret = schema.secret === true || (schema.anyOf?.some((branch) => branch.secret === true) ?? false)
  const { value, written, references } = node
  if (!isSecret && references.length === 0)
    return plainLeaf(value === null ? '' : withoutCredentials(String(value)), value)
  // An address is marked as secret for the password that may be in it.
  const isAddress = /^[a-z]+:\/\//i.test(written)
  const shown =
    !isSecret || isAddress ? withoutCredentials(written) : references.length > 0 ? references.join(' ') : HIDDEN
  return { shown, digest: digestFor(String(value), isSecret) }
}

function plainLeaf(shown: string, value: ScalarNode['value'] = shown): Leaf {
  return { shown, digest: digestFor(String(value), false) }
}

/** A value that is no secret stands for itself: at ten thousand sensors there are a hundred thousand of them. */
function digestFor(text: string, isSecret: boolean): string {
  return isSecret || withoutCredentials(text) !== text ? digestOf(text) : text
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64')
}

/** `mqtt://user:password@host` → `mqtt://user:…@host` */
function withoutCredentials(text: string): string {
  return text.replace(/(:\/\/[^/@:\s]*):[^/@\s]*@/g, '$1:…@')
}
