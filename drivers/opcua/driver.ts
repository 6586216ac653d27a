// The OPC UA driver: its kind, schemas and devices. The library behind it is loaded before the gateway polls
// anything, or by the first device that connects.

import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConfigProblem, DeviceSetup, Driver, DriverContext } from '#domain/driver.ts'
import type { Clock } from '#kit/clock.ts'
import { OpcuaDevice } from './device.ts'
import { loadLibrary } from './library.ts'
import { Pki } from './pki.ts'
import { pointOf } from './point.ts'
import { opcuaProblems } from './problems.ts'
import {
  DEFAULT_PUBLISH_INTERVAL_MS,
  DEFAULT_TIMEOUT_MS,
  OpcuaDeviceSchema,
  OpcuaSensorSchema,
  type OpcuaDeviceConfig,
  type OpcuaSensorConfig,
} from './schema.ts'
import { securityOf } from './security.ts'

/** Folder of certificates within a gateway's data folder. */
export function pkiFolder(dataDir: string): string {
  return join(dataDir, 'opcua')
}

/** Makes the driver; `clock` times answers and connections. `pkiDir`: instead of the folder in the gateway's data. */
export function opcuaDriver(options: { clock: Clock; pkiDir?: string }): Driver {
  const { clock } = options
  const stores = new Map<string, Pki>()
  const pkiOf = (context: DriverContext): Pki => {
    const folder = options.pkiDir ?? pkiFolder(context.dataDir ?? join(tmpdir(), 'telemetryx'))
    const pki = stores.get(folder) ?? new Pki(folder)
    stores.set(folder, pki)
    return pki
  }
  return {
    kind: 'opcua',
    deviceSchema: OpcuaDeviceSchema,
    sensorSchema: OpcuaSensorSchema,
    valueType: (sensorConfig) => (sensorConfig as OpcuaSensorConfig).type ?? 'number',
    problems: (deviceConfig, sensorConfigs): readonly ConfigProblem[] =>
      opcuaProblems(deviceConfig as OpcuaDeviceConfig, sensorConfigs as readonly OpcuaSensorConfig[]),
    sendsByItself: (deviceConfig) => (deviceConfig as OpcuaDeviceConfig).mode !== 'poll',
    prepare: async () => void (await loadLibrary()),
    open(setup, context) {
      const config = setup.config as OpcuaDeviceConfig
      const { connection } = config
      return new OpcuaDevice({
        id: setup.id,
        endpoint: connection.endpoint,
        security: securityOf(connection),
        user: connection.user,
        timeoutMs: connection.timeout ?? DEFAULT_TIMEOUT_MS,
        publishIntervalMs: config.publishInterval ?? DEFAULT_PUBLISH_INTERVAL_MS,
        groups: groupsOf(setup, config),
        pki: pkiOf(context),
        clock,
        context,
      })
    },
  }
}

function groupsOf(setup: DeviceSetup, config: OpcuaDeviceConfig) {
  return setup.groups.map(({ intervalMs, points }) => ({
    intervalMs,
    points: points.map((point) => pointOf(point.sensor, point.config as OpcuaSensorConfig, config)),
  }))
}
