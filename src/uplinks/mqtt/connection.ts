// One MQTT uplink at work: a new mqtt.js client for each connection, the retained state, and deliveries over a Publisher.

import { Socket } from 'node:net'
import { connect, type MqttClient } from 'mqtt'
import { TelemetryError } from '#domain/errors.ts'
import type { Delivery, DeliveryResult, UplinkConnection, UplinkContext, UplinkSetup } from '#domain/uplink.ts'
import { sleep, systemClock } from '#kit/clock.ts'
import { withDeadline } from '#kit/deadline.ts'
import { brokerAddress, clientOptions, type BrokerAddress } from './client-options.ts'
import { listenForCommands } from './commands.ts'
import { Messages } from './message.ts'
import { Publisher } from './publisher.ts'
import { closedError, connectionError } from '#kit/mqtt-reason.ts'
import type { MqttUplinkConfig } from './schema.ts'
import { DEFAULT_BATCH_TOPIC, DEFAULT_TOPIC, stateTopic } from './topic.ts'

/** How long the broker may take to accept us. */
const CONNECT_TIMEOUT_MS = 10_000
/** How long the goodbye may take before the socket is destroyed. */
const GOODBYE_MS = 1000
/** Without the broker's word (MQTT 5 §3.2.2.3.3). */
const DEFAULT_RECEIVE_MAXIMUM = 65_535

/** The connection of the moment. */
interface Line {
  readonly client: MqttClient
  readonly publisher: Publisher
}

export class MqttConnection implements UplinkConnection {
  readonly #setup: UplinkSetup<MqttUplinkConfig>
  readonly #context: UplinkContext
  readonly #broker: BrokerAddress
  readonly #messages: Messages
  #line: Line | null = null

  constructor(setup: UplinkSetup<MqttUplinkConfig>, context: UplinkContext) {
    this.#setup = setup
    this.#context = context
    this.#broker = brokerAddress(setup.config)
    const isBatch = setup.config.format === 'json-batch'
    this.#messages = new Messages({
      template: setup.config.topic ?? (isBatch ? DEFAULT_BATCH_TOPIC : DEFAULT_TOPIC),
      format: isBatch ? 'json-batch' : 'json',
      gateway: setup.gateway,
      factory: setup.factory,
      model: () => context.model(),
      log: context.log,
    })
  }

  async connect(signal: AbortSignal): Promise<void> {
    this.#giveUp(closedError(this.#broker.name, false))
    const options = await clientOptions(this.#setup, this.#broker, this.#context.configDir)
    if (signal.aborted) throw new TelemetryError('ABORTED', 'Connecting was stopped', { cause: signal.reason })
    const client = connect(this.#broker.url, options)
    const what = `An answer of ${this.#broker.name}`
    const deadline = { clock: systemClock, timeoutMs: CONNECT_TIMEOUT_MS, what, signal }
    await withDeadline(deadline, (limit) => this.#accepted(client, limit))
    if (client.stream instanceof Socket) client.stream.setNoDelay(true) // batches are whole; waiting for more only makes them late
    this.#line = { client, publisher: this.#publisherFor(client) }
    this.#watch(this.#line)
    client.publish(stateTopic(this.#setup.gateway), 'online', { qos: 0, retain: true })
    const { gateway, id: uplink } = this.#setup
    const { commands: desk, log } = this.#context
    if (desk) await listenForCommands({ client, gateway, uplink, desk, log })
  }

  deliver(delivery: Delivery, signal: AbortSignal): Promise<DeliveryResult> {
    const line = this.#line
    if (!line || signal.aborted) return Promise.reject(closedError(this.#broker.name, false))
    const onAbort = (): void => {
      if (line === this.#line)
        this.#giveUp(
          new TelemetryError('ABORTED', 'The delivery was given up', { retryable: true, cause: signal.reason }),
        )
    }
    signal.addEventListener('abort', onAbort, { once: true })
    return line.publisher.publish(delivery).finally(() => signal.removeEventListener('abort', onAbort))
  }

  async close(): Promise<void> {
    const line = this.#line
    if (!line) return
    this.#line = null
    line.publisher.fail(closedError(this.#broker.name, false))
    const { client } = line
    client.publish(stateTopic(this.#setup.gateway), 'offline', { qos: 0, retain: true })
    const limit = new AbortController()
    await Promise.race([client.endAsync(false), sleep(systemClock, GOODBYE_MS, limit.signal)]).catch(() => {})
    limit.abort()
    client.stream.destroy() // a second end(true) would be ignored by mqtt.js while the first is under way
  }

  /** Resolves when the broker has accepted us; rejects with the reason in plain words. */
  #accepted(client: MqttClient, signal: AbortSignal): Promise<void> {
    const { name } = this.#broker
    client.on('error', () => {}) // for as long as the client lives: an 'error' without a listener would be thrown
    return new Promise((resolve, reject) => {
      const finish = (error: TelemetryError | null): void => {
        client.off('connect', onConnect).off('error', onError).off('close', onClose)
        signal.removeEventListener('abort', onAbort)
        if (error === null) return resolve()
        client.end(true)
        reject(error)
      }
      const onConnect = (): void => finish(null)
      const onError = (cause: Error): void => finish(connectionError(cause, name))
      const onClose = (): void => finish(closedError(name, true))
      const onAbort = (): void =>
        finish(new TelemetryError('ABORTED', 'Connecting was stopped', { cause: signal.reason }))
      client.on('connect', onConnect).on('error', onError).on('close', onClose)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  #publisherFor(client: MqttClient): Publisher {
    const { receiveMaximum, maximumPacketSize } = client.serverProperties ?? {}
    return new Publisher({
      client,
      messages: this.#messages,
      qos: this.#setup.config.qos ?? 1,
      receiveMaximum: receiveMaximum ?? DEFAULT_RECEIVE_MAXIMUM,
      maximumPacketSize: maximumPacketSize ?? Number.POSITIVE_INFINITY,
      onRefusal: (cause) => this.#lose(client, connectionError(cause, this.#broker.name)),
    })
  }

  #watch({ client }: Line): void {
    const { name } = this.#broker
    client.on('error', (cause) => this.#lose(client, connectionError(cause, name)))
    client.on('disconnect', (packet) => this.#lose(client, connectionError({ code: packet.reasonCode ?? 0 }, name)))
    client.on('close', () => this.#lose(client, closedError(name, false)))
  }

  #lose(client: MqttClient, error: TelemetryError): void {
    if (this.#line?.client !== client) return
    this.#giveUp(error)
    this.#context.lost(error)
  }

  /** Drops the connection without a goodbye; the broker then publishes the will. */
  #giveUp(error: TelemetryError): void {
    const line = this.#line
    if (!line) return
    this.#line = null
    line.publisher.fail(error)
    line.client.end(true)
  }
}
