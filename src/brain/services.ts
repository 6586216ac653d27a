// The services of a brain beside rules and ingest: one line for each.

import { AnalyticsService } from './analytics/analytics-service.ts'
import type { BrainService } from './service.ts'

export function brainServices(): BrainService[] {
  return [new AnalyticsService()]
}
