// The serial driver: its kind, schemas and devices. One driver object shares one port among the devices that name it.

import type { ConfigProblem, Driver } from '#domain/driver.ts'
import type { Clock } from '#kit/clock.ts'
import { serialValueType } from './convert.ts'
import { SerialDevice } from './device.ts'
import { Line } from './line.ts'
import { pointsOf } from './point.ts'
import { portProblems, serialProblems } from './problems.ts'
import { SerialDeviceSchema, SerialSensorSchema, type SerialDeviceConfig, type SerialSensorConfig } from './schema.ts'

/** Makes the driver; `clock` times answers and pauses. */
export function serialDriver({ clock }: { clock: Clock }): Driver {
  // As many as there are paths in the configurations of one run; what is owed on a line must outlive a connection.
  const lines = new Map<string, Line>()
  return {
    kind: 'serial',
    deviceSchema: SerialDeviceSchema,
    sensorSchema: SerialSensorSchema,
    valueType: (sensorConfig) => serialValueType(sensorConfig as SerialSensorConfig),
    problems: (deviceConfig, sensorConfigs): readonly ConfigProblem[] =>
      serialProblems(deviceConfig as SerialDeviceConfig, sensorConfigs as readonly SerialSensorConfig[]),
    busProblems: portProblems,
    sendsByItself: (deviceConfig) => (deviceConfig as SerialDeviceConfig).request === undefined,
    pollMs: (deviceConfig) => (deviceConfig as SerialDeviceConfig).request?.every ?? null,
    open(setup, context) {
      const config = setup.config as SerialDeviceConfig
      const { path } = config.connection
      const line = lines.get(path) ?? new Line(clock)
      lines.set(path, line)
      const groups = setup.groups.map(({ points }) => pointsOf(points))
      return new SerialDevice({ bus: `serial:${path}`, config, groups, line, clock, context })
    },
  }
}
