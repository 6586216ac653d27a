// From the stream into the database: one message at a time of each partition, over all processes. A message is done with when its
// transaction is committed; while the database is away it is held and tried again; what can never be taken is set aside.

import type { Consumption, DurableMessage, NatsPort } from '#backing/nats.ts'
import type { Log } from '#domain/driver.ts'
import { TelemetryError, toTelemetryError } from '#domain/errors.ts'
import type { Tracing } from '#domain/tracing.ts'
import { Backoff } from '#kit/backoff.ts'
import { sleep, type Clock } from '#kit/clock.ts'
import { decodeBatch } from '#rpc/batch-decoder.ts'
import { TRACEPARENT } from '#kit/trace-context.ts'
import type { IngestPort, Refusal } from '../ingest-ports.ts'
import { refusals as knownRefusals } from './refusals.ts'
import type { DeadReason, StreamFigures } from './stream-figures.ts'
import { decodeEnvelope, decodeHello, KIND_HEADER } from './stream-message.ts'
import { consumerOf, deadSubject, ingestFilter, INGEST_STREAM, placeOf } from './subjects.ts'

const RETRY_FIRST_MS = 100
const RETRY_MAX_MS = 5000
/** What looks final may pass: a database that is just coming back says odd things. After this many tries it is the message. */
const DEFAULT_FINAL_TRIES = 8
/** A message with which this many processes died is what kills them. Retries while the database is away are no deliveries. */
const MAX_DELIVERIES = 20
const MAX_REASON_LENGTH = 500

export interface StreamConsumerOptions {
  readonly nats: NatsPort
  /** The database. */
  readonly ingest: IngestPort
  readonly tracing: Tracing
  readonly clock: Clock
  readonly log: Log
  readonly figures: StreamFigures
  readonly partitions: number
  /** How long a message stands still when its process dies. */
  readonly ackWaitMs: number
  /** How often a message that cannot be taken is tried before it is set aside, over some ten seconds. Default 8. */
  readonly finalTries?: number
}

export class StreamConsumer {
  readonly #options: StreamConsumerOptions
  #consumptions: Consumption[] = []

  constructor(options: StreamConsumerOptions) {
    this.#options = options
  }

  start(): void {
    const { ackWaitMs, nats, partitions } = this.#options
    this.#consumptions = Array.from({ length: partitions }, (_, partition) =>
      nats.consume({
        stream: INGEST_STREAM,
        durable: consumerOf(partition),
        filter: ingestFilter(partition),
        ackWaitMs,
        work: (message, signal) => this.#work(message, signal),
      }),
    )
  }

  /** What is under way is finished, or handed to another process. */
  async stop(): Promise<void> {
    await Promise.all(this.#consumptions.map((consumption) => consumption.stop()))
  }

  async #work(message: DurableMessage, signal: AbortSignal): Promise<void> {
    const { figures, tracing } = this.#options
    if (message.deliveries > 1) figures.redelivered += 1
    if (message.deliveries > MAX_DELIVERIES) return this.#setAside(message, 'crashes', 'It was begun too often')
    const parent = message.header(TRACEPARENT) ?? null
    const attributes = { 'messaging.system': 'nats', 'messaging.destination.name': message.subject }
    await tracing.span('stream receive', { kind: 'consumer', parent, attributes }, async (span) => {
      span.set('telemetryx.deliveries', message.deliveries)
      await this.#settle(message, span.traceparent, signal)
    })
  }

  /** Throws only when `signal` aborts, or when a dead letter cannot be sent: then the message comes again. */
  async #settle(message: DurableMessage, traceparent: string | null, signal: AbortSignal): Promise<void> {
    const { clock, figures, finalTries = DEFAULT_FINAL_TRIES, log } = this.#options
    const backoff = new Backoff({ firstMs: RETRY_FIRST_MS, maxMs: RETRY_MAX_MS, random: Math.random })
    for (let refusals = 0; ;) {
      try {
        const refused = await this.#take(message, traceparent)
        figures.consumed += 1
        // Its sender was told that all is well: what only the database refuses must not vanish.
        const [first] = refused
        if (first) await this.#setAside(message, 'refused', `${refused.length} records: ${first.reason}`)
        return
      } catch (cause) {
        const error = toTelemetryError(cause)
        if (!error.retryable) refusals += 1
        if (refusals === finalTries) return this.#setAside(message, 'nonsense', error.message)
        figures.retries += 1
        if (backoff.attempt === 0) log.warn({ code: error.code, reason: error.message }, 'The stream waits')
        await sleep(clock, backoff.next(), signal)
      }
    }
  }

  /** Records that its sender does not know to be refused. */
  async #take(message: DurableMessage, traceparent: string | null): Promise<readonly Refusal[]> {
    const { ingest } = this.#options
    const place = placeOf(message.subject)
    if (place === null) throw new TelemetryError('PROTOCOL', 'The subject is not of the stream')
    if (message.header(KIND_HEADER) === 'hello') {
      await ingest.hello(place.tenant, await decodeHello(message.data))
      return []
    }
    const envelope = await decodeEnvelope(message.data, traceparent)
    const { refused } = await ingest.take(place.tenant, envelope)
    if (refused.length === 0) return []
    const told = new Set(
      knownRefusals(decodeBatch(envelope.batch, envelope.sensors.typeOf), envelope).map(({ seq }) => seq),
    )
    return refused.filter(({ seq }) => !told.has(seq))
  }

  async #setAside(message: DurableMessage, reason: DeadReason, detail: string): Promise<void> {
    const { figures, log, nats } = this.#options
    const place = placeOf(message.subject) ?? { tenant: 0, partition: 0 }
    const traceparent = message.header(TRACEPARENT)
    await nats.publishDurable(deadSubject(place.tenant, place.partition), message.data, {
      id: `dead ${message.sequence}`,
      headers: {
        [KIND_HEADER]: message.header(KIND_HEADER) ?? 'batch',
        'Telemetryx-Reason': reason,
        'Telemetryx-Detail': headerText(detail),
        ...(traceparent === undefined ? {} : { [TRACEPARENT]: traceparent }),
      },
    })
    figures.dead[reason] += 1
    log.warn({ tenant: place.tenant, reason, detail }, 'A batch became a dead letter')
  }
}

/** Header values of NATS are one line of text. */
function headerText(text: string): string {
  return text.replaceAll(/[^\u0020-\u007e]+/g, ' ').slice(0, MAX_REASON_LENGTH)
}
