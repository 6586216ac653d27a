// Publishes alerts to one MQTT broker with QoS 1 (mqtt.js, loaded when it is used).

import type { MqttClient } from 'mqtt'
import type { MqttConfig } from '#config/brain-config.ts'
import { TelemetryError } from '#domain/errors.ts'
import { connectionError } from '#kit/mqtt-reason.ts'
import type { MqttBody } from './actions.ts'

const TIMEOUT_MS = 10_000

export class MqttPublisher {
  readonly #config: MqttConfig
  #client: Promise<MqttClient> | null = null

  constructor(config: MqttConfig) {
    this.#config = config
  }

  /** Resolves when the broker has acknowledged it. Throws CONNECTION_FAILED, TIMEOUT (retryable). */
  async publish({ alert, topic }: MqttBody): Promise<void> {
    const broker = new URL(this.#config.url).host
    const used = (this.#client ??= this.#open())
    try {
      const client = await used
      await withTimeout(client.publishAsync(topic, JSON.stringify(alert), { qos: 1 }), broker)
    } catch (cause) {
      await this.#drop(used)
      throw cause instanceof TelemetryError ? cause : connectionError(cause, broker)
    }
  }

  async close(): Promise<void> {
    if (this.#client) await this.#drop(this.#client)
  }

  /** A connection of which several alerts may make use; one that ends makes room for the next and for no other. */
  #open(): Promise<MqttClient> {
    const opening: Promise<MqttClient> = this.#connect(() => this.#forget(opening))
    return opening
  }

  async #connect(onClose: () => void): Promise<MqttClient> {
    const { connectAsync } = await import('mqtt')
    const { password, url, user } = this.#config
    const client = await connectAsync(url, {
      reconnectPeriod: 0, // the outbox tries again
      connectTimeout: TIMEOUT_MS,
      ...(user === null ? {} : { username: user }),
      ...(password === null ? {} : { password }),
    })
    client.on('error', () => {}) // `close` follows
    client.on('close', onClose)
    return client
  }

  #forget(client: Promise<MqttClient>): void {
    if (this.#client === client) this.#client = null
  }

  async #drop(client: Promise<MqttClient>): Promise<void> {
    this.#forget(client)
    const open = await client.catch(() => null)
    await open?.endAsync(true).catch(() => {})
  }
}

async function withTimeout(work: Promise<unknown>, broker: string): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(new TelemetryError('TIMEOUT', `${broker} does not acknowledge`, { retryable: true })),
    TIMEOUT_MS,
  )
  try {
    await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}
