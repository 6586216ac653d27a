// One MQTT device at run time: joins its line, subscribes, and turns messages into readings.

import type { Device, DriverContext, Point, PollOutcome } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import { Status } from '#domain/quality.ts'
import { NO_TIME, type ReadingSink } from '#domain/reading.ts'
import type { Line, LineMember } from './line.ts'
import type { MqttMessage } from './message.ts'
import { PlainMessages } from './plain-messages.ts'
import { pointOf, type MqttPoint, type SparkplugPoint } from './point.ts'
import { DEFAULT_MAX_PAYLOAD, type MqttDeviceConfig, type MqttSensorConfig } from './schema.ts'
import { filtersFor, nodeKey, parseTopic } from '#kit/sparkplug/topic.ts'
import type { SparkplugMessages } from './sparkplug-messages.ts'

export interface MqttDeviceOptions {
  readonly id: string
  readonly bus: string
  readonly config: MqttDeviceConfig
  readonly points: readonly Point[]
  readonly line: Line
  readonly context: DriverContext
}

export class MqttDevice implements Device, LineMember {
  readonly id: string
  readonly bus: string
  readonly context: DriverContext
  readonly filters: ReadonlySet<string>
  readonly qos: 0 | 1
  readonly #config: MqttDeviceConfig
  readonly #line: Line
  readonly #points: readonly (MqttPoint | SparkplugPoint)[]
  readonly #plain: PlainMessages
  readonly #sparkplugPoints: readonly SparkplugPoint[]
  /** Edge nodes whose messages are for this device. */
  readonly #nodes: ReadonlySet<string>
  /** Its library is loaded with the first connection; null when no sensor speaks Sparkplug. */
  #sparkplug: SparkplugMessages | null = null
  #sink: ReadingSink | null = null
  #closing = new AbortController()

  constructor({ id, bus, config, points, line, context }: MqttDeviceOptions) {
    this.id = id
    this.bus = bus
    this.context = context
    this.#line = line
    this.#points = points.map(({ sensor, config: own }) => pointOf(sensor, own as MqttSensorConfig))
    this.#config = config
    this.#plain = new PlainMessages({
      points: this.#points.filter((point) => 'levels' in point),
      useRetained: config.retained !== 'ignore',
      maxPayload: config.maxPayload ?? DEFAULT_MAX_PAYLOAD,
      countError: (kind) => context.countError(kind),
    })
    this.#sparkplugPoints = this.#points.filter((point) => 'metric' in point)
    this.#nodes = new Set(this.#sparkplugPoints.map(({ publisher }) => nodeKey(publisher)))
    this.qos = config.qos ?? 1
    this.filters = new Set(this.#points.flatMap(filtersOf))
    line.expect(this)
  }

  async connect(signal: AbortSignal): Promise<void> {
    this.#plain.reset()
    const until = AbortSignal.any([signal, this.#closing.signal]) // a close while the library loads holds for this connect
    this.#sparkplug ??= await this.#loadSparkplug()
    await this.#line.join(this, until)
  }

  async #loadSparkplug(): Promise<SparkplugMessages | null> {
    const points = this.#sparkplugPoints
    if (points.length === 0) return null
    const { SparkplugMessages: Messages } = await import('./sparkplug-messages.ts')
    const { context } = this
    return new Messages({
      points,
      maxPayload: this.#config.maxPayload ?? DEFAULT_MAX_PAYLOAD,
      now: () => context.now(),
      countError: (kind) => context.countError(kind),
      // A request for rebirth is a command to the node.
      publish: (topic, payload) => context.purpose !== 'look' && this.#line.publish(topic, payload),
    })
  }

  poll(): Promise<PollOutcome> {
    return Promise.reject(new TelemetryError('CONNECTION_LOST', 'An MQTT device sends by itself; it is never asked'))
  }

  async subscribe(sink: ReadingSink, signal: AbortSignal): Promise<void> {
    this.#sink = sink
    for (const { sensor } of this.#points) sink.bad(sensor.number, Status.BadWaitingForInitialData, NO_TIME)
    const refused = new Set(await this.#line.subscribe(this, AbortSignal.any([signal, this.#closing.signal])))
    if (refused.size === 0) return
    this.context.countError('subscription-refused')
    this.context.log.warn({ device: this.id, topics: [...refused] }, 'The broker refuses subscriptions')
    for (const point of this.#points) {
      const isRefused = filtersOf(point).some((filter) => refused.has(filter))
      if (isRefused) sink.bad(point.sensor.number, Status.BadUserAccessDenied, NO_TIME)
    }
  }

  wants(topic: string): boolean {
    if (this.#plain.wants(topic)) return true
    const publisher = this.#nodes.size > 0 ? parseTopic(topic) : null
    return publisher !== null && this.#nodes.has(nodeKey(publisher))
  }

  message(message: MqttMessage): void {
    const sink = this.#sink
    if (sink === null) return
    this.#plain.take(message, sink)
    this.#sparkplug?.take(message, sink)
  }

  lost(cause: unknown): void {
    this.#sink = null
    this.context.lost(cause)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#closing = new AbortController()
    this.#sink = null
    await this.#line.leave(this)
  }
}

function filtersOf(point: MqttPoint | SparkplugPoint): string[] {
  return 'levels' in point ? [point.topic] : filtersFor(point.publisher)
}
