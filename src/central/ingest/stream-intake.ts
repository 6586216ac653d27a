// Batches of one gRPC stream into central: one after the other, because an acknowledgement speaks for all before it, and patiently:
// when the tenant has too much waiting the stream waits too, and through it the gateway.

import { create } from '@bufbuild/protobuf'
import { isTelemetryError, TelemetryError } from '#domain/errors.ts'
import { sleep, type Clock } from '#kit/clock.ts'
import type { CountingIntake } from '#receiver/ingest-once.ts'
import type { KnownSensors } from '#rpc/dictionary.ts'
import { AcknowledgementSchema, type Acknowledgement, type Hello } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import type { IngestPort, Taken } from '../ingest-ports.ts'
import { batchHead } from './batch-head.ts'
import type { Sender } from './sender.ts'

const MAX_WAIT_MS = 2000
const MAX_TRIES = 30

/** What is kept of one stream. */
export interface StreamFile {
  readonly factory: string
}

export interface StreamIntakeOptions {
  readonly ingest: IngestPort
  readonly sender: Sender
  /** Throws UNAUTHENTICATED or PERMISSION_DENIED once the sender may send no longer: a stream can outlive its key. */
  readonly stillAllowed: () => Promise<unknown>
  readonly traceparent: string | null
  readonly clock: Clock
}

export class StreamIntake implements CountingIntake<StreamFile> {
  readonly #options: StreamIntakeOptions
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: StreamIntakeOptions) {
    this.#options = options
  }

  /** Throws PERMISSION_DENIED when the key is another gateway's, PROTOCOL. */
  async open(gateway: string, hello?: Hello, factory = hello?.factory ?? ''): Promise<StreamFile> {
    const { ingest, sender } = this.#options
    if (sender.gateway !== null && sender.gateway !== gateway)
      throw new TelemetryError('PERMISSION_DENIED', 'The key is that of another gateway')
    if (hello) {
      // Sensors beyond the limit are refused record by record, so that the others arrive.
      await ingest.hello(sender.tenant, hello).catch((cause: unknown) => {
        if (!isTelemetryError(cause, 'OUT_OF_RANGE')) throw cause
      })
    }
    return { factory }
  }

  take(gateway: string, { factory }: StreamFile, sensors: KnownSensors, batch: Uint8Array) {
    const { traceparent } = this.#options
    const envelope = { gateway, factory, sensors, batch, traceparent }
    const taken = this.#turn.then(async () => {
      await this.#options.stillAllowed()
      return this.#patiently(() => this.#options.ingest.take(this.#options.sender.tenant, envelope))
    })
    this.#turn = taken // after a failure nothing more is taken: the stream is over
    return taken.then(({ accepted, refused, repeated }) => ({
      accepted,
      repeats: repeated,
      acknowledgement: acknowledgementOf(batch, refused),
    }))
  }

  async #patiently(take: () => Promise<Taken>): Promise<Taken> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await take()
      } catch (cause) {
        if (!isTelemetryError(cause, 'RATE_LIMITED') || attempt === MAX_TRIES) throw cause
        const { retryAfterMs } = cause.context
        await sleep(
          this.#options.clock,
          Math.min(typeof retryAfterMs === 'number' ? retryAfterMs : MAX_WAIT_MS, MAX_WAIT_MS),
        )
      }
    }
  }
}

function acknowledgementOf(batch: Uint8Array, refused: Taken['refused']): Acknowledgement {
  const { epoch, lane, lastSeq } = batchHead(batch)
  return create(AcknowledgementSchema, {
    lane,
    position: { epoch, seq: BigInt(lastSeq) },
    rejections: refused.map(({ reason, seq }) => ({ position: { epoch, seq: BigInt(seq) }, reason })),
  })
}
