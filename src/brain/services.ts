// The services of a brain beside rules and ingest: one line for each.

import type { BrainConfig } from '#config/brain-config.ts'
import { AnalyticsService } from './analytics/analytics-service.ts'
import type { BrainService } from './service.ts'

export function brainServices({ analytics, reports }: BrainConfig): BrainService[] {
  const { threads, ...history } = analytics
  return [new AnalyticsService({ history, reports, threads })]
}
