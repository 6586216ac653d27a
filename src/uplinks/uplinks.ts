// The uplinks of one gateway: a forwarder for each, their status for the API, their metrics. No uplink waits for another.

import type { Component } from '#domain/component.ts'
import type { Log } from '#domain/driver.ts'
import type { Journal } from '#domain/journal.ts'
import type { Model } from '#domain/sensor.ts'
import type { UplinkDirectory } from '#domain/views.ts'
import type { Clock } from '#kit/clock.ts'
import { dropCounter } from '#kit/dropped.ts'
import { collectedCounter, collectedGauge, type Registry } from '#kit/metrics.ts'
import { Forwarder, REJECTED, type UplinkDefinition } from './forwarder.ts'
import { GAP, UNKNOWN_SENSOR } from './ledger.ts'

export type { UplinkDefinition } from './forwarder.ts'

export interface UplinksOptions {
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
  /** Uniform in [0, 1), for the jitter of retries. */
  random(): number
  readonly journal: Journal
  model(): Model
  /** Gateway id. */
  readonly gateway: string
  /** Factory as written in the configuration. */
  readonly factory: string
  readonly uplinks: readonly UplinkDefinition[]
}

/** `start` waits for no receiver; `stop` lets what is under way arrive until its signal aborts. */
export function createUplinks(options: UplinksOptions): Component & UplinkDirectory {
  for (const reason of [GAP, UNKNOWN_SENSOR, REJECTED]) dropCounter(options.registry, 'uplink', reason) // there from the start, at 0
  const forwarders = options.uplinks.map(
    (definition) =>
      new Forwarder({
        clock: options.clock,
        log: options.log,
        random: () => options.random(),
        journal: options.journal,
        model: () => options.model(),
        gateway: options.gateway,
        factory: options.factory,
        definition,
        onDrop: (reason, count) => dropCounter(options.registry, 'uplink', reason).inc(count),
      }),
  )
  const list = () => forwarders.map((forwarder) => forwarder.status())
  exposeMetrics(options.registry, forwarders)
  return {
    name: 'uplinks',
    list,
    async start() {
      await Promise.all(forwarders.map((forwarder) => forwarder.start()))
    },
    async stop(signal) {
      await Promise.all(forwarders.map((forwarder) => forwarder.stop(signal)))
    },
  }
}

function exposeMetrics(registry: Registry, forwarders: readonly Forwarder[]): void {
  const labelNames = ['uplink']
  collectedGauge({
    registry,
    name: 'telemetryx_uplink_pending',
    help: 'Records that wait for the uplink or are under way.',
    labelNames,
    collect: () =>
      forwarders
        .map((forwarder) => forwarder.status())
        .map(({ id, pending }) => ({ labels: { uplink: id }, value: pending })),
  })
  collectedGauge({
    registry,
    name: 'telemetryx_uplink_oldest_age_seconds',
    help: 'Age of the oldest record that waits for the uplink.',
    labelNames,
    collect: () =>
      forwarders
        .map((forwarder) => forwarder.status())
        .map(({ id, oldestPendingAge }) => ({ labels: { uplink: id }, value: oldestPendingAge })),
  })
  collectedGauge({
    registry,
    name: 'telemetryx_uplink_up',
    help: '1 while the uplink is connected to its receiver.',
    labelNames,
    collect: () =>
      forwarders
        .map((forwarder) => forwarder.status())
        .map(({ id, state }) => ({ labels: { uplink: id }, value: state === 'online' ? 1 : 0 })),
  })
  collectedCounter({
    registry,
    name: 'telemetryx_uplink_delivered_total',
    help: 'Records that the receiver acknowledged, since the start of the gateway.',
    labelNames,
    collect: () =>
      forwarders.map((forwarder) => ({ labels: { uplink: forwarder.status().id }, value: forwarder.deliveredInRun })),
  })
}
