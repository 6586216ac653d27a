// A CSV text of sensors on its own, without a device around it: its rows as plain values, or its problems.

import type { Driver } from '#domain/driver.ts'
import { decodeAll, plainMap, type PlainMap } from './decode-node.ts'
import { joined, SensorCommonSchema } from './gateway-schema.ts'
import { Problems, type ConfigProblemAt } from './problems.ts'
import { viewOf } from './schema-view.ts'
import { checkSensorRules } from './sensor-rules.ts'
import { parseSensors } from './sensors-file.ts'
import { UniqueNames } from './unique-names.ts'

export interface SensorRows {
  /** Of use only without problems: keys and values as they would stand in YAML. */
  readonly rows: readonly PlainMap[]
  readonly problems: readonly ConfigProblemAt[]
}

/** `label` names the text in messages. */
export function readSensorRows(csv: string, label: string, driver: Driver): SensorRows {
  const problems = new Problems()
  const schema = joined(SensorCommonSchema, driver.sensorSchema)
  const names = new UniqueNames('sensor', problems)
  const sound = parseSensors(csv, { label, schema: viewOf(schema) }, problems).flatMap((node) => {
    const subject = { node, path: [], problems }
    names.add(node, [])
    checkSensorRules(subject)
    const values = plainMap(subject, schema)
    return values ? [{ subject, values }] : []
  })
  decodeAll(sound, SensorCommonSchema)
  decodeAll(sound, driver.sensorSchema)
  return { rows: sound.map(({ values }) => values), problems: problems.list(label) }
}
