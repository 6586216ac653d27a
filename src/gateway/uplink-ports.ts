// What the gateway lends to its uplinks: its alarms, devices, latest values and dead letters, and where they may keep files.

import { join } from 'node:path'
import type { GatewayConfig } from '#config/gateway-config.ts'
import type { AuditSink } from '#domain/audit.ts'
import type { ConfigurationDesk } from '#domain/configuration.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { Model } from '#domain/sensor.ts'
import type { DeviceDirectory } from '#domain/views.ts'
import type { Pipeline } from '#pipeline/pipeline.ts'
import type { Store } from '#store/store.ts'
import type { CommandPorts, GatewayPorts } from '#uplinks/gateway-ports.ts'
import type { RecordTraces } from '#uplinks/record-traces.ts'
import { auditedCommands } from './audited-doors.ts'
import { packageVersion } from './version.ts'

export interface UplinkPortsOptions {
  readonly audit: AuditSink
  readonly model: () => Model
  readonly config: GatewayConfig
  readonly store: Store
  readonly pipeline: Pipeline
  readonly devices: DeviceDirectory
  /** null: nothing is traced. */
  readonly traces: RecordTraces | null
  /** null: this gateway's configuration cannot be changed, nor another one checked. */
  readonly configuration: () => Pick<ConfigurationDesk, 'check' | 'apply' | 'plan' | 'present' | 'revisions'> | null
}

export function uplinkPorts(options: UplinkPortsOptions): GatewayPorts {
  const { config, store, pipeline, configuration, traces } = options
  return {
    configDir: config.folder,
    stateDir: join(config.data, 'uplinks'),
    epoch: store.epoch,
    version: packageVersion(),
    deadLetters: store.deadLetters,
    configuration,
    traces,
    latest: (sensor) => pipeline.latest.read(sensor),
    record: (event) => void pipeline.record(event),
    commands: commands(options),
  }
}

function commands({ audit, model, pipeline, devices, configuration }: UplinkPortsOptions): CommandPorts {
  const { latest, alarms } = pipeline
  const plain: CommandPorts = {
    write: (sensor, value, origin, signal) => devices.write(sensor, value, origin, signal),
    acknowledge: (alarm, by, comment) => void alarms.acknowledge(alarm, by, comment),
    check: async (text) => {
      const desk = configuration()
      if (!desk) throw new TelemetryError('NOT_FOUND', 'This gateway has no configuration file')
      return desk.check(text)
    },
  }
  return auditedCommands(plain, { audit, latest, alarms, model })
}
