// JSON, number, text and bool payloads → readings of the sensors whose topic matches.

import { isBad, Status, type StatusCode } from '#domain/quality.ts'
import { NO_TIME, type ReadingSink } from '#domain/reading.ts'
import { give } from './convert.ts'
import { valueAt } from './json-path.ts'
import type { MqttMessage } from './message.ts'
import type { MqttPoint } from './point.ts'
import { statusOf, timeOf, worse } from './stamp.ts'
import { matchTopic, wildcards } from './topic-filter.ts'

/** Topics whose sensors are remembered, where there are wildcards; beyond it the memory begins anew. */
const MAX_REMEMBERED = 10_000
const NO_ROUTES: readonly Route[] = []

interface Route {
  readonly point: MqttPoint
  readonly captures: readonly string[]
  /** Place of the point in its device. */
  readonly index: number
}

export interface PlainMessagesOptions {
  readonly points: readonly MqttPoint[]
  readonly useRetained: boolean
  readonly maxPayload: number
  readonly countError: (kind: string) => void
}

/** undefined: not looked at yet; null: no JSON. */
type Parsed = { readonly value: unknown } | null | undefined

export class PlainMessages {
  readonly #options: PlainMessagesOptions
  /** Of the points whose topic is the only one that they match. */
  readonly #exact: ReadonlyMap<string, readonly Route[]>
  /** Places of the others. */
  readonly #withWildcards: readonly number[]
  readonly #routes = new Map<string, readonly Route[]>()
  /** 1: the point has had a live message in this connection. A retained one would only be older. */
  readonly #isLive: Uint8Array
  readonly #decoder = new TextDecoder('utf-8', { fatal: true })

  constructor(options: PlainMessagesOptions) {
    this.#options = options
    const routes = options.points.map((point, index) => ({ point, captures: [], index }))
    const isExact = ({ point }: Route): boolean => wildcards(point.topic) === 0
    this.#exact = Map.groupBy(routes.filter(isExact), ({ point }) => point.topic)
    this.#withWildcards = routes.filter((route) => !isExact(route)).map(({ index }) => index)
    this.#isLive = new Uint8Array(options.points.length)
  }

  /** A new connection begins. */
  reset(): void {
    this.#isLive.fill(0)
  }

  /** True when a sensor wants messages on this topic. */
  wants(topic: string): boolean {
    return this.#routesOf(topic).length > 0
  }

  /** Gives each sensor that matches one result. Never throws. */
  take(message: MqttMessage, sink: ReadingSink): void {
    const routes = this.#routesOf(message.topic)
    if (routes.length === 0) return
    const text = this.#textOf(message)
    let json: Parsed
    for (const { point, captures, index } of routes) {
      if (message.isRetained && (!this.#options.useRetained || this.#isLive[index] === 1)) continue
      if (!message.isRetained) this.#isLive[index] = 1
      const arrived = message.isRetained ? Status.UncertainLastUsableValue : Status.Good
      if (typeof text !== 'string') {
        sink.bad(point.sensor.number, text, NO_TIME)
      } else if (text === '' && point.payload !== 'text') {
        // How a retained message is deleted (MQTT 3.1.1 §3.3.1.3); only for a text it can be a value.
        sink.bad(point.sensor.number, Status.BadNoData, NO_TIME)
      } else if (point.payload === 'json') {
        if (json === undefined) json = parse(text)
        if (json === null) this.#refuse(point, sink, 'not-json')
        else this.#giveJson(point, { json: json.value, captures, arrived }, sink)
      } else {
        this.#giveText(point, text, arrived, sink)
      }
    }
  }

  /** The payload as text, or the status of why it is none. */
  #textOf({ payload }: MqttMessage): string | StatusCode {
    const { maxPayload, countError } = this.#options
    if (payload.length > maxPayload) {
      countError('payload-too-large')
      return Status.BadDecodingError
    }
    try {
      return this.#decoder.decode(payload)
    } catch {
      countError('not-utf8')
      return Status.BadDecodingError
    }
  }

  #giveJson(
    point: MqttPoint,
    { json, captures, arrived }: { json: unknown; captures: readonly string[]; arrived: StatusCode },
    sink: ReadingSink,
  ): void {
    const { countError } = this.#options
    let status: StatusCode = arrived
    let time = NO_TIME
    if (point.time !== null) {
      time = timeOf(valueAt(json, point.time, captures), point.timeFactor)
      if (Number.isNaN(time)) countError('time-missing')
    }
    if (point.quality !== null) {
      const told = statusOf(valueAt(json, point.quality, captures))
      if (told === null) countError('quality-unknown')
      status = worse(status, told ?? Status.UncertainSensorNotAccurate)
    }
    if (isBad(status)) return sink.bad(point.sensor.number, status, time)
    const target = { sensor: point.sensor.number, type: point.type, status, time }
    const error = give(sink, target, valueAt(json, point.value, captures))
    if (error !== null) countError(error)
  }

  #giveText(point: MqttPoint, text: string, status: StatusCode, sink: ReadingSink): void {
    const target = { sensor: point.sensor.number, type: point.type, status, time: NO_TIME }
    const error = give(sink, target, text)
    if (error !== null) this.#options.countError(error)
  }

  #refuse(point: MqttPoint, sink: ReadingSink, kind: string): void {
    sink.bad(point.sensor.number, Status.BadDecodingError, NO_TIME)
    this.#options.countError(kind)
  }

  #routesOf(topic: string): readonly Route[] {
    const exact = this.#exact.get(topic) ?? NO_ROUTES
    if (this.#withWildcards.length === 0) return exact
    const known = this.#routes.get(topic)
    if (known !== undefined) return known
    const levels = topic.split('/')
    const routes = [...exact]
    for (const index of this.#withWildcards) {
      const point = this.#options.points[index]!
      const captures = matchTopic(point.levels, levels)
      if (captures !== null) routes.push({ point, captures, index })
    }
    routes.sort((a, b) => a.index - b.index)
    if (this.#routes.size >= MAX_REMEMBERED) this.#routes.clear()
    this.#routes.set(topic, routes)
    return routes
  }
}

function parse(text: string): Exclude<Parsed, undefined> {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return null
  }
}
