// One connected client: births, deliveries in order, and the proof that the broker has them. DATA must have QoS 0 (Sparkplug 3.0
// §6.4.21), so that nothing acknowledges it; but a broker works off the packets of a connection in order. After each delivery an
// UNSUBSCRIBE is sent, of a topic that was never subscribed to: its UNSUBACK (MQTT 3.1.1 §3.10.4) says that all before it has been
// taken, needs no right on any topic, and changes nothing.

import type { MqttClient } from 'mqtt'
import { toTelemetryError, type TelemetryError } from '#domain/errors.ts'
import type { Delivery, DeliveryResult, UplinkContext, UplinkSetup } from '#domain/uplink.ts'
import { systemClock, type Timer } from '#kit/clock.ts'
import { Commands } from './commands.ts'
import { EdgeNode, type Rejected } from './edge-node.ts'
import { HostState } from './host-state.ts'
import { NodePoints } from './node-points.ts'
import type { SparkplugUplinkConfig } from './schema.ts'

/** Records sent in one turn of the event loop: a few milliseconds, so that polling does not notice. */
const SLICE = 250
/** A host application that asks for births again and again gets them this often. */
const REBIRTH_EVERY_MS = 1000
const BARRIER = 'telemetryx/barrier'

export interface LineOptions {
  readonly client: MqttClient
  readonly node: { readonly group: string; readonly node: string }
  readonly setup: UplinkSetup<SparkplugUplinkConfig>
  readonly context: UplinkContext
  readonly bdSeq: number
  /** Something of ours went wrong: the connection must be made anew. */
  readonly onFault: (error: TelemetryError) => void
}

interface Job {
  readonly delivery: Delivery
  readonly rejected: Rejected
  /** Index into the delivery's rows of the next one to send. */
  next: number
  resolve(result: DeliveryResult): void
  reject(error: TelemetryError): void
}

export class Line {
  readonly client: MqttClient
  readonly bdSeq: number
  readonly host = new HostState()
  readonly commands: Commands
  readonly #options: LineOptions
  readonly #node: EdgeNode
  /** Not resolved yet; those in `#queue` have not been sent in full. */
  readonly #jobs = new Set<Job>()
  readonly #queue: Job[] = []
  #isScheduled = false
  #hasFailed = false
  #bornAt = Number.NEGATIVE_INFINITY
  #rebirth: Timer | null = null

  constructor(options: LineOptions) {
    const { client, node, setup, context, bdSeq } = options
    this.#options = options
    this.client = client
    this.bdSeq = bdSeq
    this.#node = new EdgeNode({
      ...node,
      gateway: setup.gateway,
      factory: setup.factory,
      version: context.version ?? null,
      bdSeq,
      latest: (sensor) => context.latest?.(sensor) ?? null,
      now: () => systemClock.now(),
      publish: (topic, payload) => void client.publish(topic, payload as Buffer, { qos: 0, retain: false }),
    })
    this.commands = new Commands({
      log: context.log,
      uplink: setup.id,
      desk: context.commands,
      points: () => this.#node.points,
      onRebirth: () => this.rebirth(),
    })
  }

  get isBorn(): boolean {
    return this.#node.points !== null
  }

  /** The first births; what waits goes out after them. */
  begin(): void {
    this.#birth()
    this.#pump()
  }

  /** Births again; at once, or at the end of the second in which there were some. Nothing before the first ones. */
  rebirth(): void {
    if (!this.isBorn || this.#hasFailed || this.#rebirth !== null) return
    const waitMs = this.#bornAt + REBIRTH_EVERY_MS - systemClock.monotonic()
    if (waitMs <= 0) return this.#birth()
    this.#rebirth = systemClock.after(waitMs, () => {
      this.#rebirth = null
      if (!this.#hasFailed) this.#birth()
    })
  }

  /** Resolves when the broker has all of it. */
  send(delivery: Delivery): Promise<DeliveryResult> {
    return new Promise((resolve, reject) => {
      const job: Job = { delivery, rejected: [], next: 0, resolve, reject }
      this.#jobs.add(job)
      this.#queue.push(job)
      this.#pump()
    })
  }

  /** Rejects everything under way. */
  fail(error: TelemetryError): void {
    this.#hasFailed = true
    this.#rebirth?.cancel()
    for (const job of this.#jobs) job.reject(error)
    this.#jobs.clear()
    this.#queue.length = 0
  }

  #birth(): void {
    const { context } = this.#options
    this.#bornAt = systemClock.monotonic()
    this.#node.birth(new NodePoints(context.model(), context.wants ?? (() => true)))
  }

  #pump(): void {
    if (this.#hasFailed || this.#isScheduled || !this.isBorn) return
    const job = this.#queue[0]
    if (job === undefined) return
    try {
      this.#sendSlice(job)
    } catch (cause) {
      this.#options.onFault(toTelemetryError(cause, 'INTERNAL', { retryable: true }))
      return
    }
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#pump()
    })
  }

  #sendSlice(job: Job): void {
    if (this.#options.context.model() !== this.#node.points?.model) this.#birth()
    const { delivery, rejected } = job
    const to = Math.min(job.next + SLICE, delivery.rowCount)
    this.#node.send(delivery, job.next, to, rejected)
    job.next = to
    if (to < delivery.rowCount) return
    this.#queue.shift()
    this.client.unsubscribe(BARRIER, (error) => {
      // An error is mqtt.js emptying its table because the line is gone: the line's own event follows.
      if (error || !this.#jobs.delete(job)) return
      job.resolve({ rejected })
    })
  }
}
