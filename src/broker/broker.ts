// The embedded MQTT broker (aedes, MQTT 3.1 and 3.1.1) for sensors that publish by themselves: users with topic rules, limits,
// TLS. Devices of the gateway hear messages without a connection; a publisher's QoS 1 message is acknowledged when they are
// done with it. aedes acknowledges before it publishes, so that devices are served where it asks for permission.

import { readFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { Aedes, AuthenticateError, Client, PublishPacket } from 'aedes'
import type { LocalBroker, LocalMessage } from '#domain/broker.ts'
import type { Component } from '#domain/component.ts'
import { TelemetryError, toTelemetryError } from '#domain/errors.ts'
import { collectedCounter, collectedGauge } from '#kit/metrics.ts'
import { BrokerAccess } from './access.ts'
import type { BrokerOptions } from './options.ts'
import { limitPackets } from './packet-limit.ts'
import { topicSet } from './topic-rules.ts'

/** After a wrong password: slows down guessing. */
const REFUSAL_DELAY_MS = 500
const MAX_RETAINED = 10_000
/** A subscriber that takes nothing for this long is thrown out. */
const DRAIN_MS = 10_000
const HANDSHAKE_MS = 10_000
/** Topic, properties of CONNECT and the like, beside the payload. */
const HEADER_BYTES = 66_000
const NOT_AUTHORIZED = 5
const BAD_CREDENTIALS = 4

type Refusal = 'credentials' | 'topic' | 'too-long' | 'connections' | 'protocol' | 'retained'

interface Listener {
  readonly filters: readonly string[]
  wants(topic: string): boolean
  hear(message: LocalMessage): Promise<void> | void
}

export interface EmbeddedBroker extends Component, LocalBroker {
  /** Once started. */
  readonly port: number
}

/** The broker; does no I/O before `start`, which throws PORT_IN_USE and CONFIG_INVALID (certificate). */
export function createBroker(options: BrokerOptions): EmbeddedBroker {
  return new AedesBroker(options)
}

class AedesBroker implements EmbeddedBroker {
  readonly name = 'broker'
  readonly #options: BrokerOptions
  readonly #access: BrokerAccess
  readonly #names = new WeakMap<Client, string>()
  readonly #listeners = new Set<Listener>()
  readonly #sockets = new Set<Socket>()
  readonly #refused = new Map<Refusal, number>()
  readonly #retained = new Set<string>()
  #messages = 0
  #aedes: Aedes | null = null
  #server: Server | null = null

  constructor(options: BrokerOptions) {
    this.#options = options
    this.#access = new BrokerAccess(options.users)
    this.#measure()
  }

  get port(): number {
    return (this.#server?.address() as AddressInfo | null)?.port ?? this.#options.port
  }

  async start(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw new TelemetryError('ABORTED', 'The start was stopped', { cause: signal.reason })
    const { maxConnections, log, host } = this.#options
    const server = await this.#createServer()
    const { Aedes: Broker } = await import('aedes')
    const aedes = await Broker.createBroker(this.#handlers())
    boundRetained(aedes, this.#retained, () => this.#refuse('retained'))
    aedes.on('connectionError', (_client, error) => {
      // Before a client has a name: another protocol, or MQTT 5, which is told so (return code 1).
      this.#refuse('protocol')
      log.debug({ reason: error.message }, 'A connection to the broker was refused')
    })
    server.maxConnections = maxConnections
    server.on('drop', () => this.#refuse('connections'))
    server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    this.#aedes = aedes
    this.#server = server
    try {
      await this.#listen(server)
    } catch (error) {
      await this.stop()
      throw error
    }
    log.info({ host, port: this.port }, 'The embedded broker listens')
  }

  async stop(): Promise<void> {
    const [server, aedes] = [this.#server, this.#aedes]
    this.#server = null
    this.#aedes = null
    const closed = server?.listening ? new Promise<void>((resolve) => server.close(() => resolve())) : null
    for (const socket of this.#sockets) socket.destroy()
    await closed
    if (aedes !== null) await new Promise<void>((resolve) => aedes.close(() => resolve()))
    this.#retained.clear()
  }

  subscribe(filters: readonly string[], hear: Listener['hear']): () => void {
    const aedes = this.#aedes
    if (aedes === null)
      throw new TelemetryError('CONNECTION_FAILED', 'The embedded broker does not run', { retryable: true })
    const listener: Listener = { filters, wants: topicSet(filters), hear }
    this.#listeners.add(listener)
    void this.#replay(aedes, listener)
    return () => void this.#listeners.delete(listener)
  }

  publish(topic: string, payload: Uint8Array): void {
    const packet = { cmd: 'publish', topic, payload: Buffer.from(payload), qos: 0, retain: false, dup: false } as const
    this.#aedes?.publish(packet, () => {})
  }

  /** Gives a new listener what is retained. */
  async #replay(aedes: Aedes, listener: Listener): Promise<void> {
    const { persistence } = aedes as Aedes & { readonly persistence: RetainedStore }
    try {
      for await (const { topic, payload } of persistence.createRetainedStreamCombi([...listener.filters])) {
        if (!this.#listeners.has(listener)) return
        await listener.hear({ topic, payload: bytesOf(payload), qos: 0, isRetained: true })
      }
    } catch (error) {
      this.#options.log.error({ err: error }, 'Retained messages could not be read')
    }
  }

  #handlers(): ConstructorParameters<typeof Aedes>[0] {
    const { clock, log } = this.#options
    return {
      drainTimeout: DRAIN_MS,
      // Sessions of subscribers that are away would grow in memory: this broker keeps none.
      preConnect: (_client, packet, done) => {
        packet.clean = true
        done(null, true)
      },
      authenticate: (client, name, password, done) => {
        if (this.#access.isAllowed(name, password)) {
          if (name !== undefined) this.#names.set(client, name)
          done(null, true)
          return
        }
        this.#refuse('credentials')
        log.warn({ user: name, client: client.id }, 'The broker refused a client: wrong user name or password')
        clock.after(REFUSAL_DELAY_MS, () => done(refusal('Wrong user name or password', BAD_CREDENTIALS), false))
      },
      authorizePublish: (client, packet, done) => {
        if (client !== null && !this.#access.mayPublish(this.#nameOf(client), packet.topic)) {
          this.#refuse('topic')
          log.warn({ client: client.id, topic: packet.topic }, 'The broker refused a topic; the client is disconnected')
          done(refusal('Not allowed to publish on this topic', NOT_AUTHORIZED))
          return
        }
        this.#messages += 1
        void this.#offer(packet, done)
      },
      authorizeSubscribe: (client, subscription, done) => {
        if (this.#access.maySubscribe(this.#nameOf(client), subscription.topic)) return done(null, subscription)
        this.#refuse('topic')
        done(null, null) // answered with 128, failure (MQTT 3.1.1 §3.9.3)
      },
      authorizeForward: (_client, packet) => packet,
    }
  }

  #nameOf(client: Client): string | null {
    return this.#names.get(client) ?? null
  }

  /** The publisher's connection ends when a device could not take it: without an acknowledgement it sends it again. */
  async #offer(packet: PublishPacket, done: (error?: Error | null) => void): Promise<void> {
    let failure: Error | null = null
    try {
      await this.#tell(packet)
    } catch (error) {
      failure = toTelemetryError(error)
    }
    done(failure)
  }

  /** Resolves when every device that listens is done with it. */
  async #tell(packet: PublishPacket): Promise<void> {
    const { topic, qos } = packet
    let message: LocalMessage | null = null
    const heard: Promise<void>[] = []
    for (const listener of this.#listeners) {
      if (!listener.wants(topic)) continue
      message ??= { topic, payload: bytesOf(packet.payload), qos, isRetained: false }
      const done = listener.hear(message)
      if (done !== undefined) heard.push(done)
    }
    if (heard.length > 0) await Promise.all(heard)
  }

  async #createServer(): Promise<Server> {
    const { tls } = this.#options
    const accept = (socket: Socket): void => this.#accept(socket)
    if (tls === null) return createServer(accept)
    try {
      const [cert, key] = await Promise.all([readFile(tls.cert), readFile(tls.key)])
      return createTlsServer({ cert, key, handshakeTimeout: HANDSHAKE_MS }, accept)
    } catch (cause) {
      throw new TelemetryError('CONFIG_INVALID', 'The certificate of the broker cannot be used: see broker.tls', {
        context: tls,
        cause,
      })
    }
  }

  #accept(socket: Socket): void {
    const aedes = this.#aedes
    if (aedes === null) return void socket.destroy()
    socket.setNoDelay(true)
    aedes.handle(socket)
    limitPackets(socket, this.#options.maxPayloadBytes + HEADER_BYTES, () => this.#refuse('too-long'))
  }

  #listen(server: Server): Promise<void> {
    const { host, port } = this.#options
    return new Promise((resolve, reject) => {
      server.once('error', (cause) => {
        const message = `The broker cannot listen on ${host}:${port}: choose another broker.port or broker.host`
        reject(new TelemetryError('PORT_IN_USE', message, { context: { host, port }, cause }))
      })
      server.listen(port, host, () => resolve())
    })
  }

  #refuse(reason: Refusal): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1)
  }

  #measure(): void {
    const { registry } = this.#options
    collectedGauge({
      registry,
      name: 'telemetryx_broker_clients',
      help: 'Clients of the embedded MQTT broker',
      collect: () => [{ value: this.#aedes?.connectedClients ?? 0 }],
    })
    collectedCounter({
      registry,
      name: 'telemetryx_broker_messages_total',
      help: 'Messages that clients published to the embedded MQTT broker',
      collect: () => [{ value: this.#messages }],
    })
    collectedCounter({
      registry,
      name: 'telemetryx_broker_refused_total',
      help: 'What the embedded MQTT broker refused, by reason',
      labelNames: ['reason'],
      collect: () => [...this.#refused].map(([reason, value]) => ({ labels: { reason }, value })),
    })
  }
}

/** The part of aedes' persistence that is used here. */
interface RetainedStore {
  storeRetained(packet: PublishPacket): Promise<void>
  createRetainedStreamCombi(filters: string[]): AsyncIterable<PublishPacket>
}

/** Bounds how many topics keep a message; each of them is bounded by the longest packet. */
function boundRetained(aedes: Aedes, topics: Set<string>, onRefusal: () => void): void {
  const { persistence } = aedes as Aedes & { readonly persistence: RetainedStore }
  const store = persistence.storeRetained.bind(persistence)
  persistence.storeRetained = async (packet) => {
    if (packet.payload.length === 0) topics.delete(packet.topic)
    else if (topics.size >= MAX_RETAINED && !topics.has(packet.topic)) return onRefusal()
    else topics.add(packet.topic)
    await store(packet)
  }
}

function bytesOf(payload: string | Buffer): Uint8Array {
  return typeof payload === 'string' ? Buffer.from(payload) : payload
}

function refusal(message: string, returnCode: number): AuthenticateError {
  return Object.assign(new Error(message), { returnCode })
}
