// The MQTT driver in the suite of drivers that send: on mosquitto, and on the embedded broker.

import { connectAsync } from 'mqtt'
import { describe } from 'vitest'
import { mqttDriver } from '#drivers/mqtt/driver.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { describeSendingDriverContract, type SendingPeer } from '#test/contract/sending-driver-contract.ts'
import { hasMosquitto, Mosquitto } from '#test/uplinks/mqtt/mosquitto.ts'
import { createBroker } from '../../../src/broker/broker.ts'
import { setupOf } from './mqtt-device.ts'

interface UrlPeer extends SendingPeer {
  readonly connection: string
}

const publishAt = async (url: string, payload: string): Promise<void> => {
  const client = await connectAsync(url, { reconnectPeriod: 0 })
  await client.publishAsync('a', payload, { qos: 1 })
  await client.endAsync()
}

async function mosquittoPeer(): Promise<UrlPeer> {
  const broker = await Mosquitto.start()
  return {
    connection: `connection: { url: "${broker.url}" }, `,
    send: (value) => publishAt(broker.url, String(value)),
    sendGarbage: () => publishAt(broker.url, '{"half":'),
    stop: () => broker.stop(),
    restart: () => broker.start(),
    close: () => broker.close(),
  }
}

async function embeddedPeer(): Promise<UrlPeer> {
  const signal = new AbortController().signal
  const limits = { maxConnections: 10, maxPayloadBytes: 10_000 }
  const services = { clock: systemClock, log: silentLogger, registry: new Registry() }
  const broker = createBroker({ host: '127.0.0.1', port: 0, users: [], tls: null, ...limits, ...services })
  await broker.start(signal)
  const url = `mqtt://127.0.0.1:${broker.port}`
  return {
    connection: '',
    context: { broker },
    send: (value) => publishAt(url, String(value)),
    sendGarbage: () => publishAt(url, '{"half":'),
    stop: null,
    restart: () => Promise.resolve(),
    close: () => broker.stop(signal),
  }
}

const harness = (name: string, startPeer: () => Promise<UrlPeer>) => ({
  name,
  createDriver: () => mqttDriver({ clock: systemClock }),
  startPeer,
  setup: (peer: SendingPeer) => {
    const { connection } = peer as UrlPeer
    return setupOf(`  - { id: d, driver: mqtt, ${connection}sensors: [ { id: s, topic: a } ] }\n`)
  },
})

describe.skipIf(!hasMosquitto)('on mosquitto (needs mosquitto)', () => {
  describeSendingDriverContract(harness('mqtt', mosquittoPeer))
})
describe('on the embedded broker', () => {
  describeSendingDriverContract(harness('mqtt, embedded', embeddedPeer))
})
