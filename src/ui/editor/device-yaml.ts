// A device as an entry of `devices:` in YAML: short keys in lines of their own, sensors one to a line. Pure.

import type { ConfigTree } from '../client/fields.ts'
import type { Keys } from '../client/scan.ts'

export interface DeviceEntry {
  /** Keys in their order, without sensors. */
  readonly config: Readonly<Record<string, ConfigTree>>
  readonly sensors: readonly Keys[]
}

/** Begins with `- `; ends with a line break. */
export function deviceYaml({ config, sensors }: DeviceEntry): string {
  const lines = Object.entries(config).map(([key, value]) => `${key}: ${flowYaml(value)}`)
  const list =
    sensors.length === 0 ? ['sensors: []'] : ['sensors:', ...sensors.map((sensor) => `  - ${flowYaml(sensor)}`)]
  return [...lines, ...list].map((line, index) => `${index === 0 ? '- ' : '  '}${line}\n`).join('')
}

/** On one line. */
export function flowYaml(value: ConfigTree): string {
  if (typeof value === 'string') return scalarYaml(value)
  if (typeof value !== 'object') return String(value)
  if (isList(value)) return value.length === 0 ? '[]' : `[${value.map(flowYaml).join(', ')}]`
  const pairs = Object.entries(value).map(([key, child]) => `${scalarYaml(key)}: ${flowYaml(child)}`)
  return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`
}

function isList(value: object): value is readonly ConfigTree[] {
  return Array.isArray(value)
}

/** What YAML would take for something else than this text is put in quotes; in them YAML 1.2 understands JSON. */
function scalarYaml(text: string): string {
  const isPlain = /^[A-Za-z/][A-Za-z0-9_./ -]*[A-Za-z0-9_/]$|^[A-Za-z]$/.test(text)
  const isWord = /^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text)
  return isPlain && !isWord ? text : JSON.stringify(text)
}
