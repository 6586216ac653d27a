// The entries of `devices` → DeviceConfig: each against the common schema and its driver's.

import type { Driver } from '#domain/driver.ts'
import { sensorId } from '#domain/ids.ts'
import { checkBuses, type PlacedDevice } from './bus-problems.ts'
import { readChoice } from './choice.ts'
import { elementsOf, placeAt, textAt, type ConfigNode } from './config-node.ts'
import type { ReadContext } from './context.ts'
import { decodeKeys, plainMap } from './decode-node.ts'
import type { DeviceConfig } from './gateway-config.ts'
import { chosenBy, DeviceCommonSchema } from './gateway-schema.ts'
import { MachineNames } from './machine-names.ts'
import { readSensors, sensorSources, type ReadSensor, type SensorSource, type SensorSources } from './read-sensors.ts'
import { checkPoll } from './sensor-rules.ts'
import { UniqueNames } from './unique-names.ts'
import { withSmallInitial } from './wording.ts'

export interface ReadDevices {
  /** Those without problems of their schemas. */
  readonly devices: readonly DeviceConfig[]
  /** Full ids of all sensors that have one, also of those with problems. */
  readonly sensorIds: readonly string[]
  /** False when some sensors could not be read: then nothing can be said about what is missing. */
  readonly isComplete: boolean
  readonly sensorCount: number
  /** Where each sensor that has an id stands, and the driver of its device as written. */
  readonly sources: readonly { readonly id: string; readonly driver: string; readonly source: SensorSource }[]
}

/** Reads the list; problems go to the context. */
export function readDevices(list: ConfigNode | undefined, context: ReadContext): ReadDevices {
  const devices: PlacedDevice[] = []
  const sources: { id: string; driver: string; source: SensorSource }[] = []
  const names = new UniqueNames('device', context.problems)
  const machines = new MachineNames(context.problems)
  let isComplete = true
  let sensorCount = 0
  for (const [index, node] of elementsOf(list).entries()) {
    const source: SensorSource = { node, path: ['devices', index] }
    names.add(node, source.path)
    machines.add(node, source.path)
    const read = readDevice(source, context)
    if (read.config) devices.push({ config: read.config, source })
    const ids = fullIds(node, read)
    sources.push(...ids)
    sensorCount += read.sensors.length
    isComplete &&= read.isComplete && ids.length === read.sensors.length
  }
  checkBuses(devices, context)
  return {
    devices: devices.map(({ config }) => config),
    sensorIds: sources.map(({ id }) => id),
    isComplete,
    sensorCount,
    sources,
  }
}

function fullIds(
  device: ConfigNode,
  { sensors }: SensorSources,
): { id: string; driver: string; source: SensorSource }[] {
  const deviceId = textAt(device, ['id'])
  const driver = textAt(device, ['driver']) ?? ''
  return sensors.flatMap((source) => {
    const id = textAt(source.node, ['id'])
    return deviceId === undefined || id === undefined ? [] : [{ id: sensorId(deviceId, id), driver, source }]
  })
}

interface ReadDevice extends SensorSources {
  readonly config: DeviceConfig | undefined
}

function readDevice(source: SensorSource, context: ReadContext): ReadDevice {
  const { node, path } = source
  const { problems, catalogue } = context
  const driver = readChoice(node, path, {
    key: 'driver',
    known: catalogue.drivers,
    common: DeviceCommonSchema,
    problems,
  })
  checkPoll({ node, path, problems })
  const sources = sensorSources(source, driver, context)
  if (!driver) return { ...sources, config: undefined }
  const own = readKeys(source, driver, context)
  const sensors = readSensors(sources.sensors, driver, context)
  if (!own) return { ...sources, config: undefined }
  askDriver(driver, own.config, { source, sensors, context })
  return { ...sources, config: { ...own, sensors: sensors.map((sensor) => sensor.config) } }
}

function readKeys(
  source: SensorSource,
  driver: Driver,
  { problems }: ReadContext,
): Omit<DeviceConfig, 'sensors'> | undefined {
  const subject = { ...source, problems }
  const values = plainMap(subject, chosenBy(DeviceCommonSchema, 'driver', driver.kind, driver.deviceSchema))
  if (!values) return undefined
  const common = decodeKeys(values, DeviceCommonSchema, subject)
  const own = decodeKeys(values, driver.deviceSchema, subject)
  if (!common || !own) return undefined
  return { id: common.id, driver: driver.kind, machine: common.machine ?? common.id, pollMs: common.poll, config: own }
}

interface Asked {
  readonly source: SensorSource
  /** Those that fit their schemas; the driver's indexes count among these. */
  readonly sensors: readonly ReadSensor[]
  readonly context: ReadContext
}

function askDriver(driver: Driver, config: unknown, { source, sensors, context }: Asked): void {
  const { problems, redact } = context
  const configs = sensors.map((sensor) => sensor.config.config)
  for (const { path, message } of driver.problems(config, configs)) {
    const [head, index, ...rest] = path
    const sensor = head === 'sensors' && typeof index === 'number' ? sensors[index] : undefined
    const at = sensor ? rest : path
    const { node, path: lead } = sensor?.source ?? source
    problems.add(placeAt(node, at), [...lead, ...at], redact(withSmallInitial(message)))
  }
}
