// One central process for the tests: database, stream and live feed, as they are composed in the product. It is told what to take by
// its parent, over the channel of `fork`, and answers when that is durable.

import { openDatabase } from '#backing/database.ts'
import { openNats } from '#backing/nats.ts'
import { openTracing } from '#kit/tracing.ts'
import { SharedFeed } from '#central/stream/shared-feed.ts'
import { StreamIngest } from '#central/stream/stream-ingest.ts'
import { CentralStorage } from '#central/storage/open-storage.ts'
import { isTelemetryError } from '#domain/errors.ts'
import { sleep, systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { RETENTION } from '../storage/central-fixture.ts'
import { envelopeOf, type PlannedBatch } from './batches.ts'

export interface CentralSetup {
  readonly databaseUrl: string
  readonly natsUrls: readonly string[]
  readonly tenant: number
  readonly replicas: number
  readonly partitions: number
  readonly ackWaitMs: number
  /** See DatabaseOptions. */
  readonly idleInTransactionMs?: number
  readonly traceEndpoint: string | null
}

export interface Order {
  readonly id: number
  readonly batch: PlannedBatch
}

export type Report =
  | { readonly kind: 'ready' }
  | { readonly kind: 'taken'; readonly id: number; readonly accepted: number; readonly repeated: number }
  | { readonly kind: 'failed'; readonly id: number; readonly code: string; readonly isRetryable: boolean }
  | { readonly kind: 'live'; readonly gateway: string; readonly seqs: readonly number[] }
  | { readonly kind: 'figures'; readonly consumed: number; readonly dead: number }

const setup = JSON.parse(process.argv[2]!) as CentralSetup
const log = silentLogger
const clock = systemClock
const report = (message: Report): void => void process.send?.(message)

// Listening keeps the process alive, also while it waits for the database. Nothing is ordered before it is ready.
process.on('message', (order: Order | 'stop') => {
  if (order === 'stop') void stop()
  else void take(order)
})

const database = await openDatabase({
  url: setup.databaseUrl,
  folder: '',
  clock,
  log,
  ...(setup.idleInTransactionMs !== undefined && { idleInTransactionMs: setup.idleInTransactionMs }),
})
const storage = await openStorage()
const nats = await openNats({ urls: setup.natsUrls, credentials: null, clock, log })
const tracing = await openTracing({ endpoint: setup.traceEndpoint, service: 'telemetryx-central', version: '0' })
const { ackWaitMs, partitions, replicas } = setup
const limits = { ackWaitMs, partitions, replicas, maxBytes: 1 << 28 }
const stream = new StreamIngest({ nats, ingest: storage.ingest, tracing, clock, log, ...limits })
const feed = new SharedFeed({ source: storage.ingest, nats, figures: stream.figures })
feed.want(setup.tenant)
feed.subscribe(({ batch, gateway, rows }) =>
  report({ kind: 'live', gateway, seqs: rows.map((row) => batch.seq[row]!) }),
)
stream.start()

report({ kind: 'ready' })

/** Started in the middle of it, the database may be away. */
async function openStorage(): Promise<CentralStorage> {
  for (;;) {
    try {
      return await CentralStorage.open({ database, clock, log, retention: RETENTION })
    } catch (cause) {
      if (!isTelemetryError(cause) || !cause.retryable) throw cause
      await sleep(clock, 100)
    }
  }
}

async function take({ batch, id }: Order): Promise<void> {
  try {
    const { accepted, repeated } = await stream.take(setup.tenant, envelopeOf(batch))
    report({ kind: 'taken', id, accepted, repeated })
  } catch (cause) {
    const known = isTelemetryError(cause) ? cause : null
    report({ kind: 'failed', id, code: known?.code ?? String(cause), isRetryable: known?.retryable ?? false })
  }
}

async function stop(): Promise<void> {
  await stream.stop()
  const dead = Object.values(stream.figures.dead).reduce((sum, count) => sum + count, 0)
  report({ kind: 'figures', consumed: stream.figures.consumed, dead })
  feed.close()
  await nats.close()
  await storage.close()
  await database.close()
  await tracing.close()
  process.disconnect()
}
