// What the gateway lends to its uplinks: its alarms, devices, latest values and dead letters, and where they may keep files.

import { join } from 'node:path'
import type { GatewayConfig } from '#config/gateway-config.ts'
import type { ConfigurationDesk } from '#domain/configuration.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { DeviceDirectory } from '#domain/views.ts'
import type { Pipeline } from '#pipeline/pipeline.ts'
import type { Store } from '#store/store.ts'
import type { GatewayPorts } from '#uplinks/gateway-ports.ts'
import { packageVersion } from './version.ts'

export interface UplinkPortsOptions {
  readonly config: GatewayConfig
  readonly store: Store
  readonly pipeline: Pipeline
  readonly devices: DeviceDirectory
  /** null: this gateway's configuration cannot be changed, nor another one checked. */
  readonly configuration: () => Pick<ConfigurationDesk, 'check' | 'apply' | 'revisions'> | null
}

export function uplinkPorts({ config, store, pipeline, devices, configuration }: UplinkPortsOptions): GatewayPorts {
  return {
    configDir: config.folder,
    stateDir: join(config.data, 'uplinks'),
    epoch: store.epoch,
    version: packageVersion(),
    deadLetters: store.deadLetters,
    configuration,
    latest: (sensor) => pipeline.latest.read(sensor),
    record: (event) => void pipeline.record(event),
    commands: {
      write: (sensor, value, origin, signal) => devices.write(sensor, value, origin, signal),
      acknowledge: (alarm, by, comment) => void pipeline.alarms.acknowledge(alarm, by, comment),
      check: async (text) => {
        const desk = configuration()
        if (!desk) throw new TelemetryError('NOT_FOUND', 'This gateway has no configuration file')
        return desk.check(text)
      },
    },
  }
}
