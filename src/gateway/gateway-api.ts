// What of the gateway its API sees.

import { existsSync } from 'node:fs'
import type { Acquisition } from '#acquisition/acquisition.ts'
import { createApi, type Api } from '#api/server.ts'
import type { HealthReason } from '#domain/component.ts'
import type { IngestPort } from '#domain/ingest.ts'
import type { Registry } from '#kit/metrics.ts'
import type { Pipeline } from '#pipeline/pipeline.ts'
import type { Store } from '#store/store.ts'
import type { Uplinks } from '#uplinks/uplinks.ts'
import { CommandArchives } from './archives.ts'
import { checkDesk } from './backtest.ts'
import { ProcessExports } from './exports.ts'
import type { GatewayOptions } from './gateway-options.ts'
import { installedLicences } from './licences.ts'
import type { Present } from './present.ts'
import { GatewayScans } from './scans.ts'
import type { SecretDoors } from './secret-doors.ts'
import { packageVersion, PACKAGE_ROOT } from './version.ts'

interface SeenParts {
  readonly store: Store
  readonly pipeline: Pipeline
  readonly acquisition: Acquisition
  readonly uplinks: Uplinks
  readonly registry: Registry
  readonly ingest: IngestPort
  readonly present: Present
  readonly health: () => readonly HealthReason[]
  /** The configuration and its secrets; null: they cannot be changed while the gateway runs. */
  readonly typed: SecretDoors | null
}

export function gatewayApi(options: GatewayOptions, parts: SeenParts): Api {
  const { config, clock, log, source } = options
  const { store, pipeline, acquisition, uplinks, registry, ingest, present, health, typed } = parts
  const builtDir = options.dashboardDir ?? `${PACKAGE_ROOT}dist/ui`
  const dashboardDir = existsSync(builtDir) ? builtDir : null
  const model = () => present.model
  return createApi({
    http: config.http,
    dataDir: config.data,
    info: {
      id: config.gateway.id,
      version: packageVersion(),
      epoch: store.epoch,
      startedAt: clock.now(),
      health,
      model,
    },
    latest: pipeline.latest,
    alarms: pipeline.alarms,
    alarmOperators: () => present.config.alarms.operators,
    history: store.history,
    checks: checkDesk({ pipeline, model, log }),
    devices: acquisition,
    uplinks,
    registry,
    ingest,
    ...typed,
    dashboardDir,
    clock,
    log: log.child({ room: 'api' }),
    archives: new CommandArchives({ dataDir: config.data, configFile: source?.file ?? null, history: store.history }),
    scans: new GatewayScans({ clock, dataDir: config.data, devices: () => acquisition.list() }),
    exports: new ProcessExports({ dataDir: config.data, flush: () => store.flush() }),
    licences: () => installedLicences(dashboardDir),
    ...(options.recentLog && { recentLog: options.recentLog }),
  })
}
