// The embedded broker, by mqtt.js and mosquitto's own clients over real sockets.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { LocalMessage } from '#domain/broker.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { hasMosquitto } from '#test/uplinks/mqtt/mosquitto.ts'
import { createBroker, type EmbeddedBroker } from '../../src/broker/broker.ts'
import type { BrokerOptions } from '../../src/broker/options.ts'
import { covers } from '../../src/broker/topic-rules.ts'

const NEVER = new AbortController().signal
const USERS = [
  { name: 'press', password: 'one', publish: ['press/#'], subscribe: [] },
  { name: 'wall', password: 'two', publish: [], subscribe: ['press/+/rms'] },
]

interface Bench {
  readonly broker: EmbeddedBroker
  readonly registry: Registry
  client(options?: IClientOptions): Promise<MqttClient>
}

async function start(more: Partial<BrokerOptions> = {}): Promise<Bench> {
  const registry = new Registry()
  const broker = createBroker({
    host: '127.0.0.1',
    port: 0,
    users: [],
    tls: null,
    maxConnections: 10,
    maxPayloadBytes: 10_000,
    clock: systemClock,
    log: silentLogger,
    registry,
    ...more,
  })
  await broker.start(NEVER)
  onTestFinished(() => broker.stop(NEVER))
  const client = async (options: IClientOptions = {}): Promise<MqttClient> => {
    const made = await connectAsync(`mqtt://127.0.0.1:${broker.port}`, { reconnectPeriod: 0, ...options })
    made.on('error', () => {})
    onTestFinished(() => made.endAsync(true).then(() => {}))
    return made
  }
  return { broker, registry, client }
}

// Not by once(): that rejects when an error comes first.
const closeOf = (client: MqttClient): Promise<void> => new Promise((resolve) => client.once('close', () => resolve()))
const messageTo = (client: MqttClient): Promise<{ topic: string; text: string }> =>
  new Promise((resolve) => client.once('message', (topic, bytes) => resolve({ topic, text: bytes.toString() })))

const refusedBy = async ({ registry }: Bench): Promise<string> =>
  (await registry.metrics())
    .split('\n')
    .filter((line) => line.startsWith('telemetryx_broker_refused_total{'))
    .join('\n')

describe('the embedded broker', () => {
  it('carries messages between clients and to the gateway', async () => {
    const bench = await start()
    const heard: LocalMessage[] = []
    bench.broker.subscribe(['a/+', 'a/#', 'b'], (message) => void heard.push(message))
    const subscriber = await bench.client()
    await subscriber.subscribeAsync('a/b', { qos: 1 })
    const arrived = messageTo(subscriber)
    const publisher = await bench.client()
    await publisher.publishAsync('a/b', 'hello', { qos: 1 })
    const { topic, text } = await arrived
    expect([topic, text]).toEqual(['a/b', 'hello'])
    expect(heard).toMatchObject([{ topic: 'a/b', qos: 1, isRetained: false }]) // once, though two filters match
    bench.broker.publish('a/b', Buffer.from('from the gateway'))
    await vi.waitFor(() => expect(heard).toHaveLength(1), EVENTUALLY)
  })

  it('acknowledges when the gateway is done with a message, not before', async () => {
    const bench = await start()
    const waiting: (() => void)[] = []
    bench.broker.subscribe(['a'], () => new Promise((resolve) => waiting.push(resolve)))
    const publisher = await bench.client()
    let isAcknowledged = false
    const published = publisher.publishAsync('a', '1', { qos: 1 }).then(() => (isAcknowledged = true))
    await vi.waitFor(() => expect(waiting).toHaveLength(1), EVENTUALLY)
    await new Promise((resolve) => setImmediate(resolve))
    expect(isAcknowledged).toBe(false)
    waiting[0]!()
    await published
  })

  it('does not acknowledge what the gateway could not take', async () => {
    const bench = await start()
    bench.broker.subscribe(['a'], () => Promise.reject(new Error('no')))
    const publisher = await bench.client()
    const closed = closeOf(publisher)
    let isAcknowledged = false
    void publisher.publishAsync('a', '1', { qos: 1 }).then(
      () => (isAcknowledged = true),
      () => {},
    )
    await closed
    expect(isAcknowledged).toBe(false)
  })

  it('gives a listener what was retained before', async () => {
    const bench = await start()
    const publisher = await bench.client()
    await publisher.publishAsync('state/press', 'on', { qos: 1, retain: true })
    const heard: LocalMessage[] = []
    bench.broker.subscribe(['state/#'], (message) => void heard.push(message))
    await vi.waitFor(() => expect(heard).toMatchObject([{ topic: 'state/press', isRetained: true }]), EVENTUALLY)
  })

  it('lets users in by password and keeps them to their topics', async () => {
    const bench = await start({ users: USERS })
    await expect(bench.client()).rejects.toThrow()
    await expect(bench.client({ username: 'press', password: 'two' })).rejects.toMatchObject({ code: 4 })
    await expect(bench.client({ username: 'nobody', password: '' })).rejects.toThrow()
    const wall = await bench.client({ username: 'wall', password: 'two' })
    await wall.subscribeAsync('press/+/rms')
    for (const filter of ['press/#', '#', 'press/+/+', '$SYS/#']) {
      await expect(wall.subscribeAsync(filter)).rejects.toThrow()
    }
    const arrived = messageTo(wall)
    const press = await bench.client({ username: 'press', password: 'one' })
    await press.publishAsync('press/1/rms', '5', { qos: 1 })
    expect((await arrived).text).toBe('5')
    const closed = closeOf(press)
    press.publish('other', '1', { qos: 1 }, () => {})
    await closed // 3.1.1 knows no other way to refuse a message
    expect(await refusedBy(bench)).toMatch(/credentials"\} 3\n.*topic"\} 5/)
  })

  it('refuses a client of MQTT 5 with the code for a wrong version', async () => {
    const bench = await start()
    const socket = connectSocket(bench.broker.port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    // CONNECT, MQTT, level 5, clean start, keep alive 60, no properties, client id "a"
    socket.write(Buffer.from('100e00044d5154540502003c00000161', 'hex'))
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString('hex').slice(0, 2)).toBe('20')
    expect([1, 0x84]).toContain(answer.at(3))
    await vi.waitFor(async () => expect(await refusedBy(bench)).toContain('protocol'), EVENTUALLY)
  })

  it('ends a connection at a message that is too long, and serves the others', async () => {
    const bench = await start()
    const publisher = await bench.client()
    const closed = closeOf(publisher)
    publisher.publish('a', Buffer.alloc(100_000), { qos: 1 }, () => {})
    await closed
    const other = await bench.client()
    await other.publishAsync('a', Buffer.alloc(10_000), { qos: 1 })
    expect(await refusedBy(bench)).toContain('too-long"} 1')
  })

  it('takes no more connections than it may', async () => {
    const bench = await start({ maxConnections: 2 })
    await bench.client()
    await bench.client()
    const third = connectSocket(bench.broker.port, '127.0.0.1').on('error', () => {})
    await once(third, 'close')
    await vi.waitFor(async () => expect(await refusedBy(bench)).toContain('connections'), EVENTUALLY)
  })

  it('is not harmed by what is no MQTT', async () => {
    const bench = await start()
    for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '\x00\x00\x00', '\xff\xff\xff\xff\xff', '\x10\x02\x00\x04']) {
      const socket = connectSocket(bench.broker.port, '127.0.0.1')
      socket.on('error', () => {})
      socket.end(Buffer.from(bytes, 'latin1'))
      await once(socket, 'close')
    }
    await (await bench.client()).publishAsync('a', 'still here', { qos: 1 })
  })

  it('says which port is taken', async () => {
    const { broker } = await start()
    await expect(start({ port: broker.port })).rejects.toMatchObject({ code: 'PORT_IN_USE' })
  })

  it.skipIf(!hasMosquitto)('serves mosquitto_pub (needs mosquitto)', async () => {
    const bench = await start({ users: USERS })
    const heard: LocalMessage[] = []
    bench.broker.subscribe(['press/#'], (message) => void heard.push(message))
    const login = ['-u', 'press', '-P', 'one']
    const message = ['-q', '1', '-t', 'press/1/rms', '-m', '7']
    const child = spawn('mosquitto_pub', ['-h', '127.0.0.1', '-p', String(bench.broker.port), ...login, ...message])
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(heard).toMatchObject([{ topic: 'press/1/rms', qos: 1 }])
  })
})

describe('a rule for topics', () => {
  it.each([
    ['#', 'a/b', true],
    ['#', '#', true],
    ['a/#', 'a', true],
    ['a/#', 'a/+/b', true],
    ['a/+', 'a/b', true],
    ['a/+', 'a/+', true],
    ['a/+', 'a/#', false],
    ['a/b', 'a/+', false],
    ['a/+', 'a/b/c', false],
    ['a', 'a/b', false],
    ['#', '$SYS/x', false],
    ['$SYS/#', '$SYS/x', true],
  ])('%s covers %s: %s', (rule, wanted, expected) => expect(covers(rule, wanted)).toBe(expected))
})
