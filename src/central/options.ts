// What central is started with, and what its parts stand on.

import type { Database } from '#backing/database.ts'
import type { NatsPort } from '#backing/nats.ts'
import type { RedisPort } from '#backing/redis.ts'
import type { CentralConfig } from '#config/central-config.ts'
import type { Tracing } from '#domain/tracing.ts'
import type { Clock } from '#kit/clock.ts'
import type { Logger } from '#kit/logger.ts'
import type { Registry } from '#kit/metrics.ts'

export interface CentralOptions {
  readonly config: CentralConfig
  readonly clock: Clock
  readonly log: Logger
  readonly version: string
  /** Folder of the built pages; default: dist/ui. */
  readonly pagesDir?: string
  /** Uniform in [0, 1); for jitter. */
  readonly random: () => number
  /** Aborts a start that waits for the database. */
  readonly signal: AbortSignal
}

/** What the parts stand on. */
export interface Backing {
  readonly database: Database
  readonly redis: RedisPort | null
  readonly nats: NatsPort | null
  readonly tracing: Tracing
  readonly registry: Registry
}
