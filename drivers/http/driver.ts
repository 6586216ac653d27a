// The HTTP driver: devices that programs send to, by POST /api/v1/ingest/{device}.

import type { ConfigProblem, Driver } from '#domain/driver.ts'
import type { ValueType } from '#domain/value.ts'
import { HttpDevice } from './device.ts'
import { HttpDeviceSchema, HttpSensorSchema, type HttpSensorConfig } from './schema.ts'

const VALUE_TYPES: Readonly<Record<NonNullable<HttpSensorConfig['type']>, ValueType>> = {
  number: 'number',
  bool: 'boolean',
  string: 'string',
  int64: 'int64',
  uint64: 'uint64',
}

export function httpDriver(): Driver {
  return {
    kind: 'http',
    deviceSchema: HttpDeviceSchema,
    sensorSchema: HttpSensorSchema,
    valueType: (sensorConfig) => VALUE_TYPES[(sensorConfig as HttpSensorConfig).type ?? 'number'],
    problems: (_deviceConfig, sensorConfigs) => fieldProblems(sensorConfigs as readonly HttpSensorConfig[]),
    sendsByItself: () => true,
    open: ({ id, groups }, context) =>
      new HttpDevice(
        id,
        groups.flatMap((group) => group.points),
        context,
      ),
  }
}

function fieldProblems(sensors: readonly HttpSensorConfig[]): ConfigProblem[] {
  const fields = sensors.map(({ field }) => field)
  return fields.flatMap((field, index) =>
    field !== undefined && fields.indexOf(field) < index
      ? [{ path: ['sensors', index, 'field'], message: 'Another sensor of this device has the same field' }]
      : [],
  )
}
