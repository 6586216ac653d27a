// The HTTP driver: devices that programs send to, by POST /api/v1/ingest/{device}.

import type { ConfigProblem, Driver } from '#domain/driver.ts'
import { HttpDevice } from './device.ts'
import { VALUE_TYPES } from './values.ts'
import {
  DEFAULT_MAX_SENSORS,
  HttpDeviceSchema,
  HttpSensorSchema,
  type HttpDeviceConfig,
  type HttpSensorConfig,
} from './schema.ts'

export function httpDriver(): Driver {
  return {
    kind: 'http',
    deviceSchema: HttpDeviceSchema,
    sensorSchema: HttpSensorSchema,
    valueType: (sensorConfig) => VALUE_TYPES[(sensorConfig as HttpSensorConfig).type ?? 'number'],
    problems: (deviceConfig, sensorConfigs) => [
      ...sizeProblems(deviceConfig as HttpDeviceConfig, sensorConfigs.length),
      ...fieldProblems(sensorConfigs as readonly HttpSensorConfig[]),
    ],
    sendsByItself: () => true,
    maxSensors: (deviceConfig) => mostSensors(deviceConfig as HttpDeviceConfig),
    open: ({ id, groups, config }, context) =>
      new HttpDevice({
        id,
        points: groups.flatMap((group) => group.points),
        maxSensors: mostSensors(config as HttpDeviceConfig),
        context,
      }),
  }
}

/** null: only those that the configuration names. */
function mostSensors({ accept, maxSensors = DEFAULT_MAX_SENSORS }: HttpDeviceConfig): number | null {
  return accept === 'any' ? maxSensors : null
}

function sizeProblems(config: HttpDeviceConfig, sensors: number): ConfigProblem[] {
  const most = mostSensors(config)
  if (most === null || sensors <= most) return []
  return [{ path: ['maxSensors'], message: `The device has ${sensors} sensors, more than ${most}` }]
}

function fieldProblems(sensors: readonly HttpSensorConfig[]): ConfigProblem[] {
  const fields = new Set<string>()
  return sensors.flatMap(({ field }, index) => {
    if (field === undefined) return []
    const isTaken = fields.has(field)
    fields.add(field)
    const message = 'Another sensor of this device has the same field'
    return isTaken ? [{ path: ['sensors', index, 'field'], message }] : []
  })
}
