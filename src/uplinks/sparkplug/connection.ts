// A sparkplug uplink at work: for each connection a new session with its own bdSeq, births once the primary host is online, then
// records as DATA. docs/decisions tells when a record counts as delivered although Sparkplug sends it with QoS 0.

import { Socket } from 'node:net'
import { connect, type MqttClient } from 'mqtt'
import { TelemetryError } from '#domain/errors.ts'
import type { Delivery, DeliveryResult, UplinkConnection, UplinkContext, UplinkSetup } from '#domain/uplink.ts'
import { sleep, systemClock } from '#kit/clock.ts'
import { withDeadline } from '#kit/deadline.ts'
import { accepted } from '#kit/mqtt-accepted.ts'
import { PacketGuard } from '#kit/mqtt-packet-guard.ts'
import { closedError, connectionError } from '#kit/mqtt-reason.ts'
import { hostStateTopic, sparkplugTopic } from '#kit/sparkplug/topic.ts'
import { brokerAddress, type BrokerAddress } from '../mqtt/client-options.ts'
import { BirthCounter } from './birth-counter.ts'
import { clientOptions } from './client-options.ts'
import { deathPayload } from './edge-node.ts'
import { Line } from './line.ts'
import type { SparkplugUplinkConfig } from './schema.ts'

/** How long the broker may take to accept us and our subscriptions. */
const CONNECT_TIMEOUT_MS = 10_000
/** How long a connect waits for the primary host where the gateway offers no hold. */
const HOST_TIMEOUT_MS = 20_000
/** How long the goodbye may take before the socket is destroyed. */
const GOODBYE_MS = 1000
/** Commands are short; nothing else is subscribed to. */
const MAX_PACKET_BYTES = 1024 * 1024

export class SparkplugConnection implements UplinkConnection {
  readonly #setup: UplinkSetup<SparkplugUplinkConfig>
  readonly #context: UplinkContext
  readonly #broker: BrokerAddress
  readonly #node: { readonly group: string; readonly node: string }
  readonly #counter: BirthCounter
  #line: Line | null = null
  #whenBorn: () => void = () => {}

  constructor(setup: UplinkSetup<SparkplugUplinkConfig>, context: UplinkContext) {
    this.#setup = setup
    this.#context = context
    this.#broker = brokerAddress(setup.config)
    this.#node = { group: setup.config.group, node: setup.config.node ?? setup.gateway }
    this.#counter = new BirthCounter(context.stateDir, context.log, systemClock.now())
  }

  async connect(signal: AbortSignal): Promise<void> {
    this.#giveUp(closedError(this.#broker.name, false))
    if (signal.aborted) throw stopped(signal)
    const bdSeq = await this.#counter.next()
    const will = { topic: this.#topic('NDEATH'), payload: deathPayload(bdSeq, systemClock.now()) }
    const options = await clientOptions(this.#setup, this.#context, this.#broker, will)
    if (signal.aborted) throw stopped(signal)
    const client = connect(this.#broker.url, options)
    const line = this.#lineFor(client, bdSeq)
    this.#line = line
    try {
      await this.#open(line, signal)
      await this.#begin(line, signal)
    } catch (error) {
      if (this.#line === line) this.#line = null
      client.end(true)
      throw error
    }
  }

  deliver(delivery: Delivery, signal: AbortSignal): Promise<DeliveryResult> {
    const line = this.#line
    if (!line || signal.aborted) return Promise.reject(closedError(this.#broker.name, false))
    const onAbort = (): void => {
      const details = { retryable: true, cause: signal.reason }
      if (line === this.#line) this.#giveUp(new TelemetryError('ABORTED', 'The delivery was given up', details))
    }
    signal.addEventListener('abort', onAbort, { once: true })
    return line.send(delivery).finally(() => signal.removeEventListener('abort', onAbort))
  }

  modelChanged(): void {
    this.#line?.rebirth()
  }

  async close(): Promise<void> {
    const line = this.#line
    if (!line) return
    this.#line = null
    line.fail(closedError(this.#broker.name, false))
    await this.#goodbye(line)
  }

  #topic(type: 'NDEATH' | 'NCMD' | 'DCMD', device: string | null = null): string {
    return sparkplugTopic(type, { ...this.#node, device })
  }

  #lineFor(client: MqttClient, bdSeq: number): Line {
    return new Line({
      client,
      node: this.#node,
      setup: this.#setup,
      context: this.#context,
      bdSeq,
      onFault: (error) => this.#lose(client, error),
    })
  }

  /** CONNECT and the subscriptions, which come before the birth (Sparkplug 3.0 §5.4). */
  async #open(line: Line, signal: AbortSignal): Promise<void> {
    const { client } = line
    const { name } = this.#broker
    const deadline = { clock: systemClock, timeoutMs: CONNECT_TIMEOUT_MS, what: `An answer of ${name}`, signal }
    const guard = new PacketGuard(MAX_PACKET_BYTES)
    client.stream.on('data', (chunk: Uint8Array) => {
      if (!guard.accept(chunk)) client.stream.destroy()
    })
    await withDeadline(deadline, (limit) => accepted(client, name, limit))
    if (client.stream instanceof Socket) client.stream.setNoDelay(true) // deliveries are whole; waiting for more only makes them late
    this.#watch(line)
    await withDeadline({ ...deadline, what: 'Subscribing' }, () => this.#subscribe(line))
  }

  async #subscribe(line: Line): Promise<void> {
    const { primaryHost } = this.#setup.config
    const own = [this.#topic('NCMD'), this.#topic('DCMD', '#')]
    const state = primaryHost === undefined ? [] : [hostStateTopic(primaryHost)]
    const topics = [...own, ...state]
    const refused = await new Promise<string[]>((resolve, reject) => {
      line.client.subscribe(topics, { qos: 1 }, (error, _granted, packet) => {
        const codes = packet?.granted ?? []
        if (error && codes.length === 0) return reject(connectionError(error, this.#broker.name))
        resolve(topics.filter((_topic, index) => (Number(codes[index]) & 0x80) !== 0))
      })
    })
    if (refused.length === 0) return
    const isBlind = state.some((topic) => refused.includes(topic))
    const message = `The broker refuses the subscription to ${refused.join(', ')}`
    if (isBlind) throw new TelemetryError('UNAUTHENTICATED', message, { retryable: true })
    this.#context.log.warn({ uplink: this.#setup.id, topics: refused }, `${message}: commands will not arrive`)
  }

  /** Births, now or once the primary host is online. */
  async #begin(line: Line, signal: AbortSignal): Promise<void> {
    const { primaryHost } = this.#setup.config
    const { hold } = this.#context
    if (primaryHost === undefined) return line.begin()
    const reason = `The primary host ${primaryHost} is not online`
    if (line.isBorn) return
    if (hold) return hold(reason)
    const born = new Promise<void>((resolve, reject) => {
      this.#whenBorn = resolve
      line.client.once('close', () => reject(closedError(this.#broker.name, false)))
    })
    born.catch(() => {}) // also when nobody waits for it any more
    const deadline = { clock: systemClock, timeoutMs: HOST_TIMEOUT_MS, what: reason, signal }
    await withDeadline(deadline, () => born)
  }

  #watch(line: Line): void {
    const { client } = line
    const { name } = this.#broker
    client.on('error', (cause) => this.#lose(client, connectionError(cause, name)))
    client.on('close', () => this.#lose(client, closedError(name, false)))
    client.on('message', (topic, payload, { retain }) => this.#take(line, topic, payload, retain))
  }

  #take(line: Line, topic: string, payload: Uint8Array, isRetained: boolean): void {
    if (line !== this.#line) return
    const { primaryHost } = this.#setup.config
    if (primaryHost !== undefined && topic === hostStateTopic(primaryHost)) return this.#takeState(line, payload)
    if (isRetained) return // a command that waits at the broker was meant for another time
    if (topic === this.#topic('NCMD')) return line.commands.take(null, payload)
    const ofDevices = this.#topic('DCMD', '')
    if (topic.startsWith(ofDevices)) line.commands.take(topic.slice(ofDevices.length), payload)
  }

  #takeState(line: Line, payload: Uint8Array): void {
    line.host.take(payload)
    const { isOnline } = line.host
    if (isOnline === true && !line.isBorn) {
      line.begin()
      this.#whenBorn()
      this.#context.hold?.(null)
    } else if (isOnline === false && line.isBorn) {
      // §5.4: the session ends; the next one waits for the host with its births.
      const message = `The primary host ${this.#setup.config.primaryHost} went offline`
      const error = new TelemetryError('CONNECTION_LOST', message, { retryable: true })
      this.#line = null
      line.fail(error)
      void this.#goodbye(line).catch(() => {})
      this.#context.lost(error)
    }
  }

  /** NDEATH, then DISCONNECT: the broker does not send the will after that (§5.5). */
  async #goodbye({ client, bdSeq, isBorn }: Line): Promise<void> {
    if (isBorn) client.publish(this.#topic('NDEATH'), deathPayload(bdSeq, systemClock.now()) as Buffer, { qos: 1 })
    const limit = new AbortController()
    await Promise.race([client.endAsync(false), sleep(systemClock, GOODBYE_MS, limit.signal)]).catch(() => {})
    limit.abort()
    client.stream.destroy() // a second end(true) would be ignored by mqtt.js while the first is under way
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
    line.fail(error)
    line.client.end(true)
  }
}

function stopped(signal: AbortSignal): TelemetryError {
  return new TelemetryError('ABORTED', 'Connecting was stopped', { cause: signal.reason })
}
