// NATS for this program: durable messages (JetStream), messages to whoever listens now, and a connection that is made anew for
// ever. While NATS is away publishing fails at once; what subscribes and consumes goes on by itself afterwards.

import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream'
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node'
import type { Log } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import { Backoff } from '#kit/backoff.ts'
import { sleep, type Clock } from '#kit/clock.ts'
import { CircuitBreaker } from './circuit-breaker.ts'
import { connectOptions } from './nats-address.ts'
import { isAnswer, natsError } from './nats-errors.ts'
import { removeConsumed, unconsumed } from './nats-queue.ts'
import { consumeOneByOne, type Consumption, type ConsumptionPlan } from './nats-consumption.ts'

export type { Consumption, ConsumptionPlan, DurableMessage } from './nats-consumption.ts'

const FIRST_TRY_MS = 3000
const ANSWER_TIMEOUT_MS = 5000
const RECONNECT_FIRST_MS = 50
const RECONNECT_MAX_MS = 3000
/** Two pings without an answer end a connection. */
const PING_MS = 5000
/** Beside the payload in a message: subject, headers. */
const MESSAGE_HEAD_BYTES = 4096

export type Headers = Readonly<Record<string, string>>

export interface Published {
  /** NATS had it already. */
  readonly isRepeat: boolean
}

/** A stream on disk that refuses what it has no room for. */
export interface StreamPlan {
  readonly name: string
  readonly subjects: readonly string[]
  /** `queue`: a message goes when it was consumed. `log`: the oldest go when there is no room. */
  readonly kind: 'queue' | 'log'
  readonly replicas: number
  readonly maxBytes: number
  /** Of a queue, for each subject. */
  readonly maxPerSubject?: number
  /** A message with the id of another that is not older than this is a repeat. */
  readonly repeatWindowMs?: number
  readonly maxAgeMs?: number
}

export interface NatsPort {
  readonly isUp: boolean
  /** Messages of a queue that nobody has consumed yet. Throws UNAVAILABLE. */
  waiting(stream: string): Promise<number>
  /**
   * Removes from a queue what was consumed and came back: a server that was killed forgets removals, and nobody would ever consume
   * these again, while they take up room. Answers how many. Throws UNAVAILABLE.
   */
  sweep(stream: string): Promise<number>
  /** Makes the stream or changes it to this. Throws UNAVAILABLE. */
  ensureStream(plan: StreamPlan): Promise<void>
  /**
   * Resolves when the stream has it (all of its replicas that must). `id`: of two with one id, one is kept. Throws UNAVAILABLE,
   * BUFFER_FULL (no room in the stream), RATE_LIMITED (no room for this subject), OUT_OF_RANGE (too large).
   */
  publishDurable(subject: string, data: Uint8Array, options: { id: string; headers: Headers }): Promise<Published>
  /** Consumes until it is stopped. Every process that consumes with the same plan gets a share. */
  consume(plan: ConsumptionPlan): Consumption
  /** To those who listen now. false: NATS is away or does not take it. */
  publish(subject: string, data: Uint8Array | string): boolean
  /** Returns what ends it. */
  subscribe(subject: string, listener: (subject: string, data: Uint8Array) => void): () => void
  close(): Promise<void>
}

export interface NatsOptions {
  /** `nats://[user:password@]host[:port]` or `tls://…`, servers of one cluster. */
  readonly urls: readonly string[]
  /** Path of a credentials file; null: none. */
  readonly credentials: string | null
  readonly clock: Clock
  readonly log: Log
}

interface Session {
  readonly connection: NatsConnection
  readonly jetstream: JetStreamClient
  readonly manager: JetStreamManager
}

interface Listening {
  readonly subject: string
  readonly listener: (subject: string, data: Uint8Array) => void
  subscription: Subscription | null
}

/** Connects in the background; resolves when the first try is over. Throws CONFIG_INVALID, CONFIG_UNREADABLE. */
export async function openNats(options: NatsOptions): Promise<NatsPort> {
  const nats = new Nats(options)
  await nats.begin()
  return nats
}

class Nats implements NatsPort {
  readonly #options: NatsOptions
  readonly #breaker: CircuitBreaker
  readonly #stop = new AbortController()
  readonly #listening = new Set<Listening>()
  readonly #consumptions = new Set<Consumption>()
  #session: Session | null = null
  #isConnected = false
  #connecting: Promise<void> = Promise.resolve()

  constructor(options: NatsOptions) {
    this.#options = options
    this.#breaker = new CircuitBreaker({
      name: 'NATS',
      clock: options.clock,
      isFailure: (cause) => !isAnswer(cause),
    })
  }

  get isUp(): boolean {
    return this.#isConnected && this.#breaker.kind === 'closed'
  }

  async begin(): Promise<void> {
    const { clock } = this.#options
    const given = await connectOptions(this.#options)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const timer = clock.after(FIRST_TRY_MS, resolve)
    this.#connecting = this.#connect(given, resolve).catch(reject)
    await promise
    timer.cancel()
  }

  async ensureStream(plan: StreamPlan): Promise<void> {
    await this.#ask(async ({ manager }) => {
      const { nanos } = await import('@nats-io/transport-node')
      const config = {
        subjects: [...plan.subjects],
        num_replicas: plan.replicas,
        max_bytes: plan.maxBytes,
        max_age: nanos(plan.maxAgeMs ?? 0),
        ...(plan.kind === 'queue'
          ? { discard: 'new' as const, discard_new_per_subject: plan.maxPerSubject !== undefined }
          : { discard: 'old' as const }),
        ...(plan.maxPerSubject === undefined ? {} : { max_msgs_per_subject: plan.maxPerSubject }),
        ...(plan.repeatWindowMs === undefined ? {} : { duplicate_window: nanos(plan.repeatWindowMs) }),
      }
      const retention = plan.kind === 'queue' ? ('workqueue' as const) : ('limits' as const)
      try {
        await manager.streams.add({ name: plan.name, storage: 'file', retention, ...config })
      } catch (cause) {
        if (!isAnswer(cause)) throw cause
        await manager.streams.update(plan.name, config) // it is there, with other figures
      }
    })
  }

  async publishDurable(
    subject: string,
    data: Uint8Array,
    { headers, id }: { id: string; headers: Headers },
  ): Promise<Published> {
    const { headers: makeHeaders } = await import('@nats-io/transport-node')
    return this.#ask(async ({ connection, jetstream, manager }) => {
      const maxBytes = (connection.info?.max_payload ?? 1 << 20) - MESSAGE_HEAD_BYTES
      if (data.length > maxBytes) {
        const message = `The batch is larger than NATS takes (${data.length} of ${maxBytes} bytes)`
        throw new TelemetryError('OUT_OF_RANGE', message, { context: { bytes: data.length, maxBytes } })
      }
      const head = makeHeaders()
      for (const [name, value] of Object.entries(headers)) head.set(name, value)
      try {
        const ack = await jetstream.publish(subject, data, { msgID: id, headers: head, timeout: ANSWER_TIMEOUT_MS })
        return { isRepeat: ack.duplicate }
      } catch (cause) {
        throw await natsError(cause, manager, subject)
      }
    })
  }

  waiting(stream: string): Promise<number> {
    return this.#ask(({ manager }) => unconsumed(manager, stream))
  }

  sweep(stream: string): Promise<number> {
    return this.#ask(({ manager }) => removeConsumed(manager, stream))
  }

  consume(plan: ConsumptionPlan): Consumption {
    const { clock, log } = this.#options
    const session = (): Session => this.#sessionNow()
    const consumption = consumeOneByOne(plan, { clock, log, session })
    this.#consumptions.add(consumption)
    void consumption.ended.then(() => this.#consumptions.delete(consumption))
    return consumption
  }

  publish(subject: string, data: Uint8Array | string): boolean {
    if (!this.#session || !this.#isConnected) return false
    try {
      this.#session.connection.publish(subject, data)
      return true
    } catch {
      return false // larger than NATS takes, or closed in this moment
    }
  }

  subscribe(subject: string, listener: (subject: string, data: Uint8Array) => void): () => void {
    const listening: Listening = { subject, listener, subscription: null }
    this.#listening.add(listening)
    if (this.#session) this.#listen(this.#session, listening)
    return () => {
      this.#listening.delete(listening)
      listening.subscription?.unsubscribe()
    }
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await Promise.all([...this.#consumptions].map((consumption) => consumption.stop()))
    await this.#connecting
    this.#isConnected = false
    await this.#session?.connection.close()
  }

  async #connect(given: Awaited<ReturnType<typeof connectOptions>>, onTried: () => void): Promise<void> {
    const { clock, log } = this.#options
    const [{ connect }, { jetstream, jetstreamManager }] = await Promise.all([
      import('@nats-io/transport-node'),
      import('@nats-io/jetstream'),
    ])
    const first = new Backoff({ firstMs: RECONNECT_FIRST_MS, maxMs: RECONNECT_MAX_MS, random: Math.random })
    const again = new Backoff({ firstMs: RECONNECT_FIRST_MS, maxMs: RECONNECT_MAX_MS, random: Math.random })
    while (!this.#stop.signal.aborted) {
      try {
        const connection = await connect({
          ...given,
          maxReconnectAttempts: -1,
          reconnectDelayHandler: () => again.next(),
          pingInterval: PING_MS,
          timeout: FIRST_TRY_MS,
          ignoreAuthErrorAbort: true,
        })
        const manager = await jetstreamManager(connection, { checkAPI: false, timeout: ANSWER_TIMEOUT_MS })
        const client = jetstream(connection, { timeout: ANSWER_TIMEOUT_MS })
        this.#session = { connection, manager, jetstream: client }
        this.#isConnected = true
        void this.#watch(connection, again)
        for (const listening of this.#listening) this.#listen(this.#session, listening)
        onTried()
        return
      } catch (cause) {
        if (first.attempt === 0) log.warn({ reason: reasonOf(cause) }, 'NATS is away')
        onTried()
        await sleep(clock, first.next(), this.#stop.signal).catch(() => {})
      }
    }
  }

  async #watch(connection: NatsConnection, backoff: Backoff): Promise<void> {
    const { log } = this.#options
    for await (const { type } of connection.status()) {
      if (type === 'disconnect' || type === 'staleConnection') {
        if (this.#isConnected) log.warn({}, 'NATS is away')
        this.#isConnected = false
      } else if (type === 'reconnect') {
        log.info({}, 'NATS is back')
        backoff.reset()
        this.#isConnected = true
        for (const consumption of this.#consumptions) consumption.renew()
      }
    }
    this.#isConnected = false
  }

  #listen({ connection }: Session, listening: Listening): void {
    listening.subscription = connection.subscribe(listening.subject, {
      callback: (error: Error | null, message: Msg) => {
        if (error === null) listening.listener(message.subject, message.data)
      },
    })
  }

  #sessionNow(): Session {
    const session = this.#session
    if (session && this.#isConnected) return session
    throw new TelemetryError('UNAVAILABLE', 'NATS is away', { retryable: true, context: { service: 'NATS' } })
  }

  async #ask<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const session = this.#sessionNow()
    return this.#breaker.run(async () => {
      try {
        return await work(session)
      } catch (cause) {
        throw cause instanceof TelemetryError ? cause : await natsError(cause, session.manager, null)
      }
    })
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
