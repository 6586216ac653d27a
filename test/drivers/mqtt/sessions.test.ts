// One session, one connection: what devices of one broker may differ in, and what is subscribed to over it.

import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { addressOf } from '#drivers/mqtt/address.ts'
import { mqttDriver } from '#drivers/mqtt/driver.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { RecordingContext } from '#test/sim/recording-sink.ts'
import { createBroker } from '../../../src/broker/broker.ts'
import { NEVER, setupsOf } from './mqtt-device.ts'
import { StampedSink } from './stamped-sink.ts'

const BROKER = 'mqtt://192.0.2.30:1883'
const device = (id: string, connection: string): string =>
  `  - { id: ${id}, driver: mqtt, connection: { ${connection} }, sensors: [ { id: x, topic: ${id} } ] }\n`

describe('devices of one broker', () => {
  for (const [key, first, second] of [
    ['timeout', `url: "${BROKER}"`, `url: "${BROKER}", timeout: 3s`],
    ['keepalive', `url: "${BROKER}", keepalive: 20s`, `url: "${BROKER}"`],
    ['protocol', `url: "${BROKER}"`, `url: "${BROKER}", protocol: 5`],
    [
      'password',
      `url: "${BROKER}", username: edge, password: pw-a`,
      `url: "${BROKER}", username: edge, password: pw-b`,
    ],
    ['keepalive', `url: "${BROKER}", clientId: mine`, `url: "${BROKER}", clientId: mine, keepalive: 20s`],
  ] as const)
    it(`are refused when they share a session with another ${key} each: they would throw each other off`, () => {
      const read = (): unknown => setupsOf(device('a', first) + device('b', second))
      expect(read).toThrow(`a uses the same session of this broker with another ${key}`)
      expect(read).not.toThrow(/pw-/)
    })

  it('are taken with the same settings, or with users or client ids of their own', () => {
    const list =
      device('a', `url: "${BROKER}"`) +
      device('b', `url: "${BROKER}"`) +
      device('c', `url: "${BROKER}", username: other, timeout: 3s`) +
      device('d', `url: "${BROKER}", clientId: own, timeout: 4s`) +
      device('e', `url: "mqtt://192.0.2.31:1883", timeout: 5s`)
    expect(setupsOf(list)).toHaveLength(5)
  })

  it('may have a percent sign in the user name of the url, which stands for itself where it stands for nothing', () => {
    const username = (url: string): unknown => addressOf({ url }).username
    expect(username('mqtt://us%er@192.0.2.30')).toBe('us%er')
    expect(username('mqtt://us%25er@192.0.2.30')).toBe('us%er')
    expect(() => setupsOf(device('a', 'url: "no url"'))).toThrow()
  })
})

describe('a subscription', () => {
  it('marks the very sensors whose topics the broker refuses, whatever the topics are called', async () => {
    const broker = createBroker({
      host: '127.0.0.1',
      port: 0,
      users: [{ name: 'edge', password: 's', publish: ['#'], subscribe: ['vib/#', 'resubscribe', '9'] }],
      tls: null,
      maxConnections: 10,
      maxPayloadBytes: 10_000,
      clock: systemClock,
      log: silentLogger,
      registry: new Registry(),
    })
    await broker.start(NEVER)
    onTestFinished(() => broker.stop(NEVER))
    const driver = mqttDriver({ clock: systemClock })
    const connection = `url: "mqtt://127.0.0.1:${broker.port}", username: edge, password: s`
    const topics = ['vib/1', '7', 'resubscribe', 'private', '9']
    const sensors = topics.map((topic, n) => `{ id: s${n}, topic: "${topic}", payload: number }`).join(', ')
    const [setup] = setupsOf(
      `  - { id: a, driver: mqtt, connection: { ${connection} }, sensors: [ ${sensors} ] }\n`,
      driver,
    )
    const opened = driver.open(setup!, new RecordingContext())
    onTestFinished(() => opened.close())
    const sink = new StampedSink()
    await opened.connect(NEVER)
    await opened.subscribe!(sink, NEVER)
    const statuses = topics.map((_topic, sensor) => sink.last(sensor)?.status)
    const [waiting, refused] = ['BadWaitingForInitialData', 'BadUserAccessDenied']
    expect(statuses).toEqual([waiting, refused, waiting, refused, waiting])
    for (const topic of topics) broker.publish(topic, Buffer.from('4'))
    await vi.waitFor(
      () => expect([0, 2, 4].map((sensor) => sink.valuesOf(sensor))).toEqual([[4], [4], [4]]),
      EVENTUALLY,
    )
  })
})
