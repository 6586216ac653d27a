// The metrics of all uplinks, read from their status when they are asked for.

import type { UplinkStatus } from '#domain/uplink.ts'
import { collectedCounter, collectedGauge, type Registry } from '#kit/metrics.ts'
import type { Forwarder } from './forwarder.ts'

const BREAKER_VALUES = { closed: 0, halfOpen: 1, open: 2 } as const

export function exposeMetrics(registry: Registry, forwarders: () => readonly Forwarder[]): void {
  const labelNames = ['uplink']
  const gauge = (name: string, help: string, value: (status: UplinkStatus) => number): void =>
    collectedGauge({
      registry,
      name,
      help,
      labelNames,
      collect: () =>
        forwarders()
          .map((forwarder) => forwarder.status())
          .map((status) => ({ labels: { uplink: status.id }, value: value(status) })),
    })
  gauge('telemetryx_uplink_pending', 'Records that wait for the uplink or are under way.', (status) => status.pending)
  gauge(
    'telemetryx_uplink_oldest_age_seconds',
    'Age of the oldest record that waits for the uplink.',
    (status) => status.oldestPendingAge,
  )
  gauge('telemetryx_uplink_up', '1 while the uplink is connected to its receiver and may send.', ({ state }) =>
    state === 'online' ? 1 : 0,
  )
  gauge(
    'telemetryx_uplink_breaker_state',
    'Circuit breaker: 0 closed, 1 half open, 2 open.',
    ({ breaker }) => BREAKER_VALUES[breaker?.state ?? 'closed'],
  )
  gauge(
    'telemetryx_uplink_dead_letters',
    'Records that the receiver refused for good and that are kept.',
    ({ deadLetters }) => deadLetters ?? 0,
  )
  gauge(
    'telemetryx_uplink_replay_rate',
    'Historical records delivered a second, over the last ten seconds.',
    ({ replayRate }) => replayRate ?? 0,
  )
  exposeLedger(registry, forwarders)
  collectedCounter({
    registry,
    name: 'telemetryx_uplink_delivered_total',
    help: 'Records that the receiver acknowledged, since the start of the gateway.',
    labelNames,
    collect: () =>
      forwarders().map((forwarder) => ({ labels: { uplink: forwarder.status().id }, value: forwarder.deliveredInRun })),
  })
}

/** The whole ledger: accepted is the sum of all other words, at every scrape. */
function exposeLedger(registry: Registry, forwarders: () => readonly Forwarder[]): void {
  collectedGauge({
    registry,
    name: 'telemetryx_uplink_ledger',
    help: 'What became of the records accepted for the uplink: accepted = delivered + pending + filtered + rejected + dropped.',
    labelNames: ['uplink', 'word'],
    collect: () =>
      forwarders()
        .map((forwarder) => forwarder.status())
        .flatMap(({ id, accepted, delivered, pending, filtered, rejected, dropped }) => {
          const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0)
          const words = { accepted, delivered, pending, filtered, rejected, dropped: lost }
          return Object.entries(words).map(([word, value]) => ({ labels: { uplink: id, word }, value }))
        }),
  })
}
