// The entries of `devices` → DeviceConfig: each against the common schema and its driver's, sensors from the YAML and CSV.

import { join, resolve } from 'node:path'
import type { Driver } from '#domain/driver.ts'
import { idFromName, sensorId } from '#domain/ids.ts'
import {
  elementsOf,
  nodeAt,
  placeAt,
  textAt,
  type ConfigNode,
  type MapNode,
  type Path,
  type Place,
} from './config-node.ts'
import type { ReadContext } from './context.ts'
import { decodeKeys, plainMap } from './decode-node.ts'
import { readChoice } from './choice.ts'
import type { DeviceConfig, SensorConfig } from './gateway-config.ts'
import { chosenBy, DeviceCommonSchema, joined, SensorCommonSchema } from './gateway-schema.ts'
import { viewOf } from './schema-view.ts'
import { checkPoll, checkSensorRules } from './sensor-rules.ts'
import { readSensorsFile } from './sensors-file.ts'
import { UniqueNames } from './unique-names.ts'

export interface ReadDevices {
  /** Those without problems. */
  readonly devices: readonly DeviceConfig[]
  /** Full ids of all sensors that have one, also of those with problems. */
  readonly sensorIds: readonly string[]
  /** False when some sensors could not be read: then nothing can be said about what is missing. */
  readonly isComplete: boolean
  readonly sensorCount: number
}

/** Reads the list; problems go to the context. */
export function readDevices(list: ConfigNode | undefined, context: ReadContext): ReadDevices {
  const devices: DeviceConfig[] = []
  const sensorIds: string[] = []
  const names = new UniqueNames('device', context.problems)
  const machines = new Map<string, { name: string; place: Place }>()
  let isComplete = true
  let sensorCount = 0
  for (const [index, node] of elementsOf(list).entries()) {
    const path: Path = ['devices', index]
    names.add(node, path)
    if (node.kind === 'map') checkMachine(node, path, machines, context)
    const read = new DeviceReader(node, path, context).read()
    if (read.config) devices.push(read.config)
    isComplete &&= read.isComplete
    sensorCount += read.sensors.length
    const device = textAt(node, ['id'])
    for (const sensor of read.sensors) {
      const id = textAt(sensor.node, ['id'])
      if (device !== undefined && id !== undefined) sensorIds.push(sensorId(device, id))
      else isComplete = false
    }
  }
  return { devices, sensorIds, isComplete, sensorCount }
}

/** Machine ids are derived from names: `Press 1` and `press 1` would be one machine with two names. */
function checkMachine(
  node: MapNode,
  path: Path,
  machines: Map<string, { name: string; place: Place }>,
  { problems }: ReadContext,
): void {
  const at = node.entries.has('machine') ? 'machine' : 'id'
  const name = textAt(node, [at])
  if (name === undefined) return
  const place = placeAt(node, [at])
  const first = machines.get(idFromName(name))
  if (!first) machines.set(idFromName(name), { name, place })
  else if (first.name !== name) {
    problems.add(
      place,
      [...path, at],
      `gives the same machine id as the name at line ${first.place.line}; write both names alike, or tell them apart`,
    )
  }
}

interface SensorSource {
  readonly node: ConfigNode
  /** Empty for a row of a CSV file: there the column names it. */
  readonly path: Path
}

interface ReadDevice {
  readonly config: DeviceConfig | undefined
  readonly sensors: readonly SensorSource[]
  readonly isComplete: boolean
}

class DeviceReader {
  readonly #node: ConfigNode
  readonly #path: Path
  readonly #context: ReadContext

  constructor(node: ConfigNode, path: Path, context: ReadContext) {
    this.#node = node
    this.#path = path
    this.#context = context
  }

  read(): ReadDevice {
    const { problems, catalogue } = this.#context
    const driver = readChoice(this.#node, this.#path, {
      key: 'driver',
      known: catalogue.drivers,
      common: DeviceCommonSchema,
      problems,
    })
    if (!driver) return { config: undefined, sensors: this.#inlineSensors(), isComplete: false }
    const before = problems.size
    const config = this.#readKeys(driver)
    const { sensors, isComplete } = this.#sensorSources(driver)
    const decoded = this.#readSensors(sensors, driver)
    const isSound = config !== undefined && problems.size === before
    if (isSound) this.#askDriver(driver, config.config, sensors, decoded)
    return { config: isSound ? { ...config, sensors: decoded } : undefined, sensors, isComplete }
  }

  #readKeys(driver: Driver): Omit<DeviceConfig, 'sensors'> | undefined {
    const { problems } = this.#context
    const origin = { node: this.#node, path: this.#path, problems }
    const values = plainMap(
      this.#node,
      chosenBy(DeviceCommonSchema, 'driver', driver.kind, driver.deviceSchema),
      this.#path,
      problems,
    )
    if (!values) return undefined
    const common = decodeKeys(values, DeviceCommonSchema, origin)
    const own = decodeKeys(values, driver.deviceSchema, origin)
    if (!common || !own) return undefined
    checkPoll(common.poll, origin)
    return {
      id: common.id,
      driver: driver.kind,
      machine: common.machine ?? common.id,
      pollMs: common.poll,
      config: own,
    }
  }

  #inlineSensors(): SensorSource[] {
    return elementsOf(nodeAt(this.#node, ['sensors'])).map((node, index) => ({
      node,
      path: [...this.#path, 'sensors', index],
    }))
  }

  #sensorSources(driver: Driver): { sensors: SensorSource[]; isComplete: boolean } {
    const sensors = this.#inlineSensors()
    const named = nodeAt(this.#node, ['sensorsFile'])
    if (named?.kind !== 'scalar') return { sensors, isComplete: true }
    if (named.origin === 'unresolved' || typeof named.value !== 'string') return { sensors, isComplete: false }
    const { folder, file, problems } = this.#context
    const rows = readSensorsFile(
      {
        path: resolve(folder, named.value),
        label: named.written.startsWith('/') ? named.written : join(file, '..', named.written),
        schema: viewOf(joined(SensorCommonSchema, driver.sensorSchema)),
      },
      named.place,
      [...this.#path, 'sensorsFile'],
      problems,
    )
    for (const node of rows ?? []) sensors.push({ node, path: [] })
    return { sensors, isComplete: rows !== undefined }
  }

  #readSensors(sources: readonly SensorSource[], driver: Driver): SensorConfig[] {
    const schema = joined(SensorCommonSchema, driver.sensorSchema)
    const names = new UniqueNames('sensor', this.#context.problems)
    return sources.flatMap(({ node, path }) => {
      names.add(node, path)
      return this.#readSensor({ node, path, problems: this.#context.problems }, schema, driver) ?? []
    })
  }

  #readSensor(
    subject: SensorSource & { problems: ReadContext['problems'] },
    schema: ReturnType<typeof joined>,
    driver: Driver,
  ): SensorConfig | undefined {
    const values = plainMap(subject.node, schema, subject.path, subject.problems)
    if (!values) return undefined
    const common = decodeKeys(values, SensorCommonSchema, subject)
    const own = decodeKeys(values, driver.sensorSchema, subject)
    if (!common || !own) return undefined
    const rawType = driver.valueType(own)
    checkSensorRules(common, rawType, subject)
    const { id, description, unit, writable, checks, scale, deadband, poll } = common
    return {
      id,
      description,
      unit,
      writable,
      checks,
      scale: scale ?? null,
      deadband: deadband ? { absolute: deadband.absolute, maxIntervalMs: deadband.maxInterval ?? null } : null,
      pollMs: poll ?? null,
      valueType: scale ? 'number' : rawType,
      config: own,
    }
  }

  #askDriver(
    driver: Driver,
    config: unknown,
    sources: readonly SensorSource[],
    sensors: readonly SensorConfig[],
  ): void {
    const { problems, redact } = this.#context
    for (const { path, message } of driver.problems(
      config,
      sensors.map((sensor) => sensor.config),
    )) {
      const [head, index, ...rest] = path
      const source = head === 'sensors' && typeof index === 'number' ? sources[index] : undefined
      const subject = source ? { ...source, steps: rest } : { node: this.#node, path: this.#path, steps: path }
      problems.add(placeAt(subject.node, subject.steps), [...subject.path, ...subject.steps], redact(message))
    }
  }
}
