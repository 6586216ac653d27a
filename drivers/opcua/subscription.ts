// The server reports by itself: a subscription with one monitored item for each sensor, and publish requests that are
// always waiting there (OPC UA Part 4 §5.13, §5.14). What the server refuses is a bad sensor; the rest works.
//
// A server that stays silent for longer than it promised, or that forgot the subscription, is a lost connection. While the
// gateway has no room, no publish request is sent: the server then keeps values in its queues.

import type { PublishResponse } from 'node-opcua-client'
import type { DriverContext } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { ReadingSink } from '#domain/reading.ts'
import type { Timer } from '#kit/clock.ts'
import type { Connection } from './connection.ts'
import { opcuaError, statusNameOf } from './failures.ts'
import { createMonitoredItems } from './monitored-items.ts'
import type { OpcuaPoint } from './point.ts'
import { giveValue } from './values.ts'

const KEEP_ALIVE_MS = 5000
const LIFETIME_MS = 120_000 // how long the server keeps a subscription that nobody asks about
const WAITING_REQUESTS = 3
const ROOM_CHECK_MS = 100
const GOOD_TRANSFERRED = 0x002d0000 // GoodSubscriptionTransferred
const OVERFLOW_BITS = 0x480 // InfoType DataValue, Overflow: OPC UA Part 4 §7.38.1

export interface SubscriptionOptions {
  readonly connection: Connection
  readonly points: readonly OpcuaPoint[]
  readonly publishIntervalMs: number
  readonly sink: ReadingSink
  readonly context: DriverContext
}

export class Subscription {
  readonly #options: SubscriptionOptions
  #id = 0
  #silenceMs = 0
  #waiting = 0
  #allowed = WAITING_REQUESTS
  #lastSequence = 0
  #acknowledge: number[] = []
  #silence: Timer | null = null
  #room: Timer | null = null

  constructor(options: SubscriptionOptions) {
    this.#options = options
  }

  /** Resolves when the server has taken or refused every item. Throws when it refuses the subscription itself. */
  async start(signal: AbortSignal): Promise<void> {
    const { connection, publishIntervalMs } = this.#options
    connection.ended.addEventListener('abort', () => this.#stop(), { once: true })
    const keepAliveCount = Math.max(1, Math.ceil(KEEP_ALIVE_MS / publishIntervalMs))
    const revised = await connection.request(
      'Creating the subscription',
      (session) =>
        session.createSubscription({
          requestedPublishingInterval: publishIntervalMs,
          requestedMaxKeepAliveCount: keepAliveCount,
          requestedLifetimeCount: Math.max(3 * keepAliveCount, Math.ceil(LIFETIME_MS / publishIntervalMs)),
          maxNotificationsPerPublish: 0,
          publishingEnabled: true,
          priority: 0,
        }),
      signal,
    )
    this.#id = revised.subscriptionId
    this.#silenceMs = 2 * revised.revisedPublishingInterval * revised.revisedMaxKeepAliveCount + connection.timeoutMs
    this.#listen()
    this.#publish()
    await createMonitoredItems({ ...this.#options, subscriptionId: this.#id }, signal)
  }

  #publish(): void {
    const { connection, context } = this.#options
    if (connection.ended.aborted || this.#room !== null) return
    if (context.hasRoom?.() === false) {
      this.#room = connection.clock.after(ROOM_CHECK_MS, () => {
        this.#room = null
        this.#publish()
      })
      this.#listen() // what comes late now is late because of us
      return
    }
    while (this.#waiting < this.#allowed) this.#send()
  }

  #send(): void {
    const { connection } = this.#options
    const { PublishRequest } = connection.library
    const request = new PublishRequest({
      requestHeader: { timeoutHint: Math.min(0x7fff_ffff, this.#silenceMs * (this.#waiting + 1)) },
      subscriptionAcknowledgements: this.#acknowledge.map((sequenceNumber) => ({
        subscriptionId: this.#id,
        sequenceNumber,
      })),
    })
    this.#acknowledge = []
    this.#waiting += 1
    connection.session.publish(request, (error, response) => {
      this.#waiting -= 1
      if (connection.ended.aborted) return
      if (error !== null || response === undefined) this.#failed(error)
      else this.#received(response)
    })
  }

  #failed(error: unknown): void {
    const { connection } = this.#options
    if (statusNameOf(error) === 'BadTooManyPublishRequests' && this.#waiting > 0) {
      this.#allowed = Math.max(1, this.#waiting)
      return
    }
    connection.lose(opcuaError(error, 'CONNECTION_LOST', 'The subscription is gone'))
  }

  #received(response: PublishResponse): void {
    const { connection, context } = this.#options
    connection.heard()
    this.#listen()
    const { notificationMessage, subscriptionId } = response
    const notifications = notificationMessage.notificationData ?? []
    if (subscriptionId === this.#id && notifications.length > 0) {
      const { sequenceNumber } = notificationMessage
      // A gap: the server threw away what it could not send. The values that follow are right, some between are missing.
      if (this.#lastSequence !== 0 && sequenceNumber !== nextSequence(this.#lastSequence)) {
        context.countError('lost-notification')
      }
      this.#lastSequence = sequenceNumber
      this.#acknowledge.push(sequenceNumber)
      for (const notification of notifications) this.#take(notification)
    }
    this.#publish()
  }

  #take(notification: unknown): void {
    const { connection, points, sink, context } = this.#options
    const { DataChangeNotification, StatusChangeNotification } = connection.library
    if (notification instanceof DataChangeNotification) {
      for (const { clientHandle, value } of notification.monitoredItems ?? []) {
        const point = points[clientHandle]
        if (point === undefined) context.countError('unknown-item')
        else giveValue(point, value, sink)
        if ((value.statusCode.value & OVERFLOW_BITS) === OVERFLOW_BITS) context.countError('queue-overflow')
      }
    } else if (notification instanceof StatusChangeNotification) {
      const { name, value } = notification.status
      if (value === GOOD_TRANSFERRED || value === 0) return
      connection.lose(
        new TelemetryError('CONNECTION_LOST', `The server ended the subscription: ${name}`, { retryable: true }),
      )
    }
  }

  /** Begins to wait for the next answer to a publish request. */
  #listen(): void {
    const { connection } = this.#options
    this.#silence?.cancel()
    this.#silence = connection.clock.after(this.#silenceMs, () =>
      connection.lose(
        new TelemetryError('TIMEOUT', `The subscription was silent for ${this.#silenceMs} ms`, { retryable: true }),
      ),
    )
  }

  #stop(): void {
    this.#silence?.cancel()
    this.#room?.cancel()
  }
}

/** They run from 1 to 2^32 − 1 and begin anew. OPC UA Part 4 §7.26 */
function nextSequence(sequence: number): number {
  return sequence === 0xffff_ffff ? 1 : sequence + 1
}
