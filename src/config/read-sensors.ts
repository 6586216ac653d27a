// The sensors of one device → SensorConfig: from the YAML and from its CSV file, against the common and the driver's schema.

import { join, resolve } from 'node:path'
import type { Driver } from '#domain/driver.ts'
import type { WriteLimits } from '#domain/sensor.ts'
import type { ValueType } from '#domain/value.ts'
import type { StaticDecode } from 'typebox'
import { elementsOf, nodeAt, type ConfigNode, type Path } from './config-node.ts'
import type { ReadContext } from './context.ts'
import { decodeAll, plainMap } from './decode-node.ts'
import type { SensorConfig } from './gateway-config.ts'
import { joined, SensorCommonSchema, type WriteLimitsSchema } from './gateway-schema.ts'
import { viewOf } from './schema-view.ts'
import { checkSensorRules, checkTypeRules } from './sensor-rules.ts'
import { readSensorsFile } from './sensors-file.ts'
import { UniqueNames } from './unique-names.ts'

/** A sensor as written; `path` is empty for a row of a CSV file, whose columns name its keys. */
export interface SensorSource {
  readonly node: ConfigNode
  readonly path: Path
}

export interface SensorSources {
  readonly sensors: readonly SensorSource[]
  /** False when the device names a file that could not be read. */
  readonly isComplete: boolean
}

/** The sensors in the YAML, then those in the file. Without a driver nothing is known of the file's columns. */
export function sensorSources(device: SensorSource, driver: Driver | undefined, context: ReadContext): SensorSources {
  const sensors: SensorSource[] = elementsOf(nodeAt(device.node, ['sensors'])).map((node, index) => ({
    node,
    path: [...device.path, 'sensors', index],
  }))
  const named = nodeAt(device.node, ['sensorsFile'])
  if (named === undefined) return { sensors, isComplete: true }
  if (!driver || named.kind !== 'scalar' || typeof named.value !== 'string' || named.value === '') {
    return { sensors, isComplete: false }
  }
  const rows = readSensorsFile(
    {
      path: resolve(context.folder, named.value),
      label: named.written.startsWith('/') ? named.written : join(context.file, '..', named.written),
      schema: viewOf(joined(SensorCommonSchema, driver.sensorSchema)),
      readText: context.readText,
    },
    named.place,
    [...device.path, 'sensorsFile'],
    context.problems,
  )
  for (const node of rows ?? []) sensors.push({ node, path: [] })
  return { sensors, isComplete: rows !== undefined }
}

export interface ReadSensor {
  readonly source: SensorSource
  readonly config: SensorConfig
}

/** Those without problems of their schemas. */
export function readSensors(sources: readonly SensorSource[], driver: Driver, { problems }: ReadContext): ReadSensor[] {
  const schema = joined(SensorCommonSchema, driver.sensorSchema)
  const names = new UniqueNames('sensor', problems)
  const sound = sources.flatMap((source) => {
    const subject = { ...source, problems }
    names.add(source.node, source.path)
    checkSensorRules(subject)
    const values = plainMap(subject, schema)
    return values ? [{ source, subject, values }] : []
  })
  const commons = decodeAll(sound, SensorCommonSchema)
  const owns = decodeAll(sound, driver.sensorSchema)
  return sound.flatMap(({ source, subject }, index) => {
    const common = commons[index]
    const own = owns[index]
    if (!common || !own) return []
    const rawType = driver.valueType(own)
    checkTypeRules(rawType, subject)
    return [{ source, config: sensorConfig(common, rawType, own) }]
  })
}

function sensorConfig(common: StaticDecode<typeof SensorCommonSchema>, rawType: ValueType, own: unknown): SensorConfig {
  const { id, description, unit, writable, writeLimits, checks, scale, deadband, poll } = common
  return {
    id,
    description,
    unit,
    writable,
    writeLimits: writeLimits ? limitsOf(writeLimits) : null,
    checks,
    scale: scale ?? null,
    deadband: deadband ? { absolute: deadband.absolute, maxIntervalMs: deadband.maxInterval ?? null } : null,
    pollMs: poll ?? null,
    valueType: scale ? 'number' : rawType,
    config: own,
  }
}

function limitsOf({ min, max, perMinute, validFor }: StaticDecode<typeof WriteLimitsSchema>): WriteLimits {
  return { min: min ?? null, max: max ?? null, perMinute, validMs: validFor }
}
