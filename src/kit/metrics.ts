// Prometheus metrics: one registry for each gateway, never a global one. Values that a room counts anyway are read at
// scrape time through `collect`, so that the hot path pays nothing.

import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

export { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** One sample of a collected metric. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string | number>>
  readonly value: number
}

interface CollectedOptions {
  readonly registry: Registry
  readonly name: string
  readonly help: string
  readonly labelNames?: readonly string[]
  /** Called at each scrape. */
  readonly collect: () => Iterable<Sample>
}

/** A gauge whose samples are asked for at scrape time. */
export function collectedGauge(options: CollectedOptions): void {
  const gauge: Gauge = new Gauge({
    name: options.name,
    help: options.help,
    labelNames: [...(options.labelNames ?? [])],
    registers: [options.registry],
    collect: () => {
      gauge.reset()
      for (const { labels, value } of options.collect()) gauge.set({ ...labels }, value)
    },
  })
}

/** A counter whose totals are asked for at scrape time; totals must never go down. */
export function collectedCounter(options: CollectedOptions): void {
  const counter: Counter = new Counter({
    name: options.name,
    help: options.help,
    labelNames: [...(options.labelNames ?? [])],
    registers: [options.registry],
    collect: () => {
      counter.reset()
      for (const { labels, value } of options.collect()) counter.inc({ ...labels }, value)
    },
  })
}

/** A histogram in seconds with buckets from 100 µs to 60 s. */
export function secondsHistogram(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly string[] = [],
): Histogram {
  return new Histogram({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
    buckets: [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60],
  })
}
