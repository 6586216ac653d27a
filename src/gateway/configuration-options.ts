// What the configuration desk works with.

import type { GatewayConfig } from '#config/gateway-config.ts'
import type { Catalogue, LoadResult } from '#config/load.ts'
import type { EventEntry } from '#domain/alarm.ts'
import type { Log } from '#domain/driver.ts'
import type { Clock } from '#kit/clock.ts'
import type { ConfigurationSource } from './configuration-reader.ts'
import type { HealthView } from './health-watch.ts'
import type { ParseJob } from './parse-configuration.ts'
import type { RevisionStore } from './revision-store.ts'

export interface ConfigurationOptions {
  readonly source: ConfigurationSource
  /** In force at the start; its data folder holds whatever a text says. */
  readonly config: GatewayConfig
  readonly catalogue: Catalogue
  readonly clock: Clock
  readonly log: Log
  readonly revisions: RevisionStore
  /** Brings a configuration into the running gateway; see reload. */
  readonly bringIn: (config: GatewayConfig) => Promise<void>
  readonly health: () => HealthView
  readonly record: (event: EventEntry) => void
  /** parseInThread, or what stands for it. */
  readonly parse: (job: ParseJob) => Promise<LoadResult<GatewayConfig>>
}
