// The store's engine on this thread, which works when it is told to, and what it tells.

import { RingProducer } from '#kit/record-ring.ts'
import { allocateRing } from '#kit/ring-memory.ts'
import { StoreEngine } from '#store/engine.ts'
import type { FromStore, StoreSettings } from '#store/protocol.ts'
import { YEAR_MS } from './open-test-store.ts'

export interface BareEngine {
  readonly engine: StoreEngine
  readonly producer: RingProducer
  /** Types of the events told so far. */
  readonly eventTypes: () => string[]
}

export function bareEngine(dataDir: string, now: number): BareEngine {
  const ring = allocateRing(4096)
  const told: FromStore[] = []
  const settings: StoreSettings = {
    dataDir,
    flushIntervalMs: 60_000,
    sync: 'normal',
    retention: { rawMs: YEAR_MS, minuteMs: YEAR_MS, hourMs: YEAR_MS },
    maxBytes: 2 ** 30,
    ring,
    now,
  }
  const engine = new StoreEngine(settings, (message) => told.push(message))
  return {
    engine,
    producer: new RingProducer({ memory: ring, epoch: engine.epoch, whenFull: 'block' }),
    eventTypes: () => told.flatMap((message) => (message.type === 'event' ? [message.event.type] : [])),
  }
}
