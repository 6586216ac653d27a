// A subscriber that keeps everything it gets, over restarts of the broker.

import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'

export interface Received {
  readonly topic: string
  readonly text: string
  readonly retain: boolean
}

/** What all payloads have, and a reading's value. */
export interface Message {
  readonly id: string
  readonly v?: unknown
}

export class Subscriber {
  readonly messages: Received[] = []
  readonly #client: MqttClient

  private constructor(client: MqttClient) {
    this.#client = client
    client.on('message', (topic, payload, { retain }) =>
      this.messages.push({ topic, text: payload.toString(), retain }),
    )
    client.on('error', () => {})
  }

  /** Subscribes to `#` with a session that the broker keeps. */
  static async open(url: string, options: IClientOptions = {}): Promise<Subscriber> {
    const client = await connectAsync(url, {
      clientId: 'test-subscriber',
      clean: false,
      reconnectPeriod: 20,
      ...options,
    })
    const subscriber = new Subscriber(client)
    await client.subscribeAsync('#', { qos: 1 })
    return subscriber
  }

  get isConnected(): boolean {
    return this.#client.connected
  }

  /** Readings, alarms and events, in order of arrival. */
  records(): Message[] {
    return this.messages.flatMap(({ topic, text }) => (topic.endsWith('/state') ? [] : [JSON.parse(text) as Message]))
  }

  ids(): string[] {
    return this.records().map(({ id }) => id)
  }

  on(topic: string): string[] {
    return this.messages.filter((message) => message.topic === topic).map((message) => message.text)
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true)
  }
}
