// One stream to a receiver, from hello to its end: batches out as fast as they are taken, acknowledgements, alerts and commands
// in. It ends once, with a reason.

import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { status, type ClientDuplexStream, type ServiceError, type StatusObject } from '@grpc/grpc-js'
import { toTelemetryError, TelemetryError } from '#domain/errors.ts'
import type { Delivery, DeliveryResult, Lane } from '#domain/uplink.ts'
import type { EncodedDelivery, EncodedMessage } from '#rpc/batch-encoder.ts'
import { RpcClient, type ClientOptions } from '#rpc/client.ts'
import {
  Lane as WireLane,
  SyncRequestSchema,
  type Acknowledgement,
  type SyncResponse,
  type Welcome,
} from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { syncMethod, type OutgoingSync } from '#rpc/ingest-service.ts'
import { PacedWriter } from '#rpc/paced-writer.ts'
import { closedError, isUnavailable, statusError, unavailableError } from './failure.ts'
import { Unacknowledged } from './unacknowledged.ts'

const DEFAULT_MAX_MESSAGE_BYTES = 4 * 1024 * 1024
/** A receiver that takes less would refuse sound records. */
const MIN_MAX_MESSAGE_BYTES = 64 * 1024
/** Messages that wait for the receiver beside those of deliveries: answers to commands. */
const MAX_WAITING = 10_000

const LANES: ReadonlyMap<WireLane, Lane> = new Map([
  [WireLane.UNSPECIFIED, 'inOrder'],
  [WireLane.LIVE, 'live'],
  [WireLane.BACKLOG, 'backlog'],
])

export type Outgoing = MessageInitShape<typeof SyncRequestSchema>['message']
type Incoming = Extract<SyncResponse['message'], { case: 'alert' | 'ruleChange' | 'command' }>

export interface LineOptions {
  readonly client: ClientOptions
  /** Sent first. */
  readonly greeting: readonly Outgoing[]
  /** Alerts, changes of rules and commands. */
  readonly onMessage: (message: Incoming) => void
  /** The stream is over; told once, and not when it was ended by `end`. */
  readonly onEnd: (cause: TelemetryError) => void
}

export class Line {
  readonly #options: LineOptions
  readonly #client: RpcClient
  readonly #stream: ClientDuplexStream<OutgoingSync, SyncResponse>
  readonly #writer: PacedWriter<OutgoingSync>
  readonly #unacknowledged = new Unacknowledged()
  /** Messages that the receiver does not want yet (Welcome.max_batches). */
  readonly #held: EncodedMessage[] = []
  readonly #abort = new AbortController()
  #welcome: Welcome | null = null
  #onWelcome: (cause: TelemetryError | null) => void = () => {}
  #isOver = false

  constructor(options: LineOptions) {
    this.#options = options
    this.#client = new RpcClient(options.client)
    this.#stream = this.#client.openStream(syncMethod)
    this.#writer = new PacedWriter({ stream: this.#stream, maxWaiting: MAX_WAITING })
    this.#stream.on('data', (response: SyncResponse) => this.#take(response))
    this.#stream.on('error', (cause: ServiceError) => void this.#failed(cause))
    // `end` comes before the status is known.
    this.#stream.on('status', ({ code }: StatusObject) => {
      if (code === status.OK) this.#finish(closedError(this.#name))
    })
  }

  /** Largest message that the receiver takes. */
  get maxMessageBytes(): number {
    const wanted = this.#welcome?.maxMessageBytes ?? 0
    return wanted === 0 ? DEFAULT_MAX_MESSAGE_BYTES : wanted
  }

  /** Says hello and resolves with the welcome. Rejects with the reason in plain words. */
  greet(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void =>
        this.end(new TelemetryError('ABORTED', 'Connecting was stopped', { cause: signal.reason, retryable: true }))
      this.#onWelcome = (cause) => {
        signal.removeEventListener('abort', onAbort)
        if (cause === null) resolve()
        else reject(cause)
      }
      if (signal.aborted) return onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
      for (const message of this.#options.greeting) this.send(message)
    })
  }

  send(message: Outgoing): void {
    if (!this.#writer.write(create(SyncRequestSchema, { message })))
      this.#finish(new TelemetryError('BUFFER_FULL', `${this.#name} takes no answers`, { retryable: true }))
  }

  /** Resolves when the receiver has acknowledged all messages of the delivery. */
  deliver(delivery: Delivery, encoded: EncodedDelivery): Promise<DeliveryResult> {
    const arrived = this.#unacknowledged.add(delivery, encoded)
    this.#held.push(...encoded.messages)
    this.#sendHeld()
    return arrived
  }

  /** Half-closes the stream, and waits until the receiver has ended its side or `signal` aborts. */
  async close(signal: AbortSignal): Promise<void> {
    if (this.#isOver) return
    const over = new Promise<void>((resolve) => {
      this.#stream.once('status', () => resolve())
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    this.#isOver = true
    this.#stream.end()
    if (!signal.aborted) await over
    this.#break(closedError(this.#name, 'was left'))
  }

  /** Drops the connection without a goodbye. */
  end(cause: TelemetryError): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#break(cause)
  }

  get #name(): string {
    return this.#options.client.address.name
  }

  #take({ message }: SyncResponse): void {
    if (this.#isOver) return
    try {
      if (message.case === 'welcome') this.#accept(message.value)
      else if (this.#welcome === null) throw nonsense('does not begin with a welcome')
      else if (message.case === 'acknowledgement') this.#acknowledge(message.value)
      else if (message.case !== undefined) this.#options.onMessage(message)
    } catch (cause) {
      this.#finish(toTelemetryError(cause, 'PROTOCOL', { retryable: true }))
    }
  }

  #accept(welcome: Welcome): void {
    if (this.#welcome !== null) throw nonsense('says welcome twice')
    const { maxMessageBytes } = welcome
    if (maxMessageBytes > 0 && maxMessageBytes < MIN_MAX_MESSAGE_BYTES)
      throw nonsense(`asks for messages of at most ${maxMessageBytes} bytes; ${MIN_MAX_MESSAGE_BYTES} are the least`)
    this.#welcome = welcome
    this.#onWelcome(null)
  }

  #acknowledge({ lane, position, rejections }: Acknowledgement): void {
    const known = LANES.get(lane)
    if (known === undefined || position === undefined) throw nonsense('acknowledges no position')
    const refused = rejections.map(({ position: place, reason }) => ({
      epoch: place?.epoch ?? 0,
      seq: Number(place?.seq ?? 0n),
      reason: reason === '' ? 'Refused without a reason' : reason,
    }))
    this.#unacknowledged.acknowledge(known, position.epoch, Number(position.seq), refused)
    this.#sendHeld()
  }

  #sendHeld(): void {
    const max = this.#welcome?.maxBatches ?? 0
    while (this.#held.length > 0 && (max === 0 || this.#unacknowledged.count - this.#held.length < max)) {
      if (!this.#writer.write(this.#held[0]!)) return // tried again with the next acknowledgement
      this.#held.shift()
    }
  }

  async #failed(cause: ServiceError): Promise<void> {
    if (this.#isOver) return
    const { client } = this.#options
    if (!isUnavailable(cause)) return this.#finish(statusError(cause, this.#name))
    if (this.#welcome !== null) return this.#finish(closedError(this.#name, 'closed the connection'))
    this.#finish(await unavailableError(client, cause, this.#abort.signal))
  }

  #finish(cause: TelemetryError): void {
    if (this.#isOver) return
    const wasWelcome = this.#welcome !== null
    this.end(cause)
    if (wasWelcome) this.#options.onEnd(cause)
  }

  #break(cause: TelemetryError): void {
    this.#writer.end()
    this.#held.length = 0
    this.#abort.abort()
    this.#stream.on('error', () => {}) // the cancelled call ends with an error of its own
    this.#stream.cancel()
    this.#client.close()
    this.#unacknowledged.fail(cause)
    this.#onWelcome(cause)
  }
}

function nonsense(what: string): TelemetryError {
  return new TelemetryError('PROTOCOL', `The receiver ${what}`, { retryable: true })
}
