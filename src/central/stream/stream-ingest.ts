// Ingest through a stream that any number of processes consume: a batch is accepted when NATS has it (all replicas that must), and
// then goes into the database by whichever process has its gateway's partition. What is no gateway goes straight to the database.

import type { NatsPort } from '#backing/nats.ts'
import type { Log } from '#domain/driver.ts'
import { isTelemetryError, TelemetryError } from '#domain/errors.ts'
import { isId } from '#domain/ids.ts'
import type { Tracing } from '#domain/tracing.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import { TRACEPARENT } from '#kit/trace-context.ts'
import { decodeBatch } from '#rpc/batch-decoder.ts'
import type { Hello } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import type { ReceivedBatch } from '#rpc/received-batch.ts'
import { MAX_BATCH_RECORDS } from '../ingest/pending-batch.ts'
import type { BatchEnvelope, IngestPort, ProgramBatch, Taken } from '../ingest-ports.ts'
import type { TenantNumber } from '../ports.ts'
import { refusals } from './refusals.ts'
import { StreamConsumer } from './stream-consumer.ts'
import { StreamFigures } from './stream-figures.ts'
import { batchId, encodeEnvelope, encodeHello, KIND_HEADER } from './stream-message.ts'
import { DEAD_STREAM, DEAD_SUBJECTS, ingestSubject, INGEST_STREAM, INGEST_SUBJECTS, partitionOf } from './subjects.ts'
import { Turns } from './turns.ts'

const DAY_MS = 86_400_000
/** NATS keeps the ids of messages for as long, in memory; later repeats are found by their positions. */
const REPEAT_WINDOW_MS = 120_000
/** Of one tenant in one partition: another tenant's room is not used up by it. */
const MAX_WAITING_OF_TENANT = 5000
const DEAD_SHARE = 1 / 8
const DEAD_MAX_AGE_MS = 30 * DAY_MS
const LOOK_EVERY_MS = 5000
/** In looks. */
const SWEEP_EVERY = 12
const MAX_ID_LENGTH = 64
const MAX_PREPARING_BYTES = 64 * 1024 * 1024

export interface StreamIngestOptions {
  readonly nats: NatsPort
  /** The database: of the consumers, and of programs that are no gateways. */
  readonly ingest: IngestPort
  readonly tracing: Tracing
  readonly clock: Clock
  readonly log: Log
  readonly replicas: number
  readonly partitions: number
  /** Of what waits. */
  readonly maxBytes: number
  /** How long a message stands still when its process dies: meanwhile NATS is told that it is worked on. */
  readonly ackWaitMs: number
  /** See StreamConsumer. */
  readonly finalTries?: number
  /** Of one tenant in one partition. */
  readonly maxWaitingOfTenant?: number
}

export class StreamIngest implements IngestPort {
  readonly figures = new StreamFigures()
  readonly #options: StreamIngestOptions
  readonly #consumer: StreamConsumer
  readonly #turns = new Turns({ maxBytes: MAX_PREPARING_BYTES })
  #streams: Promise<void> | null = null
  #waiting: number | null = null
  #look: Timer | null = null
  #looks = 0

  constructor(options: StreamIngestOptions) {
    this.#options = options
    this.#consumer = new StreamConsumer({ ...options, figures: this.figures })
  }

  /** Messages in the stream, as last asked; null while NATS does not say. */
  get waiting(): number | null {
    return this.#waiting
  }

  /** Begins to consume, at once or when NATS is there. */
  start(): void {
    void this.#ensureStreams().catch(() => {}) // tried again by whoever publishes
    this.#consumer.start()
    this.#lookAt()
  }

  /** Publish nothing after this. */
  async stop(): Promise<void> {
    this.#look?.cancel()
    this.#look = null
    await this.#turns.settled()
    await this.#consumer.stop()
  }

  async take(tenant: TenantNumber, envelope: BatchEnvelope): Promise<Taken> {
    checkName(envelope.gateway)
    const batch = decodeBatch(envelope.batch, envelope.sensors.typeOf, MAX_BATCH_RECORDS)
    const refused = refusals(batch, envelope)
    const isRepeat = await this.#turns.take(`${tenant}/${envelope.gateway}`, envelope.batch.length, () =>
      this.#publish(tenant, envelope, batch),
    )
    const sound = batch.length - refused.length
    return { accepted: isRepeat ? 0 : sound, repeated: isRepeat ? sound : 0, refused }
  }

  /** To the database; to the stream, before its batches, while the database is away. */
  async hello(tenant: TenantNumber, hello: Hello): Promise<void> {
    checkName(hello.gateway)
    try {
      await this.#options.ingest.hello(tenant, hello)
    } catch (cause) {
      if (!isTelemetryError(cause) || !cause.retryable) throw cause
      await this.#turns.take(`${tenant}/${hello.gateway}`, 0, async () => {
        const data = await encodeHello(hello)
        const id = `hello ${tenant} ${hello.gateway} ${hello.epoch} ${this.#options.clock.now()}`
        await this.#send({ tenant, gateway: hello.gateway, data, id, kind: 'hello', traceparent: null })
      })
    }
  }

  takeProgram(tenant: TenantNumber, batch: ProgramBatch): Promise<Taken> {
    return this.#options.ingest.takeProgram(tenant, batch)
  }

  async #publish(tenant: TenantNumber, envelope: BatchEnvelope, batch: ReceivedBatch): Promise<boolean> {
    const { tracing } = this.#options
    const attributes = { 'messaging.system': 'nats', 'telemetryx.gateway': envelope.gateway }
    const options = { kind: 'producer' as const, parent: envelope.traceparent, attributes }
    return tracing.span('stream publish', options, async ({ traceparent }) => {
      const data = await encodeEnvelope(envelope, batch)
      const { gateway } = envelope
      return this.#send({ tenant, gateway, data, id: batchId(tenant, envelope), kind: 'batch', traceparent })
    })
  }

  async #send(message: {
    readonly tenant: TenantNumber
    readonly gateway: string
    readonly data: Uint8Array
    readonly id: string
    readonly kind: 'batch' | 'hello'
    readonly traceparent: string | null
  }): Promise<boolean> {
    const { nats, partitions } = this.#options
    const { data, gateway, id, kind, tenant, traceparent } = message
    const subject = ingestSubject(tenant, partitionOf(tenant, gateway, partitions))
    const headers = { [KIND_HEADER]: kind, ...(traceparent === null ? {} : { [TRACEPARENT]: traceparent }) }
    try {
      await this.#ensureStreams()
      const { isRepeat } = await nats.publishDurable(subject, data, { id, headers })
      this.figures[isRepeat ? 'repeats' : 'published'] += 1
      return isRepeat
    } catch (cause) {
      this.figures.turnedAway += 1
      throw cause
    }
  }

  /** Once for this process, as soon as NATS is there. */
  #ensureStreams(): Promise<void> {
    this.#streams ??= this.#makeStreams().catch((cause: unknown) => {
      this.#streams = null
      throw cause
    })
    return this.#streams
  }

  async #makeStreams(): Promise<void> {
    const { maxBytes, maxWaitingOfTenant = MAX_WAITING_OF_TENANT, nats, replicas } = this.#options
    await nats.ensureStream({
      name: INGEST_STREAM,
      subjects: [INGEST_SUBJECTS],
      kind: 'queue',
      replicas,
      maxBytes,
      maxPerSubject: maxWaitingOfTenant,
      repeatWindowMs: REPEAT_WINDOW_MS,
    })
    await nats.ensureStream({
      name: DEAD_STREAM,
      subjects: [DEAD_SUBJECTS],
      kind: 'log',
      replicas,
      maxBytes: Math.ceil(maxBytes * DEAD_SHARE),
      maxAgeMs: DEAD_MAX_AGE_MS,
      repeatWindowMs: REPEAT_WINDOW_MS,
    })
  }

  #lookAt(): void {
    this.#look = this.#options.clock.after(LOOK_EVERY_MS, () => {
      if (this.#look === null) return
      this.#lookAt()
      void this.#lookOnce()
    })
  }

  async #lookOnce(): Promise<void> {
    const { log, nats } = this.#options
    try {
      await this.#ensureStreams()
      this.#waiting = await nats.waiting(INGEST_STREAM)
      if (this.#looks++ % SWEEP_EVERY !== 0) return
      const removed = await nats.sweep(INGEST_STREAM)
      if (removed > 0) log.info({ removed }, 'NATS had brought back batches that were taken in long ago')
    } catch {
      this.#waiting = null // NATS is away: its own log line says so
    }
  }
}

function checkName(id: string): void {
  if (!isId(id) || id.length > MAX_ID_LENGTH) throw new TelemetryError('PROTOCOL', 'The gateway id is not valid')
}
