// The entries of `uplinks` → UplinkConfig: each against the common schema and its kind's.

import { sensorPattern } from '#domain/sensor-pattern.ts'
import { readChoice } from './choice.ts'
import { elementsOf, nodeAt, type ConfigNode, type Path } from './config-node.ts'
import type { ReadContext } from './context.ts'
import { decodeKeys, plainMap } from './decode-node.ts'
import type { UplinkConfig } from './gateway-config.ts'
import { chosenBy } from './gateway-schema.ts'
import type { ReadDevices } from './read-devices.ts'
import { checkUplinkRules } from './uplink-rules.ts'
import { UplinkCommonSchema } from './uplink-schema.ts'
import { UniqueNames } from './unique-names.ts'

/** Reads the list; returns those without problems. */
export function readUplinks(list: ConfigNode | undefined, devices: ReadDevices, context: ReadContext): UplinkConfig[] {
  const names = new UniqueNames('uplink', context.problems)
  return elementsOf(list).flatMap((node, index) => {
    const path: Path = ['uplinks', index]
    names.add(node, path)
    if (devices.isComplete) {
      for (const key of ['include', 'exclude'])
        checkPatterns(nodeAt(node, [key]), [...path, key], devices.sensorIds, context)
    }
    const uplink = readUplink(node, path, context)
    if (uplink)
      checkUplinkRules(uplink, node, path, {
        ids: devices.isComplete ? devices.sensorIds : null,
        problems: context.problems,
      })
    return uplink ?? []
  })
}

function readUplink(node: ConfigNode, path: Path, { catalogue, problems }: ReadContext): UplinkConfig | undefined {
  const kind = readChoice(node, path, { key: 'type', known: catalogue.uplinks, common: UplinkCommonSchema, problems })
  if (!kind) return undefined
  const subject = { node, path, problems }
  const values = plainMap(subject, chosenBy(UplinkCommonSchema, 'type', kind.type, kind.schema))
  if (!values) return undefined
  const common = decodeKeys(values, UplinkCommonSchema, subject)
  const own = decodeKeys(values, kind.schema, subject)
  if (!common || !own) return undefined
  const { id, include, exclude, replay, batch, inFlight, commands, deadLetters } = common
  return {
    id,
    type: kind.type,
    include,
    exclude,
    map: common.map.map(({ sensor, as, machine }) => ({ sensor, as: as ?? null, machine: machine ?? null })),
    replay: { order: replay.order, maxRate: replay.maxRate ?? null },
    batch: { records: batch.records, delayMs: batch.delay },
    inFlight,
    commands: commands ? { allow: commands.allow, write: commands.write, maxAgeMs: commands.maxAge } : null,
    deadLetters,
    config: own,
  }
}

/** A pattern that matches nothing is a slip: it would forward nothing, or keep nothing back, and never say so. */
function checkPatterns(
  list: ConfigNode | undefined,
  path: Path,
  sensorIds: readonly string[],
  { problems }: ReadContext,
): void {
  for (const [index, node] of elementsOf(list).entries()) {
    if (node.kind !== 'scalar' || typeof node.value !== 'string' || node.value === '') continue
    const pattern = sensorPattern(node.value)
    if (sensorIds.some((id) => pattern.test(id))) continue
    problems.add(
      node.place,
      [...path, index],
      `"${node.written}" matches no sensor; patterns are full ids, for example press-1.*`,
    )
  }
}
