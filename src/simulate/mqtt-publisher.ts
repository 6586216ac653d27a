// A simulated MQTT device: publishes its points, each on its topic.

import type { MqttClient } from 'mqtt'
import type { Clock, Timer } from '#kit/clock.ts'
import { LineFaults, spoil } from './line-faults.ts'
import type { Points } from './points.ts'

const RECONNECT_MS = 1000

export interface MqttTopic {
  readonly id: string
  readonly topic: string
  /** With {value}, {time} and {iso}. */
  readonly payload: string
}

export interface MqttPublisherOptions {
  readonly id: string
  readonly url: string
  readonly qos: 0 | 1
  readonly retain: boolean
  readonly everyMs: number
  readonly topics: readonly MqttTopic[]
  readonly points: Points
  readonly clock: Clock
  readonly random: () => number
  /** Told when the broker comes and goes. */
  readonly onState: (text: string) => void
}

export class MqttPublisher {
  readonly faults = new LineFaults()
  readonly #options: MqttPublisherOptions
  #client: MqttClient | null = null
  #timer: Timer | null = null
  #said = ''

  constructor(options: MqttPublisherOptions) {
    this.#options = options
    this.faults.onChange = () => {
      const isAway = this.faults.has('hang-up') || this.faults.has('refuse')
      if (isAway) this.#client?.end(true)
      else if (this.#client?.disconnecting === true) this.#client.reconnect()
    }
  }

  /** Does not wait for the broker: it is tried again and again. */
  async start(): Promise<void> {
    const { connect } = await import('mqtt')
    const { url, id } = this.#options
    const client = connect(url, { clientId: `simulated-${id}`, reconnectPeriod: RECONNECT_MS, clean: true })
    client.on('connect', () => this.#say(`connected to ${url}`))
    client.on('error', (error) => this.#say(`no connection to ${url}: ${error.message}`))
    this.#client = client
    this.#schedule()
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    await this.#client?.endAsync(true)
  }

  #schedule(): void {
    this.#timer = this.#options.clock.after(this.#options.everyMs, () => {
      this.#publish()
      this.#schedule()
    })
  }

  #publish(): void {
    const { clock, random, points, topics, qos, retain } = this.#options
    const now = clock.now()
    for (const { id, topic, payload } of topics) {
      const text = payload
        .replaceAll('{value}', String(points.read(id)))
        .replaceAll('{time}', String(now))
        .replaceAll('{iso}', new Date(now).toISOString())
      const bytes = spoil(Buffer.from(text), this.faults, random)
      if (bytes === null) continue
      const send = (): void => {
        if (this.#client?.connected === true) this.#client.publish(topic, bytes, { qos, retain })
      }
      if (this.faults.delayMs === 0) send()
      else clock.after(this.faults.delayMs, send)
    }
  }

  #say(text: string): void {
    if (text !== this.#said) this.#options.onState(text)
    this.#said = text
  }
}
