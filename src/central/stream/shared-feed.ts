// The live feed of several processes: whoever takes a batch in tells it by NATS, and each process hears of the tenants whose clients
// it has. While NATS is away each hears what it takes in itself: live clients see less then, and everything in the history.

import type { NatsPort } from '#backing/nats.ts'
import type { IngestFeed, TakenBatch } from '../ingest-ports.ts'
import type { BrainAlert, TenantNumber } from '../ports.ts'
import { decodeLive, encodeAlert, encodeTaken } from './feed-codec.ts'
import { LocalFeed, type LiveFeed } from './live-feed.ts'
import type { StreamFigures } from './stream-figures.ts'
import { liveSubject } from './subjects.ts'

/** A larger batch is told in pieces: below what NATS takes, and quickly made. */
const ROWS_A_MESSAGE = 5000

export interface SharedFeedOptions {
  /** What this process takes in. */
  readonly source: IngestFeed
  readonly nats: NatsPort
  readonly figures: StreamFigures
}

export class SharedFeed implements LiveFeed {
  readonly #options: SharedFeedOptions
  readonly #local = new LocalFeed({ subscribe: () => () => {} })
  readonly #subscriptions = new Map<TenantNumber, { count: number; end: () => void }>()
  readonly #end: () => void

  constructor(options: SharedFeedOptions) {
    this.#options = options
    this.#end = options.source.subscribe((taken) => this.#tell(taken))
  }

  want(tenant: TenantNumber): () => void {
    const { nats } = this.#options
    const endLocal = this.#local.want(tenant)
    const known = this.#subscriptions.get(tenant)
    if (known) known.count += 1
    else {
      const end = nats.subscribe(liveSubject(tenant), (_subject, data) => this.#hear(tenant, data))
      this.#subscriptions.set(tenant, { count: 1, end })
    }
    let hasEnded = false
    return () => {
      if (hasEnded) return
      hasEnded = true
      endLocal()
      const subscription = this.#subscriptions.get(tenant)
      if (!subscription) return
      subscription.count -= 1
      if (subscription.count > 0) return
      this.#subscriptions.delete(tenant)
      subscription.end()
    }
  }

  subscribe(listener: (taken: TakenBatch) => void): () => void {
    return this.#local.subscribe(listener)
  }

  tellAlert(tenant: TenantNumber, alert: BrainAlert): void {
    if (this.#options.nats.publish(liveSubject(tenant), encodeAlert(alert))) return
    this.#options.figures.liveLost += 1
    this.#local.tellAlert(tenant, alert)
  }

  onAlert(listener: (tenant: TenantNumber, alert: BrainAlert) => void): () => void {
    return this.#local.onAlert(listener)
  }

  close(): void {
    this.#end()
    for (const { end } of this.#subscriptions.values()) end()
    this.#subscriptions.clear()
  }

  /** Our own clients hear it from NATS too, so that all hear the same in the same order. */
  #tell(taken: TakenBatch): void {
    const { figures, nats } = this.#options
    for (let from = 0; from < taken.rows.length; from += ROWS_A_MESSAGE) {
      const piece = { ...taken, rows: taken.rows.slice(from, from + ROWS_A_MESSAGE) }
      if (nats.isUp && nats.publish(liveSubject(taken.tenant), encodeTaken(piece))) continue
      figures.liveLost += 1
      this.#local.tellBatch(piece)
    }
  }

  #hear(tenant: TenantNumber, data: Uint8Array): void {
    const message = decodeLive(tenant, data)
    if (message === null) this.#options.figures.liveLost += 1
    else if (message.kind === 'alert') this.#local.tellAlert(tenant, message.alert)
    else {
      this.#options.figures.liveHeard += 1
      this.#local.tellBatch(message.taken)
    }
  }
}
