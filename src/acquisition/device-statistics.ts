// Counters and latencies of one device, for the API and Prometheus.

import type { DeviceLatency, DeviceStatus } from '#domain/views.ts'
import type { Clock } from '#kit/clock.ts'
import { LatencyHistogram } from '#kit/latency.ts'
import type { DeviceMetrics } from './acquisition-metrics.ts'
import { BusyTime } from './busy-time.ts'
import { MAX_ERROR_KINDS } from './limits.ts'

export class DeviceStatistics {
  polls = 0
  skippedPolls = 0
  requests = 0
  /** Connections made after the first. */
  reconnects = 0
  /** How long it kept its wire. */
  readonly busy: BusyTime
  readonly #clock: Clock
  readonly #metrics: DeviceMetrics
  readonly #errors = new Map<string, number>()
  readonly #pollMs = new LatencyHistogram()
  readonly #lagMs = new LatencyHistogram()
  #lastReadingAt: number | null = null

  constructor(clock: Clock, metrics: DeviceMetrics) {
    this.#clock = clock
    this.busy = new BusyTime(clock.monotonic())
    this.#metrics = metrics
  }

  countError(kind: string, times = 1): void {
    const known = this.#errors.has(kind) || this.#errors.size < MAX_ERROR_KINDS
    const counted = known ? kind : 'other'
    this.#errors.set(counted, (this.#errors.get(counted) ?? 0) + times)
  }

  /** Counts by kind. */
  get errors(): ReadonlyMap<string, number> {
    return this.#errors
  }

  recordPoll(ms: number): void {
    this.#pollMs.record(ms)
    this.#metrics.pollDuration(ms / 1000)
  }

  recordLag(ms: number): void {
    const late = Math.max(0, ms) // a timer may fire a moment early
    this.#lagMs.record(late)
    this.#metrics.pollLag(late / 1000)
  }

  noteReading(): void {
    this.#lastReadingAt = this.#clock.now()
  }

  latency(): DeviceLatency {
    return { poll: this.#pollMs.steps(), lag: this.#lagMs.steps() }
  }

  view(): Pick<
    DeviceStatus,
    'polls' | 'skippedPolls' | 'requests' | 'reconnects' | 'errors' | 'pollMs' | 'lagMs' | 'lastReadingAt'
  > {
    return {
      polls: this.polls,
      skippedPolls: this.skippedPolls,
      requests: this.requests,
      reconnects: this.reconnects,
      errors: Object.fromEntries(this.#errors),
      pollMs: quantiles(this.#pollMs),
      lagMs: quantiles(this.#lagMs),
      lastReadingAt: this.#lastReadingAt,
    }
  }
}

function quantiles(histogram: LatencyHistogram): DeviceStatus['pollMs'] {
  if (histogram.count === 0) return null
  return { p50: histogram.quantile(0.5), p99: histogram.quantile(0.99), max: histogram.max }
}
