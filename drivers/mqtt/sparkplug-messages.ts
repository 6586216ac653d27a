// Sparkplug B messages → readings: births and data give values, deaths make them bad. Asks for a birth when an alias comes
// that no birth has explained.

import { isTelemetryError } from '#domain/errors.ts'
import { isBad, Status } from '#domain/quality.ts'
import { NO_TIME, type ReadingSink } from '#domain/reading.ts'
import { give } from './convert.ts'
import type { MqttMessage } from './message.ts'
import type { SparkplugPoint } from './point.ts'
import { EdgeNode } from './sparkplug/edge-node.ts'
import { rebirthCommand } from '#kit/sparkplug/encode.ts'
import { decodePayload, metricValue, type Metric } from '#kit/sparkplug/payload.ts'
import { NAMESPACE, nodeKey, parseTopic, type Publisher } from '#kit/sparkplug/topic.ts'

/** An edge node that is asked again and again would do nothing but send births. */
const REBIRTH_EVERY_MS = 10_000

export interface SparkplugMessagesOptions {
  readonly points: readonly SparkplugPoint[]
  readonly maxPayload: number
  readonly now: () => number
  readonly countError: (kind: string) => void
  /** Sends a message of ours, without waiting for anything. */
  readonly publish: (topic: string, payload: Uint8Array) => void
}

interface NodePoints {
  readonly node: EdgeNode
  readonly points: readonly SparkplugPoint[]
  /** The same by `metricKey`. */
  readonly byMetric: ReadonlyMap<string, readonly SparkplugPoint[]>
  rebirthAskedAt: number
}

export class SparkplugMessages {
  readonly #options: SparkplugMessagesOptions
  readonly #nodes = new Map<string, NodePoints>()

  constructor(options: SparkplugMessagesOptions) {
    this.#options = options
    const byNode = Map.groupBy(options.points, ({ publisher }) => nodeKey(publisher))
    for (const [key, points] of byNode) {
      const node = new EdgeNode(new Set(points.map(({ metric }) => metric)))
      const byMetric = Map.groupBy(points, ({ publisher, metric }) => metricKey(publisher.device, metric))
      this.#nodes.set(key, { node, points, byMetric, rebirthAskedAt: Number.NEGATIVE_INFINITY })
    }
  }

  /** Never throws. */
  take(message: MqttMessage, sink: ReadingSink): void {
    const parsed = parseTopic(message.topic)
    const entry = parsed && this.#nodes.get(nodeKey(parsed))
    if (!parsed || !entry) return
    const payload = this.#decode(message.payload)
    if (payload === null) {
      this.#allBad(entry, parsed, sink, Status.BadDecodingError)
      return
    }
    const { metrics, timestamp } = payload
    const { device } = parsed
    switch (parsed.type) {
      case 'NBIRTH':
      case 'DBIRTH':
        entry.node.born(device, metrics)
        break
      case 'NDEATH':
      case 'DDEATH':
        if (entry.node.died(device, metrics)) this.#allBad(entry, parsed, sink, Status.BadNotConnected)
        return
      case 'NDATA':
      case 'DDATA':
        if (!entry.node.isKnown(device) && metrics.some(({ name, alias }) => name === null && alias !== null)) {
          this.#askForBirth(entry, parsed)
        }
    }
    for (const metric of metrics) this.#giveMetric(entry, device, { metric, timestamp, message }, sink)
  }

  #giveMetric(
    { node, byMetric }: NodePoints,
    device: string | null,
    { metric, timestamp, message }: { metric: Metric; timestamp: number | null; message: MqttMessage },
    sink: ReadingSink,
  ): void {
    const known = node.identify(device, metric)
    if (known === null) return
    for (const { sensor, type } of byMetric.get(metricKey(device, known.name)) ?? []) {
      const time = metric.timestamp ?? timestamp ?? NO_TIME
      const status = message.isRetained ? Status.UncertainLastUsableValue : metric.status
      if (isBad(metric.status)) {
        sink.bad(sensor.number, metric.status, time)
        continue
      }
      const value = known.datatype === null ? undefined : metricValue(metric.raw, known.datatype)
      if (value === undefined && metric.raw !== null) {
        sink.bad(sensor.number, Status.BadTypeMismatch, time)
        this.#options.countError('type-mismatch')
        continue
      }
      const error = give(sink, { sensor: sensor.number, type, status, time }, value ?? null)
      if (error !== null) this.#options.countError(error)
    }
  }

  #decode(bytes: Uint8Array): ReturnType<typeof decodePayload> | null {
    const { maxPayload, countError } = this.#options
    if (bytes.length > maxPayload) {
      countError('payload-too-large')
      return null
    }
    try {
      return decodePayload(bytes)
    } catch (error) {
      if (!isTelemetryError(error, 'PROTOCOL')) throw error
      countError('not-sparkplug')
      return null
    }
  }

  /** Of a node: also of its devices, which cannot be reached without it. */
  #allBad({ points }: NodePoints, { device }: Publisher, sink: ReadingSink, status: number): void {
    for (const { sensor, publisher } of points) {
      const isMeant = status === Status.BadNotConnected && device === null ? true : publisher.device === device
      if (isMeant) sink.bad(sensor.number, status, NO_TIME)
    }
  }

  #askForBirth(entry: NodePoints, { group, node }: Publisher): void {
    const now = this.#options.now()
    if (now - entry.rebirthAskedAt < REBIRTH_EVERY_MS && now >= entry.rebirthAskedAt) return
    entry.rebirthAskedAt = now
    this.#options.countError('birth-missing')
    this.#options.publish(`${NAMESPACE}/${group}/NCMD/${node}`, rebirthCommand(now))
  }
}

/** `device`: null for the node's own metrics. No level of a topic holds a slash. */
function metricKey(device: string | null, metric: string): string {
  return `${device ?? ''}/${metric}`
}
