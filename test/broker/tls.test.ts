// The embedded broker with a certificate: mqtts by mqtt.js and by mosquitto's own client, and everything that must not get in.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { connect as connectSocket } from 'node:net'
import { connectAsync, type IClientOptions } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { LocalMessage } from '#domain/broker.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { hasOpenssl, makeCertificates, type Certificates } from '#test/uplinks/mqtt/certificates.ts'
import { hasMosquitto } from '#test/uplinks/mqtt/mosquitto.ts'
import { createBroker, type EmbeddedBroker } from '../../src/broker/broker.ts'

const NEVER = new AbortController().signal

describe.skipIf(!hasOpenssl)('the embedded broker with TLS (needs openssl)', () => {
  let certificates: Certificates
  beforeAll(() => {
    certificates = makeCertificates()
  })
  afterAll(() => rmSync(certificates.folder, { recursive: true, force: true }))

  async function start(
    cert = 'broker.pem',
    key = 'broker.key',
  ): Promise<{ broker: EmbeddedBroker; heard: LocalMessage[] }> {
    const broker = createBroker({
      host: '127.0.0.1',
      port: 0,
      maxConnections: 10,
      maxPayloadBytes: 10_000,
      users: [{ name: 'press', password: 'one', publish: ['press/#'], subscribe: [] }],
      tls: { cert: certificates.path(cert), key: certificates.path(key) },
      clock: systemClock,
      log: silentLogger,
      registry: new Registry(),
    })
    await broker.start(NEVER)
    onTestFinished(() => broker.stop(NEVER))
    const heard: LocalMessage[] = []
    broker.subscribe(['#'], (message) => void heard.push(message))
    return { broker, heard }
  }

  const dial = async (port: number, ca: string, more: IClientOptions = {}) => {
    const login = { username: 'press', password: 'one', reconnectPeriod: 0 }
    const client = await connectAsync(`mqtts://127.0.0.1:${port}`, {
      ...login,
      ca: readFileSync(certificates.path(ca)),
      ...more,
    })
    onTestFinished(() => client.endAsync(true).then(() => {}))
    return client
  }

  it('takes messages of a client that trusts its certificate, and asks for the password all the same', async () => {
    const { broker, heard } = await start()
    const client = await dial(broker.port, 'ca.pem')
    await client.publishAsync('press/1', '7', { qos: 1 })
    expect(heard).toMatchObject([{ topic: 'press/1', qos: 1 }])
    await expect(dial(broker.port, 'ca.pem', { password: 'two' })).rejects.toThrow()
    await expect(dial(broker.port, 'stranger.pem')).rejects.toThrow()
    expect(heard).toHaveLength(1)
  })

  it('lets nobody in without TLS, and serves the others on', async () => {
    const { broker, heard } = await start()
    const plain = connectSocket({ host: '127.0.0.1', port: broker.port })
    plain.on('error', () => {})
    plain.write(Buffer.from('101000044d5154540402003c000474657374', 'hex')) // MQTT CONNECT
    const received: Buffer[] = []
    plain.on('data', (chunk) => received.push(chunk))
    await new Promise<void>((resolve) => plain.once('close', () => resolve()))
    expect(Buffer.concat(received)[0]).not.toBe(0x20) // no CONNACK
    const client = await dial(broker.port, 'ca.pem')
    await client.publishAsync('press/2', '8', { qos: 1 })
    expect(heard).toHaveLength(1)
  })

  it.skipIf(!hasMosquitto)('serves mosquitto_pub (needs mosquitto)', async () => {
    const { broker, heard } = await start()
    const words = ['-h', '127.0.0.1', '-p', String(broker.port), '--cafile', certificates.path('ca.pem')]
    const message = ['-u', 'press', '-P', 'one', '-q', '1', '-t', 'press/3', '-m', '9']
    const child = spawn('mosquitto_pub', [...words, ...message], { stdio: 'inherit' })
    expect(await once(child, 'exit')).toEqual([0, null])
    await vi.waitFor(() => expect(heard).toMatchObject([{ topic: 'press/3' }]), EVENTUALLY)
  })

  it('does not start with a certificate that it cannot read, or a key of another one', async () => {
    await expect(start('nothing.pem')).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    await expect(start('broker.pem', 'client.key')).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })
})
