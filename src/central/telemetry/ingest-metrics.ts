// Counts what is handed in at central, for /metrics: batches by what became of them, how long they took to become durable, records.

import { toTelemetryError } from '#domain/errors.ts'
import type { Clock } from '#kit/clock.ts'
import { collectedCounter, collectedGauge, Counter, secondsHistogram, type Registry } from '#kit/metrics.ts'
import type { Hello } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import type { BatchEnvelope, IngestPort, ProgramBatch, Taken } from '../ingest-ports.ts'
import type { TenantNumber } from '../ports.ts'

/** What the database's side of ingest has counted. */
export interface IngestTotals {
  readonly accepted: number
  readonly repeated: number
  readonly refused: number
  /** Batches that wait now. */
  readonly waiting: number
}

export interface CountedIngestOptions {
  readonly ingest: IngestPort
  readonly clock: Clock
  readonly registry: Registry
  readonly totals: () => IngestTotals
}

export class CountedIngest implements IngestPort {
  readonly #ingest: IngestPort
  readonly #clock: Clock
  readonly #batches: Counter
  readonly #seconds: ReturnType<typeof secondsHistogram>

  constructor({ clock, ingest, registry, totals }: CountedIngestOptions) {
    this.#ingest = ingest
    this.#clock = clock
    this.#batches = new Counter({
      name: 'telemetryx_central_batches_total',
      help: 'Batches that were handed in, by outcome: taken, or the code of the error that their sender was told',
      labelNames: ['outcome'],
      registers: [registry],
    })
    this.#batches.inc({ outcome: 'taken' }, 0)
    this.#seconds = secondsHistogram(
      registry,
      'telemetryx_central_batch_seconds',
      'How long batches that were taken waited to become durable',
    )
    collectedCounter({
      registry,
      name: 'telemetryx_central_records_total',
      help: 'Records that this process has written: accepted, repeated (known already) or refused for good',
      labelNames: ['outcome'],
      collect: () => {
        const { accepted, refused, repeated } = totals()
        return Object.entries({ accepted, refused, repeated }).map(([outcome, value]) => ({
          labels: { outcome },
          value,
        }))
      },
    })
    collectedGauge({
      registry,
      name: 'telemetryx_central_batches_waiting',
      help: 'Batches that wait for their transaction',
      collect: () => [{ value: totals().waiting }],
    })
  }

  take(tenant: TenantNumber, envelope: BatchEnvelope): Promise<Taken> {
    return this.#counted(() => this.#ingest.take(tenant, envelope))
  }

  takeProgram(tenant: TenantNumber, batch: ProgramBatch): Promise<Taken> {
    return this.#counted(() => this.#ingest.takeProgram(tenant, batch))
  }

  hello(tenant: TenantNumber, hello: Hello): Promise<void> {
    return this.#ingest.hello(tenant, hello)
  }

  async #counted(take: () => Promise<Taken>): Promise<Taken> {
    const from = this.#clock.monotonic()
    try {
      const taken = await take()
      this.#batches.inc({ outcome: 'taken' })
      this.#seconds.observe((this.#clock.monotonic() - from) / 1000)
      return taken
    } catch (cause) {
      this.#batches.inc({ outcome: toTelemetryError(cause).code })
      throw cause
    }
  }
}
