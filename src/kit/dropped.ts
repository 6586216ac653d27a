// The one counter of everything that was lost, shared by all rooms: telemetryx_dropped_total{stage,reason}.

import { Counter, type Registry } from './metrics.ts'

const NAME = 'telemetryx_dropped_total'

/** The registry's counter of lost records, made at the first call. `stage`: the room that lost them; `reason`: a stable word. */
export function droppedCounter(registry: Registry): Counter<'stage' | 'reason'> {
  const existing = registry.getSingleMetric(NAME)
  if (existing instanceof Counter) return existing
  return new Counter({
    name: NAME,
    help: 'Records that were lost, by stage and reason.',
    labelNames: ['stage', 'reason'],
    registers: [registry],
  })
}
