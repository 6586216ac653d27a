// What a brain is started with.

import type { BrainConfig } from '#config/brain-config.ts'
import type { Clock } from '#kit/clock.ts'
import type { Logger } from '#kit/logger.ts'
import type { BrainService } from './service.ts'

export interface BrainOptions {
  readonly config: BrainConfig
  readonly clock: Clock
  readonly log: Logger
  /** Uniform in [0, 1); for jitter. */
  readonly random: () => number
  readonly version: string
  /** Services beside those of this room's core. */
  readonly services?: readonly BrainService[]
  /** Ends the wait for a database that is away at the start. */
  readonly signal?: AbortSignal
}
