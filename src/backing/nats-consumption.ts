// Consumes one subject filter of a queue stream strictly in order: one message at a time, over all processes that do the same. The
// next one comes when this one was acknowledged. A process that dies holds up its message for `ackWaitMs`; one that stops
// hands it back at once.

import type { JetStreamClient, JetStreamManager, JsMsg } from '@nats-io/jetstream'
import type { Log } from '#domain/driver.ts'
import { Backoff } from '#kit/backoff.ts'
import { sleep, type Clock, type Timer } from '#kit/clock.ts'

const RETRY_FIRST_MS = 100
const RETRY_MAX_MS = 5000
/** Of `ackWaitMs`: how often NATS is told that a message is still being worked on. */
const WORKING_SHARE = 1 / 3
const PULL_EXPIRES_MS = 10_000

export interface DurableMessage {
  readonly subject: string
  readonly data: Uint8Array
  /** Of the headers that it was published with; undefined: it has none of this name. */
  readonly header: (name: string) => string | undefined
  /** 1 for the first time; more when a process died with it or did not finish in time. */
  readonly deliveries: number
  /** Its place in the stream: never given twice. */
  readonly sequence: number
  /** Unix milliseconds at which the stream took it. */
  readonly storedAt: number
}

export interface ConsumptionPlan {
  readonly stream: string
  /** Name that all processes share. */
  readonly durable: string
  readonly filter: string
  readonly ackWaitMs: number
  /**
   * Returns when the message is done with, for good or ill; it is then never seen again. When it throws, the message comes
   * again after a pause. `signal` aborts when the consumption is stopped.
   */
  work(message: DurableMessage, signal: AbortSignal): Promise<void>
}

export interface Consumption {
  /** Ends it: the message under way is finished, or handed back when `work` throws. */
  stop(): Promise<void>
  readonly ended: Promise<void>
  /**
   * The connection is a new one: asks again for messages. The client's own way to do so gives up for ever when JetStream is not
   * ready in that moment.
   */
  renew(): void
}

interface Session {
  readonly jetstream: JetStreamClient
  readonly manager: JetStreamManager
}

interface Bench {
  readonly clock: Clock
  readonly log: Log
  /** Throws while NATS is away. */
  readonly session: () => Session
}

export function consumeOneByOne(plan: ConsumptionPlan, bench: Bench): Consumption {
  const loop = new ConsumeLoop(plan, bench)
  const ended = loop.run()
  return {
    ended,
    renew: () => loop.renew(),
    stop: () => {
      loop.stop()
      return ended
    },
  }
}

class ConsumeLoop {
  readonly #plan: ConsumptionPlan
  readonly #bench: Bench
  readonly #stop = new AbortController()
  readonly #backoff = new Backoff({ firstMs: RETRY_FIRST_MS, maxMs: RETRY_MAX_MS, random: Math.random })
  #close: (() => void) | null = null
  /** Connections so far. */
  #connections = 0

  constructor(plan: ConsumptionPlan, bench: Bench) {
    this.#plan = plan
    this.#bench = bench
  }

  stop(): void {
    this.#stop.abort()
    this.#close?.()
  }

  renew(): void {
    this.#connections += 1
    this.#close?.()
  }

  async run(): Promise<void> {
    const { clock, log } = this.#bench
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        await this.#consume(this.#bench.session())
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause)
        log.debug({ durable: this.#plan.durable, reason }, 'Consuming was interrupted')
      }
      if (!signal.aborted) await sleep(clock, this.#backoff.next(), signal).catch(() => {})
    }
  }

  async #consume(session: Session): Promise<void> {
    const { stream, durable } = this.#plan
    const connection = this.#connections
    await this.#ensure(session)
    const consumer = await session.jetstream.consumers.get(stream, durable)
    const messages = await consumer.consume({
      max_messages: 1,
      expires: PULL_EXPIRES_MS,
      abort_on_missing_resource: true, // made again by the next turn
    })
    this.#close = () => messages.stop()
    if (this.#stop.signal.aborted || connection !== this.#connections) messages.stop()
    try {
      for await (const message of messages) {
        this.#backoff.reset()
        await this.#work(message)
      }
    } finally {
      this.#close = null
      await messages.close()
    }
  }

  async #ensure({ manager }: Session): Promise<void> {
    const { ackWaitMs, durable, filter, stream } = this.#plan
    const { nanos } = await import('@nats-io/transport-node')
    // One at a time keeps the order: two processes with two messages of one gateway could finish in the wrong one.
    await manager.consumers.add(stream, {
      durable_name: durable,
      filter_subject: filter,
      ack_policy: 'explicit',
      deliver_policy: 'all',
      ack_wait: nanos(ackWaitMs),
      max_ack_pending: 1,
      max_deliver: -1,
    })
  }

  async #work(message: JsMsg): Promise<void> {
    const { clock, log } = this.#bench
    if (this.#stop.signal.aborted) {
      message.nak()
      return
    }
    let working: Timer | null = null
    const everyMs = this.#plan.ackWaitMs * WORKING_SHARE
    const tell = (): void => {
      message.working()
      working = clock.after(everyMs, tell)
    }
    working = clock.after(everyMs, tell)
    try {
      await this.#plan.work(durableMessage(message), this.#stop.signal)
      message.ack()
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      if (!this.#stop.signal.aborted) log.warn({ durable: this.#plan.durable, reason }, 'A message comes again')
      message.nak(this.#stop.signal.aborted ? 0 : this.#backoff.next())
    } finally {
      working.cancel()
    }
  }
}

function durableMessage(message: JsMsg): DurableMessage {
  const { deliveryCount, timestampNanos } = message.info
  return {
    subject: message.subject,
    data: message.data,
    deliveries: deliveryCount,
    sequence: message.seq,
    storedAt: timestampNanos / 1e6,
    header: (name) => {
      const value = message.headers?.get(name)
      return value === undefined || value === '' ? undefined : value
    },
  }
}
