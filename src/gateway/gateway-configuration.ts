// The configuration desk of one gateway, put together from its parts.

import { join } from 'node:path'
import type { Acquisition } from '#acquisition/acquisition.ts'
import type { GatewayConfig } from '#config/gateway-config.ts'
import type { Catalogue } from '#config/load.ts'
import type { HealthReason } from '#domain/component.ts'
import type { Clock } from '#kit/clock.ts'
import type { Logger } from '#kit/logger.ts'
import type { Pipeline } from '#pipeline/pipeline.ts'
import type { Store } from '#store/store.ts'
import type { Uplinks } from '#uplinks/uplinks.ts'
import type { AppearedSensors } from './appeared-sensors.ts'
import { Configuration } from './configuration.ts'
import type { ConfigurationSource } from './configuration-reader.ts'
import { startRevision } from './configuration-start.ts'
import { REVISIONS_FOLDER } from './data-files.ts'
import { parseInThread } from './parse-configuration.ts'
import type { Present } from './present.ts'
import { reload } from './reload.ts'
import { RevisionStore } from './revision-store.ts'

export interface GatewayConfigurationOptions {
  readonly source: ConfigurationSource
  readonly config: GatewayConfig
  readonly catalogue: Catalogue
  readonly clock: Clock
  readonly log: Logger
  readonly store: Store
  readonly pipeline: Pipeline
  readonly acquisition: Acquisition
  readonly uplinks: Uplinks
  readonly present: Present
  readonly appeared: AppearedSensors
  readonly reasons: () => readonly HealthReason[]
}

/** Reads the revisions and adds the present one where it is new. Throws STORE_IO. */
export async function gatewayConfiguration(options: GatewayConfigurationOptions): Promise<Configuration> {
  const { source, config, catalogue, clock, log, pipeline, acquisition, uplinks, present } = options
  const folder = join(config.data, REVISIONS_FOLDER)
  const revisions = await RevisionStore.open(folder, () => present.config.configuration.revisions, log)
  const head = await startRevision(revisions, source, { clock, log })
  return new Configuration(
    {
      source,
      config,
      catalogue,
      clock,
      log,
      revisions,
      bringIn: (next) => reload(next, options),
      health: () => ({ devices: acquisition.list(), uplinks: uplinks.list(), reasons: options.reasons() }),
      record: (event) => void pipeline.record(event),
      parse: parseInThread,
    },
    head,
  )
}
