import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { Aedes } from 'aedes'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { createWebSocketStream, WebSocketServer } from 'ws'
import type { Delivery, UplinkConnection, UplinkServices } from '#domain/uplink.ts'
import { silentLogger } from '#kit/logger.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { mqttUplink } from '#uplinks/mqtt/kind.ts'
import { ModelJournal, modelOf } from '../model-journal.ts'
import { hasOpenssl, makeCertificates } from './certificates.ts'
import { hasMosquitto, Mosquitto, type MosquittoOptions } from './mosquitto.ts'
import { Subscriber } from './subscriber.ts'

const MODEL = modelOf(['press-1.pressure', 'press-1.speed'])
const never = new AbortController().signal
const cleanUps: (() => Promise<unknown>)[] = []

async function startBroker(options: MosquittoOptions = {}): Promise<Mosquitto> {
  const broker = await Mosquitto.start(options)
  cleanUps.push(() => broker.close())
  return broker
}

async function subscribe(...details: Parameters<typeof Subscriber.open>): Promise<Subscriber> {
  const subscriber = await Subscriber.open(...details)
  cleanUps.push(() => subscriber.close())
  return subscriber
}

function uplink(config: object, services: UplinkServices = {}): UplinkConnection {
  const connection = mqttUplink.open(
    { id: 'hq', config, gateway: 'edge-01', factory: 'Plant A' },
    { ...services, log: silentLogger, model: () => MODEL, lost: () => {} },
  )
  cleanUps.push(() => connection.close())
  return connection
}

/** One reading of each sensor, an alarm and an event. */
async function mixed(): Promise<Delivery> {
  const journal = new ModelJournal()
  journal.append(0, 21.5, Date.UTC(2026, 10, 20, 12))
  journal.append(1, 7, Date.UTC(2026, 10, 20, 12))
  const alarm = {
    id: '1-1',
    sensor: 'press-1.pressure',
    level: 'high',
    message: 'too high',
    finding: { value: 81, limit: 80 },
  }
  journal.appendEntry({ kind: 'alarm', change: 'raised', time: 0, by: null, comment: null, alarm })
  journal.appendEntry({
    kind: 'event',
    type: 'ring-blocked',
    severity: 'warning',
    time: 0,
    message: 'full',
    source: 'gateway',
  })
  const batch = (await journal.read({ epoch: 1, seq: 0 }, 10))!
  return {
    lane: 'inOrder',
    historical: false,
    batch,
    rows: Uint32Array.from(batch.sensor.keys()),
    rowCount: batch.length,
  }
}

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

describe.skipIf(!hasMosquitto)('An mqtt uplink at a broker (needs mosquitto)', () => {
  it('publishes readings, alarms and events on their topics', async () => {
    const broker = await startBroker()
    const subscriber = await subscribe(broker.url)
    const connection = uplink({ url: broker.url })
    await connection.connect(never)
    await connection.deliver(await mixed(), never)
    await vi.waitFor(() => expect(subscriber.ids()).toHaveLength(4), EVENTUALLY)
    expect(subscriber.on('plant-a/press-1/pressure')).toEqual([
      '{"t":"2026-11-20T12:00:00.000Z","v":21.5,"q":"good","id":"edge-01/1/1"}',
    ])
    expect(subscriber.on('plant-a/press-1/speed')).toHaveLength(1)
    expect(JSON.parse(subscriber.on('plant-a/press-1/pressure/alarm')[0]!)).toMatchObject({
      id: 'edge-01/1/3',
      change: 'raised',
      level: 'high',
      value: 81,
    })
    expect(JSON.parse(subscriber.on('telemetryx/edge-01/event')[0]!)).toMatchObject({
      id: 'edge-01/1/4',
      type: 'ring-blocked',
    })
  })

  it('keeps its state retained: online, offline after a goodbye, offline as the will', async () => {
    const broker = await startBroker()
    const subscriber = await subscribe(broker.url)
    const state = (): string | undefined => subscriber.on('telemetryx/edge-01/state').at(-1)
    const connection = uplink({ url: broker.url })
    await connection.connect(never)
    await vi.waitFor(() => expect(state()).toBe('online'), EVENTUALLY)
    await connection.close()
    await vi.waitFor(() => expect(state()).toBe('offline'), EVENTUALLY)

    await connection.connect(never)
    await vi.waitFor(() => expect(state()).toBe('online'), EVENTUALLY)
    const abort = new AbortController()
    const given = connection.deliver(await mixed(), abort.signal).catch(() => 'given up')
    abort.abort() // drops the connection without a goodbye
    await given
    await vi.waitFor(() => expect(state()).toBe('offline'), EVENTUALLY)
    const late = await subscribe(broker.url, { clientId: 'late' })
    await vi.waitFor(
      () => expect(late.messages).toEqual([{ topic: 'telemetryx/edge-01/state', text: 'offline', retain: true }]),
      EVENTUALLY,
    )
  })

  it('says that nobody listens, without the credentials of the url', async () => {
    const broker = await startBroker()
    await broker.stop()
    const connection = uplink({ url: `mqtt://me:hush@127.0.0.1:${broker.port}` })
    await expect(connection.connect(never)).rejects.toMatchObject({
      code: 'CONNECTION_FAILED',
      message: `127.0.0.1:${broker.port} refuses the connection: nobody listens there`,
    })
  })

  it.each(['3.1.1', 5] as const)('says that the password is wrong, over MQTT %s', async (protocol) => {
    const broker = await startBroker({ users: { edge: 'right' } })
    const wrong = uplink({ url: broker.url, protocol, username: 'edge', password: 'wrong' })
    await expect(wrong.connect(never)).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      retryable: true,
      message: expect.not.stringContaining('wrong') as string,
    })
    await uplink({ url: broker.url, protocol, username: 'edge', password: 'right' }).connect(never)
    await uplink({ url: `mqtt://edge:right@127.0.0.1:${broker.port}`, clientId: 'by-url', protocol }).connect(never)
  })

  it('over MQTT 5 counts what the access control of the broker refuses as rejected, and delivers the rest', async () => {
    const broker = await startBroker({ acl: ['topic readwrite #', 'topic deny plant-a/press-1/speed'] })
    const subscriber = await subscribe(broker.url)
    const connection = uplink({ url: broker.url, protocol: 5 })
    await connection.connect(never)
    const { rejected } = await connection.deliver(await mixed(), never)
    expect(rejected).toEqual([{ row: 1, reason: expect.stringContaining('135') as string }])
    await vi.waitFor(() => expect(subscriber.ids()).toEqual(['edge-01/1/1', 'edge-01/1/3', 'edge-01/1/4']), EVENTUALLY)
  })

  it('sends with qos 0 as well', async () => {
    const broker = await startBroker()
    const subscriber = await subscribe(broker.url)
    const connection = uplink({ url: broker.url, qos: 0 })
    await connection.connect(never)
    expect(await connection.deliver(await mixed(), never)).toEqual({ rejected: [] })
    await vi.waitFor(() => expect(subscriber.ids()).toHaveLength(4), EVENTUALLY)
  })
})

describe('An mqtt uplink over WebSocket', () => {
  it('delivers', async () => {
    const broker = await Aedes.createBroker()
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'mqtt' })
    server.on('connection', (socket) => void broker.handle(createWebSocketStream(socket)))
    await once(server, 'listening')
    cleanUps.push(() => promisify(server.close.bind(server))())
    cleanUps.push(() => promisify(broker.close.bind(broker))())
    const payloads: string[] = []
    broker.on(
      'publish',
      ({ topic, payload }) => void (topic.startsWith('plant-a/') && payloads.push(payload.toString())),
    )
    const connection = uplink({ url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` })
    await connection.connect(never)
    await connection.deliver(await mixed(), never)
    await vi.waitFor(() => expect(payloads).toHaveLength(3), EVENTUALLY) // aedes tells of them after it has acknowledged
  })
})

describe.skipIf(!hasMosquitto || !hasOpenssl)('An mqtt uplink over TLS (needs mosquitto and openssl)', () => {
  const certificates = hasOpenssl ? makeCertificates() : null
  const startTls = (...listener: string[]) => {
    const files = Object.fromEntries(
      ['ca.pem', 'broker.pem', 'broker.key'].map((name) => [name, certificates!.text(name)]),
    )
    return startBroker({
      files,
      listener: ['cafile FOLDER/ca.pem', 'certfile FOLDER/broker.pem', 'keyfile FOLDER/broker.key', ...listener],
    })
  }
  const url = (broker: Mosquitto): string => `mqtts://127.0.0.1:${broker.port}`
  const file = (name: string): string => certificates!.path(name)
  afterAll(() => rm(certificates!.folder, { recursive: true }))

  it('delivers to a broker whose authority it trusts', async () => {
    const broker = await startTls()
    const connection = uplink({ url: url(broker), tls: { ca: file('ca.pem') } })
    await connection.connect(never)
    expect(await connection.deliver(await mixed(), never)).toEqual({ rejected: [] })
  })

  it('says that a certificate is not trusted, and why', async () => {
    const broker = await startTls()
    for (const tls of [undefined, { ca: file('stranger.pem') }]) {
      await expect(uplink({ url: url(broker), tls }).connect(never)).rejects.toMatchObject({
        code: 'UNAUTHENTICATED',
        message: expect.stringMatching(/^The certificate of 127\.0\.0\.1:\d+ is not trusted: its authority/) as string,
      })
    }
    await uplink({ url: url(broker), tls: { rejectUnauthorized: false } }).connect(never)
  })

  it("finds certificates from the configuration's folder, with MQTT 5 too", async () => {
    const broker = await startTls('require_certificate true')
    const tls = { ca: 'ca.pem', cert: 'client.pem', key: './client.key' }
    for (const protocol of ['3.1.1', 5]) {
      const connection = uplink({ url: url(broker), protocol, tls }, { configDir: certificates!.folder })
      await connection.connect(never)
      expect(await connection.deliver(await mixed(), never)).toEqual({ rejected: [] })
    }
  })

  it('shows its own certificate to a broker that asks for one', async () => {
    const broker = await startTls('require_certificate true')
    const without = uplink({ url: url(broker), tls: { ca: file('ca.pem') } })
    await expect(without.connect(never)).rejects.toMatchObject({ retryable: true })
    const tls = { ca: file('ca.pem'), cert: file('client.pem'), key: file('client.key') }
    await uplink({ url: url(broker), tls }).connect(never)
  })

  it('names a certificate file that it cannot read', async () => {
    await expect(
      uplink({ url: 'mqtts://127.0.0.1:1', tls: { ca: '/nowhere/ca.pem' } }).connect(never),
    ).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'The certificate file /nowhere/ca.pem cannot be read',
    })
  })
})
