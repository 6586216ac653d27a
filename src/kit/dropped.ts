// The one counter of everything given up, shared by the rooms of a gateway: stage and reason tell them apart.

import { Counter, type Registry } from './metrics.ts'

const NAME = 'telemetryx_dropped_total'

/** One series of the counter. */
export interface DropCounter {
  inc(count?: number): void
}

/** Counter of what `stage` gives up for `reason`; there from the start at 0. Rooms may ask for it in any order. */
export function dropCounter(registry: Registry, stage: string, reason: string): DropCounter {
  const known = registry.getSingleMetric(NAME)
  const counter =
    known instanceof Counter
      ? known
      : new Counter({ name: NAME, help: 'Records given up', labelNames: ['stage', 'reason'], registers: [registry] })
  const series = counter.labels({ stage, reason })
  series.inc(0)
  return series
}
