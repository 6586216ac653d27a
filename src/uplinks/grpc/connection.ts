// One grpc uplink at work: a new line for each connection, hello with the model, and deliveries in columns over it.

import { create } from '@bufbuild/protobuf'
import { isLoopback } from '#config/loopback.ts'
import { isTelemetryError, TelemetryError } from '#domain/errors.ts'
import type { Model } from '#domain/sensor.ts'
import type { Delivery, DeliveryResult, UplinkConnection, UplinkContext, UplinkSetup } from '#domain/uplink.ts'
import { systemClock } from '#kit/clock.ts'
import { withDeadline } from '#kit/deadline.ts'
import { BatchEncoder } from '#rpc/batch-encoder.ts'
import type { ClientOptions } from '#rpc/client.ts'
import { wireDictionaries, wireStatuses } from '#rpc/dictionary.ts'
import { HelloSchema } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { addressOf, clientOptions } from './client-options.ts'
import { Commands } from './commands.ts'
import { coverageOf } from './coverage.ts'
import { closedError } from './failure.ts'
import { Line, type Outgoing } from './line.ts'
import { Notices } from './notices.ts'
import type { GrpcUplinkConfig } from './schema.ts'

/** As the names of spans are written. */
const SYNC = 'telemetryx.v1.IngestService/Sync'
/** How long the receiver may take to say welcome. */
const WELCOME_TIMEOUT_MS = 10_000
/** How long the goodbye may take. */
const GOODBYE_MS = 1000

export class GrpcConnection implements UplinkConnection {
  readonly #setup: UplinkSetup<GrpcUplinkConfig>
  readonly #context: UplinkContext
  readonly #name: string
  readonly #encoder = new BatchEncoder()
  readonly #commands: Commands
  readonly #notices: Notices
  #line: Line | null = null
  /** The model that the receiver knows. */
  #told: Model | null = null

  constructor(setup: UplinkSetup<GrpcUplinkConfig>, context: UplinkContext) {
    this.#setup = setup
    this.#context = context
    this.#name = addressOf(setup.config).name
    this.#commands = new Commands({ desk: context.commands, model: () => context.model(), gateway: setup.gateway })
    this.#notices = new Notices({ clock: systemClock, log: context.log, uplink: setup.id, notify: context.notify })
  }

  async connect(signal: AbortSignal): Promise<void> {
    this.#drop(closedError(this.#name, 'was left'))
    const client = await clientOptions(this.#setup.config, this.#context)
    if (signal.aborted) throw new TelemetryError('ABORTED', 'Connecting was stopped', { cause: signal.reason })
    this.#warnOfOpenToken(client)
    const model = this.#context.model()
    const line: Line = new Line({
      client,
      greeting: this.#greeting(model),
      onMessage: (message) => {
        if (message.case === 'alert') this.#notices.alert(message.value)
        else if (message.case === 'ruleChange') this.#notices.ruleChange(message.value)
        else
          void this.#commands.run(message.value).then((result) => {
            if (line === this.#line) line.send({ case: 'commandResult', value: result })
          })
      },
      onEnd: (cause) => this.#lost(line, cause),
    })
    const what = `A welcome of ${this.#name}`
    try {
      await withDeadline({ clock: systemClock, timeoutMs: WELCOME_TIMEOUT_MS, what, signal }, (limit) =>
        line.greet(limit),
      )
    } catch (cause) {
      line.end(closedError(this.#name, 'was left'))
      throw cause
    }
    this.#line = line
    this.#told = model
  }

  deliver(delivery: Delivery, signal: AbortSignal): Promise<DeliveryResult> {
    const line = this.#line
    if (!line || signal.aborted) return Promise.reject(closedError(this.#name, 'is not connected'))
    const model = this.#tellModel(line)
    const options = { model, maxBytes: line.maxMessageBytes, coverage: coverageOf(delivery) }
    const encoded = this.#encoder.encode(delivery, options)
    const onAbort = (): void => {
      const error = new TelemetryError('ABORTED', 'The delivery was given up', {
        retryable: true,
        cause: signal.reason,
      })
      if (line === this.#line) this.#drop(error)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    return this.#traced(delivery, () => line.deliver(delivery, encoded)).finally(() =>
      signal.removeEventListener('abort', onAbort),
    )
  }

  #traced(delivery: Delivery, send: () => Promise<DeliveryResult>): Promise<DeliveryResult> {
    const { trace } = this.#context
    if (!trace) return send()
    const { host, port } = addressOf(this.#setup.config)
    const call = { 'rpc.system.name': 'grpc', 'rpc.method': SYNC, 'server.address': host, 'server.port': port }
    return trace(delivery, call, async (span) => {
      const result = await send()
      span.set('telemetryx.refused', result.rejected.length)
      return result
    })
  }

  modelChanged(): void {
    if (this.#line) this.#tellModel(this.#line)
  }

  async close(): Promise<void> {
    const line = this.#line
    if (!line) return
    this.#line = null
    const deadline = { clock: systemClock, timeoutMs: GOODBYE_MS, what: `The goodbye to ${this.#name}` }
    await withDeadline(deadline, (limit) => line.close(limit)).catch((cause: unknown) => {
      if (!isTelemetryError(cause, 'TIMEOUT')) throw cause
    })
    line.end(closedError(this.#name, 'was left'))
  }

  #warnOfOpenToken({ address, token }: ClientOptions): void {
    if (token === null || address.isTls || isLoopback(address.host)) return
    this.#context.log.warn(
      { uplink: this.#setup.id, receiver: address.name },
      'The token goes over the network unencrypted',
    )
  }

  #greeting(model: Model): Outgoing[] {
    const { epoch, version } = this.#context
    const { factory, gateway } = this.#setup
    const [first, ...others] = wireDictionaries(model)
    const statuses = wireStatuses()
    const hello = create(HelloSchema, {
      gateway,
      factory,
      epoch: epoch ?? 0,
      version: version ?? '',
      statuses,
      ...(first === undefined ? {} : { dictionary: first }),
    })
    return [{ case: 'hello', value: hello }, ...others.map((value) => ({ case: 'dictionary' as const, value }))]
  }

  /** Sends the dictionary again when the model is another one; before the first batch that needs it. */
  #tellModel(line: Line): Model {
    const model = this.#context.model()
    if (model === this.#told) return model
    this.#told = model
    for (const value of wireDictionaries(model)) line.send({ case: 'dictionary', value })
    return model
  }

  #lost(line: Line, cause: TelemetryError): void {
    if (line !== this.#line) return
    this.#line = null
    this.#context.lost(cause)
  }

  #drop(cause: TelemetryError): void {
    const line = this.#line
    this.#line = null
    line?.end(cause)
  }
}
