// Publishes deliveries over one connected client, in order, and resolves each when the broker has acknowledged all of it
// (qos 1) or the socket has taken it (qos 0). Ends with its connection.

import type { MqttClient } from 'mqtt'
import type { TelemetryError } from '#domain/errors.ts'
import type { Delivery, DeliveryResult } from '#domain/uplink.ts'
import { OVERHEAD_BYTES, type Messages } from './message.ts'

/** Messages sent in one turn of the event loop: about 2 ms, so that polling does not notice. */
const SLICE = 250
/** Refusals of a PUBLISH that may pass with time (MQTT 5 §3.4.2.1): packet id in use, receive maximum, rate, quota. */
const PASSING_REASONS: ReadonlySet<number> = new Set([145, 147, 150, 151])

export interface PublisherOptions {
  readonly client: MqttClient
  readonly messages: Messages
  readonly qos: 0 | 1
  /** Unacknowledged messages that the broker allows (MQTT 5 Receive Maximum). */
  readonly receiveMaximum: number
  /** Bytes of a packet that the broker accepts (MQTT 5 Maximum Packet Size). */
  readonly maximumPacketSize: number
  /** The broker refused for a passing reason: the connection must be made anew. */
  readonly onRefusal: (cause: unknown) => void
}

interface Job {
  readonly delivery: Delivery
  readonly rejected: { row: number; reason: string }[]
  /** Index into the delivery's rows of the next one to send. */
  next: number
  unacknowledged: number
  resolve(result: DeliveryResult): void
  reject(error: TelemetryError): void
}

/** What mqtt.js hands back with an acknowledgement. */
type Acknowledge = (error?: Error | null, packet?: { readonly messageId?: number }) => void

export class Publisher {
  readonly #options: PublisherOptions
  /** Jobs that are not acknowledged in full; those before `#sending` have been sent. */
  readonly #jobs = new Set<Job>()
  readonly #queue: Job[] = []
  /** First of the rows, as index into the delivery's, and their count, of each message id under way: for a refusal. */
  readonly #fromOfId = new Uint32Array(0x1_0000)
  readonly #countOfId = new Uint16Array(0x1_0000)
  #unacknowledged = 0
  #scheduled = false
  #failed = false

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  publish(delivery: Delivery): Promise<DeliveryResult> {
    return new Promise((resolve, reject) => {
      const job: Job = { delivery, rejected: [], next: 0, unacknowledged: 0, resolve, reject }
      this.#jobs.add(job)
      this.#queue.push(job)
      this.#pump()
    })
  }

  /** Rejects everything under way. */
  fail(error: TelemetryError): void {
    this.#failed = true
    for (const job of this.#jobs) job.reject(error)
    this.#jobs.clear()
    this.#queue.length = 0
  }

  #pump(): void {
    if (this.#failed || this.#scheduled) return
    for (let sent = 0; this.#unacknowledged < this.#options.receiveMaximum; sent++) {
      const job = this.#queue[0]
      if (job === undefined) return
      if (sent === SLICE) return this.#pumpNextTurn()
      this.#sendNext(job)
      if (job.next < job.delivery.rowCount) continue
      this.#queue.shift()
      if (this.#options.qos === 0) this.#finishWhenTaken(job)
      else if (job.unacknowledged === 0) this.#finish(job)
    }
  }

  #pumpNextTurn(): void {
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#pump()
    })
  }

  #sendNext(job: Job): void {
    const { client, messages, qos } = this.#options
    const from = job.next
    const taken = messages.encodeFrom(job.delivery, from, this.#options.maximumPacketSize)
    job.next += Math.max(1, taken)
    if (taken === 0) {
      reject(job, from, 1, 'The sensor is no longer configured')
    } else if (this.#isTooLarge(messages)) {
      reject(job, from, taken, 'Larger than the broker accepts')
    } else if (qos === 0) {
      client.publish(messages.topic, messages.payload, QOS_0)
    } else {
      job.unacknowledged += 1
      this.#unacknowledged += 1
      client.publish(messages.topic, messages.payload, QOS_1, this.#acknowledge(job) as never)
      const id = client.getLastMessageId()
      this.#fromOfId[id] = from
      this.#countOfId[id] = taken
    }
  }

  #isTooLarge({ topic, payload }: Messages): boolean {
    const { maximumPacketSize } = this.#options
    if (maximumPacketSize === Number.POSITIVE_INFINITY) return false
    return Buffer.byteLength(topic) + Buffer.byteLength(payload) + OVERHEAD_BYTES > maximumPacketSize
  }

  #acknowledge(job: Job): Acknowledge {
    return (error, packet) => {
      if (this.#failed) return
      if (error && !this.#refused(job, error, packet?.messageId)) return
      job.unacknowledged -= 1
      this.#unacknowledged -= 1
      if (job.unacknowledged === 0 && job.next === job.delivery.rowCount) this.#finish(job)
      this.#pump()
    }
  }

  /** True when the broker refused this one message for good. */
  #refused(job: Job, error: Error, messageId: number | undefined): boolean {
    const code = 'code' in error ? error.code : undefined
    // Not an answer of the broker: mqtt.js empties its table because the line is gone. The line's own event follows; ending
    // the client from within that loop would throw.
    if (typeof code !== 'number' || messageId === undefined) return false
    if (PASSING_REASONS.has(code)) {
      queueMicrotask(() => this.#options.onRefusal(error))
      return false
    }
    const reason = `The broker refused it with reason code ${code}: ${error.message}`
    reject(job, this.#fromOfId[messageId]!, this.#countOfId[messageId]!, reason)
    return true
  }

  #finish(job: Job): void {
    this.#jobs.delete(job)
    job.resolve({ rejected: job.rejected })
  }

  #finishWhenTaken(job: Job): void {
    const { stream } = this.#options.client
    if (!stream.writableNeedDrain) return this.#finish(job)
    stream.once('drain', () => {
      if (!this.#failed) this.#finish(job)
    })
  }
}

function reject({ rejected, delivery }: Job, from: number, count: number, reason: string): void {
  for (const row of delivery.rows.subarray(from, from + count)) rejected.push({ row, reason })
}

const QOS_0 = { qos: 0 } as const
const QOS_1 = { qos: 1 } as const
