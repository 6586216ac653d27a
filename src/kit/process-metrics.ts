// The four process metrics that every Prometheus dashboard knows, read at scrape time. prom-client's own collection is not used:
// it keeps timers and observers of the collector running for figures that nobody asks a gateway for.

import type { Clock } from './clock.ts'
import { collectedCounter, collectedGauge, type Registry } from './metrics.ts'

const MICROSECONDS = 1e6

/** The process that `registry` stands for: start, processor time, memory. All threads count. */
export function exposeProcess(registry: Registry, clock: Clock): void {
  const startedAt = clock.now() / 1000 - process.uptime() // once: the wall clock of a small machine may step later on
  const gauge = (name: string, help: string, value: () => number): void =>
    collectedGauge({ registry, name, help, collect: () => [{ value: value() }] })
  gauge('process_start_time_seconds', 'Start of the process since 1970-01-01 00:00 UTC', () => startedAt)
  gauge('process_resident_memory_bytes', 'Resident memory', () => process.memoryUsage.rss())
  gauge('nodejs_heap_used_bytes', 'Used part of the main thread’s heap', () => process.memoryUsage().heapUsed)
  collectedCounter({
    registry,
    name: 'process_cpu_seconds_total',
    help: 'Processor time of all threads, user and system',
    collect: () => {
      const { user, system } = process.cpuUsage()
      return [{ value: (user + system) / MICROSECONDS }]
    },
  })
}
