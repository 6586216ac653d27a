// What the calls of analytics share.

import type { Log } from '#domain/driver.ts'
import type { Clock } from '#kit/clock.ts'
import type { DriftMonitor } from '../models/drift-monitor.ts'
import type { ModelRegistry } from '../models/registry.ts'
import type { TrainingJobs } from '../models/training-jobs.ts'
import type { RecordFeed } from '../service.ts'
import type { ReadingHistory } from './history.ts'
import type { Jobs } from './jobs.ts'
import type { WatchBudget } from './watch-budget.ts'
import type { WorkerPool } from './worker-pool.ts'

export interface AnalyticsParts {
  readonly clock: Clock
  readonly log: Log
  readonly history: ReadingHistory
  readonly models: ModelRegistry
  readonly drift: DriftMonitor
  readonly feed: RecordFeed
  readonly pool: WorkerPool<Jobs & TrainingJobs>
  readonly budget: WatchBudget
  /** Values in one call. */
  readonly maxPoints: number
}
