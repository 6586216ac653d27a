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
import { filtersFor } from '#kit/sparkplug/topic.ts'
import { SparkplugMessages } from './sparkplug-messages.ts'

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
  readonly filters: ReadonlyMap<string, 0 | 1>
  readonly #line: Line
  readonly #points: readonly (MqttPoint | SparkplugPoint)[]
  readonly #plain: PlainMessages
  readonly #sparkplug: SparkplugMessages
  #sink: ReadingSink | null = null
  #closing = new AbortController()

  constructor({ id, bus, config, points, line, context }: MqttDeviceOptions) {
    this.id = id
    this.bus = bus
    this.context = context
    this.#line = line
    this.#points = points.map(({ sensor, config: own }) => pointOf(sensor, own as MqttSensorConfig))
    const maxPayload = config.maxPayload ?? DEFAULT_MAX_PAYLOAD
    const countError = (kind: string): void => context.countError(kind)
    this.#plain = new PlainMessages({
      points: this.#points.filter((point) => 'levels' in point),
      useRetained: config.retained !== 'ignore',
      maxPayload,
      countError,
    })
    this.#sparkplug = new SparkplugMessages({
      points: this.#points.filter((point) => 'metric' in point),
      maxPayload,
      now: () => context.now(),
      countError,
      // A request for rebirth is a command to the node.
      publish: (topic, payload) => context.purpose !== 'look' && line.publish(topic, payload),
    })
    const qos = config.qos ?? 1
    this.filters = new Map(this.#points.flatMap((point) => filtersOf(point).map((filter) => [filter, qos] as const)))
    line.expect(this)
  }

  async connect(signal: AbortSignal): Promise<void> {
    this.#plain.reset()
    await this.#line.join(this, AbortSignal.any([signal, this.#closing.signal]))
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
    return this.#plain.wants(topic) || this.#sparkplug.wants(topic)
  }

  message(message: MqttMessage): void {
    const sink = this.#sink
    if (sink === null) return
    this.#plain.take(message, sink)
    this.#sparkplug.take(message, sink)
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
