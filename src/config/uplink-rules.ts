// What a schema cannot say of one uplink: lengths of time, and names that `map` would give twice or that are no names.

import { isId } from '#domain/ids.ts'
import { renamer } from '#domain/sensor-rename.ts'
import { nodeAt, type ConfigNode, type Path } from './config-node.ts'
import type { UplinkConfig } from './gateway-config.ts'
import type { Problems } from './problems.ts'

const MAX_DELAY_MS = 60_000
const DAY_MS = 86_400_000

export interface UplinkRules {
  /** Full ids of all sensors; null: not all could be read. */
  readonly ids: readonly string[] | null
  readonly problems: Problems
}

export function checkUplinkRules(uplink: UplinkConfig, node: ConfigNode, path: Path, rules: UplinkRules): void {
  const report = (keys: Path, message: string): void =>
    rules.problems.add((nodeAt(node, keys) ?? node).place, [...path, ...keys], message)
  if (uplink.batch.delayMs > MAX_DELAY_MS) report(['batch', 'delay'], 'must be at most 1m')
  const age = uplink.commands?.maxAgeMs ?? DAY_MS
  if (age < 1000 || age > DAY_MS) report(['commands', 'maxAge'], 'must be between 1s and 1d')
  const bare = uplink.map.findIndex(({ sensor, as }) => as !== null && stars(as) > stars(sensor))
  if (bare !== -1) {
    const { sensor } = uplink.map[bare]!
    report(['map', bare, 'as'], `has more "*" than "${sensor}": there is nothing for them to stand for`)
  } else if (rules.ids !== null && uplink.map.length > 0) checkNames(uplink, rules.ids, report)
}

function checkNames(uplink: UplinkConfig, ids: readonly string[], report: (keys: Path, message: string) => void): void {
  const rename = renamer(uplink.map)
  const takenBy = new Map<string, string>()
  for (const id of ids) {
    const name = rename(id)?.id ?? id
    const parts = name.split('.')
    if (parts.length !== 2 || !parts.every(isId))
      return report(['map'], `would name ${id} "${name}", which is no full sensor id (device.sensor)`)
    const other = takenBy.get(name)
    if (other !== undefined) return report(['map'], `would name both ${other} and ${id} "${name}"`)
    takenBy.set(name, id)
  }
}

function stars(pattern: string): number {
  return pattern.split('*').length - 1
}
