// The services of a brain beside rules and ingest: one line for each.

import type { BrainService } from './service.ts'

export function brainServices(): BrainService[] {
  return []
}
