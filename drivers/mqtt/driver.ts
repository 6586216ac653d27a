// The MQTT driver: its kind, schemas and devices. One driver object shares one connection among all devices that name the
// same broker with the same credentials.

import type { LocalBroker } from '#domain/broker.ts'
import type { ConfigProblem, Driver } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { Clock } from '#kit/clock.ts'
import { addressOf, sharingKey, type ConnectionConfig } from './address.ts'
import { ClientLine } from './client-line.ts'
import { MqttDevice } from './device.ts'
import { EmbeddedLine } from './embedded-line.ts'
import type { Line } from './line.ts'
import { valueTypeOf } from './point.ts'
import { mqttProblems } from './problems.ts'
import { sessionProblems } from './session-problems.ts'
import { MqttDeviceSchema, MqttSensorSchema, type MqttDeviceConfig, type MqttSensorConfig } from './schema.ts'

export interface MqttDriverOptions {
  readonly clock: Clock
}

export function mqttDriver(options: MqttDriverOptions): Driver {
  const lines = new Map<string, Line>()
  const clientLine = (connection: ConnectionConfig): { bus: string; line: Line } => {
    const address = addressOf(connection)
    const key = sharingKey(address)
    const line = lines.get(key) ?? new ClientLine({ address, clock: options.clock })
    lines.set(key, line)
    return { bus: `mqtt://${address.name}#${key.slice(0, 8)}`, line }
  }
  const embeddedLine = (broker: LocalBroker | undefined): { bus: string; line: Line } => {
    if (broker === undefined) {
      throw new TelemetryError(
        'CONFIG_INVALID',
        'The device has no url and the gateway has no embedded broker: give connection.url, or the key broker',
      )
    }
    return { bus: 'mqtt:embedded', line: new EmbeddedLine(broker, options.clock) }
  }
  return {
    kind: 'mqtt',
    deviceSchema: MqttDeviceSchema,
    sensorSchema: MqttSensorSchema,
    valueType: (sensorConfig) => valueTypeOf(sensorConfig as MqttSensorConfig),
    problems: (deviceConfig, sensorConfigs): readonly ConfigProblem[] =>
      mqttProblems(deviceConfig as MqttDeviceConfig, sensorConfigs as readonly MqttSensorConfig[]),
    busProblems: sessionProblems,
    sendsByItself: () => true,
    needsBroker: (deviceConfig) => !hasUrl((deviceConfig as MqttDeviceConfig).connection),
    open(setup, context) {
      const config = setup.config as MqttDeviceConfig
      const { connection } = config
      const { bus, line } = hasUrl(connection) ? clientLine(connection) : embeddedLine(context.broker)
      const points = setup.groups.flatMap((group) => group.points)
      return new MqttDevice({ id: setup.id, bus, config, points, line, context })
    },
  }
}

function hasUrl(connection: MqttDeviceConfig['connection']): connection is ConnectionConfig {
  return connection?.url !== undefined
}
