// A primary host application for the tests: publishes its STATE, records everything, asks for rebirths and writes.

import { fromBinary } from '@bufbuild/protobuf'
import { connectAsync, type MqttClient } from 'mqtt'
import { PayloadSchema, type Payload } from '#kit/sparkplug/generated/sparkplug_b_pb.js'
import { encodePayload, rebirthCommand, type MetricInit } from '#kit/sparkplug/encode.ts'
import type { Recorded } from './host-check.ts'

export const HOST = 'scada-1'
const STATE = `spBv1.0/STATE/${HOST}`

export class Host {
  readonly messages: Recorded[] = []
  readonly #client: MqttClient

  private constructor(client: MqttClient) {
    this.#client = client
    client.on('error', () => {})
    // What happens while the host itself is away, it cannot know (§5.1: everything is stale then).
    client.on('close', () => this.messages.push({ topic: '$lost', payload: new Uint8Array(), qos: 0, retain: false }))
    client.on('message', (topic, payload, { qos, retain }) => {
      if (!topic.startsWith('spBv1.0/STATE/')) this.messages.push({ topic, payload, qos, retain })
    })
  }

  /** Subscribes, then says that it is online; so too after each reconnect. */
  static async open(url: string): Promise<Host> {
    const client = await connectAsync(url, {
      clientId: 'test-host',
      reconnectPeriod: 20,
      resubscribe: false,
      will: { topic: STATE, payload: stateJson(false), qos: 1, retain: true },
    })
    const host = new Host(client)
    client.on('connect', () => void host.goOnline().catch(() => {}))
    await host.goOnline()
    return host
  }

  async goOnline(): Promise<void> {
    await this.#client.subscribeAsync('spBv1.0/#', { qos: 1 })
    await this.#client.publishAsync(STATE, stateJson(true), { qos: 1, retain: true })
  }

  async goOffline(): Promise<void> {
    await this.#client.publishAsync(STATE, stateJson(false), { qos: 1, retain: true })
  }

  async publishState(text: string): Promise<void> {
    await this.#client.publishAsync(STATE, text, { qos: 1, retain: true })
  }

  /** Messages of one type, decoded. */
  of(type: string): Payload[] {
    return this.messages
      .filter(({ topic }) => topic.split('/')[2] === type)
      .map(({ payload }) => fromBinary(PayloadSchema, payload))
  }

  /** Values of a metric in DATA messages, in order; by the names of the births. */
  values(metric: string): unknown[] {
    const names = new Map<bigint, string>()
    return this.messages.flatMap(({ topic, payload }) => {
      if (!/\/[ND](?:BIRTH|DATA)\//.test(topic)) return []
      const { metrics } = fromBinary(PayloadSchema, payload)
      if (topic.includes('BIRTH/')) for (const { alias, name } of metrics) names.set(alias, name)
      else return metrics.flatMap(({ alias, value }) => (names.get(alias) === metric ? [value.value] : []))
      return []
    })
  }

  /** Types of all messages, in order. */
  types(): string[] {
    return this.messages.flatMap(({ topic }) => topic.split('/')[2] ?? [])
  }

  /** `gateway/epoch/seq` of every record, repeats included, in order of arrival. */
  ids(): string[] {
    return this.messages.flatMap(({ topic, payload }) => {
      if (!/\/[ND]DATA\//.test(topic)) return []
      return positionsIn(fromBinary(PayloadSchema, payload).uuid)
    })
  }

  async askForBirth(node = 'edge-01'): Promise<void> {
    await this.send(`spBv1.0/plant-a/NCMD/${node}`, rebirthCommand(Date.now()))
  }

  async write(device: string, metrics: MetricInit[], timestamp = Date.now()): Promise<void> {
    await this.send(`spBv1.0/plant-a/DCMD/edge-01/${device}`, encodePayload({ timestamp: BigInt(timestamp), metrics }))
  }

  async send(topic: string, payload: Uint8Array, retain = false): Promise<void> {
    await this.#client.publishAsync(topic, Buffer.from(payload), { qos: retain ? 1 : 0, retain })
  }

  get isConnected(): boolean {
    return this.#client.connected
  }

  /** Dies without a goodbye: the broker sends its will. */
  die(): void {
    this.#client.options.reconnectPeriod = 0
    this.#client.stream.destroy()
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true)
  }
}

function stateJson(online: boolean): string {
  return JSON.stringify({ online, timestamp: Date.now() })
}

/** `edge-01/3/7-8,10` → edge-01/3/7, edge-01/3/8, edge-01/3/10. */
export function positionsIn(uuid: string): string[] {
  const cut = uuid.lastIndexOf('/')
  const ranges = uuid.slice(cut + 1).split(',')
  return ranges.flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => `${uuid.slice(0, cut)}/${first + index}`)
  })
}
