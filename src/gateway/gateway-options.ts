// What a gateway is made of, and what it is asked for when it starts.

import type { Acquisition } from '#acquisition/acquisition.ts'
import type { Api } from '#api/server.ts'
import type { GatewayConfig } from '#config/gateway-config.ts'
import type { Catalogue } from '#config/load.ts'
import type { ConfigurationDesk } from '#domain/configuration.ts'
import type { Clock } from '#kit/clock.ts'
import type { Logger } from '#kit/logger.ts'
import type { Pipeline } from '#pipeline/pipeline.ts'
import type { Store } from '#store/store.ts'
import type { Uplinks } from '#uplinks/uplinks.ts'
import type { BegunGateway } from './begin.ts'
import type { EmbeddedBroker } from './broker.ts'
import type { ClockWatch } from './clock-watch.ts'
import type { Configuration } from './configuration.ts'
import type { ConfigurationSource } from './configuration-reader.ts'
import type { DetectorFile } from './detector-file.ts'
import type { GatewayTraces } from './tracing.ts'

export interface GatewayOptions {
  readonly config: GatewayConfig
  readonly catalogue: Catalogue
  readonly clock: Clock
  readonly log: Logger
  /** Uniform in [0, 1); for jitter. */
  readonly random: () => number
  /** Where `config` was read from; absent: it cannot be changed while the gateway runs. */
  readonly source?: ConfigurationSource
  /** The last lines that `log` wrote, oldest first. */
  readonly recentLog?: () => readonly string[]
  /** What was begun before its code was loaded. */
  readonly begun?: BegunGateway
  /** Called once all code is loaded. */
  readonly afterLoading?: () => void
  /** Uplinks that a later configuration will bring: what is read until then is kept for them. */
  readonly expectedUplinks?: readonly string[]
  /** Folder of the built dashboard; default: dist/ui. */
  readonly dashboardDir?: string
}

/** Made, and wired to one another; nothing runs yet but the store. */
export interface GatewayParts {
  readonly clockWatch: ClockWatch
  readonly store: Store
  readonly pipeline: Pipeline
  readonly api: Api
  readonly uplinks: Uplinks
  readonly traces: GatewayTraces
  readonly acquisition: Acquisition
  readonly configuration: Configuration | null
  /** The same, told to the audit log. */
  readonly desk: ConfigurationDesk | null
  readonly broker: EmbeddedBroker | null
  readonly detectorFile: DetectorFile
}
