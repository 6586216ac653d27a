// What the stream counts, for /metrics.

import { collectedCounter, collectedGauge, type Registry } from '#kit/metrics.ts'

/** Why a message became a dead letter. */
export type DeadReason = 'refused' | 'nonsense' | 'crashes'

export class StreamFigures {
  published = 0
  repeats = 0
  /** Batches that the stream did not take; their senders were told to come again. */
  turnedAway = 0
  consumed = 0
  /** Messages that came again, because a process died with them or did not finish in time. */
  redelivered = 0
  /** Tries that failed because the database was away. */
  retries = 0
  readonly dead: Record<DeadReason, number> = { refused: 0, nonsense: 0, crashes: 0 }
  /** Batches of other processes that were told to live clients here; those that could not be read. */
  liveHeard = 0
  liveLost = 0
}

export function registerStreamMetrics(registry: Registry, figures: StreamFigures, waiting: () => number | null): void {
  const counter = (name: string, help: string, value: () => number): void =>
    collectedCounter({ registry, name: `telemetryx_central_stream_${name}`, help, collect: () => [{ value: value() }] })
  counter('published_total', 'Messages that the stream took.', () => figures.published)
  counter('repeats_total', 'Messages that the stream had already.', () => figures.repeats)
  counter('turned_away_total', 'Messages that the stream did not take.', () => figures.turnedAway)
  counter('consumed_total', 'Messages that were taken into the database here.', () => figures.consumed)
  counter('redelivered_total', 'Messages that came again after a process died or stalled.', () => figures.redelivered)
  counter('retries_total', 'Tries that failed while the database was away.', () => figures.retries)
  counter('live_heard_total', 'Batches of other processes for live clients here.', () => figures.liveHeard)
  counter('live_lost_total', 'Batches for live clients that could not be sent or read.', () => figures.liveLost)
  collectedCounter({
    registry,
    name: 'telemetryx_central_stream_dead_letters_total',
    help: 'Messages that were set aside, by reason.',
    labelNames: ['reason'],
    collect: () => Object.entries(figures.dead).map(([reason, value]) => ({ labels: { reason }, value })),
  })
  collectedGauge({
    registry,
    name: 'telemetryx_central_stream_waiting',
    help: 'Messages in the stream, over all processes, as last asked.',
    collect: () => {
      const value = waiting()
      return value === null ? [] : [{ value }]
    },
  })
}
