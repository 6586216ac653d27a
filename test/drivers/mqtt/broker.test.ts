// The driver on a real broker (Debian's mosquitto).

import { connectAsync, type MqttClient } from 'mqtt'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Device, DriverServices } from '#domain/driver.ts'
import { mqttDriver } from '#drivers/mqtt/driver.ts'
import { systemClock } from '#kit/clock.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { RecordingContext } from '#test/sim/recording-sink.ts'
import { hasMosquitto, Mosquitto } from '#test/uplinks/mqtt/mosquitto.ts'
import { NEVER, setupsOf } from './mqtt-device.ts'
import { StampedSink } from './stamped-sink.ts'

class Context extends RecordingContext implements DriverServices {
  readonly gateway = 'edge-01'
  isFull = false
  /** Messages wait here for the journal. */
  waiting: (() => void)[] = []
  isJournalling = true
  readonly hasRoom = (): boolean => !this.isFull
  readonly durable = (): Promise<void> =>
    this.isJournalling ? Promise.resolve() : new Promise((resolve) => this.waiting.push(resolve))
}

describe.skipIf(!hasMosquitto)('an MQTT device on mosquitto (needs mosquitto)', () => {
  let broker: Mosquitto
  let publisher: MqttClient

  beforeEach(async () => {
    broker = await Mosquitto.start()
    publisher = await connectAsync(broker.url)
  })
  afterEach(async () => {
    await publisher.endAsync(true)
    await broker.close()
  })

  async function open(yaml: string, context = new Context(), driver = mqttDriver({ clock: systemClock })) {
    const [setup] = setupsOf(yaml.replaceAll('URL', broker.url), driver)
    const device = driver.open(setup!, context)
    onTestFinished(() => device.close())
    const sink = new StampedSink()
    await device.connect(NEVER)
    await device.subscribe!(sink, NEVER)
    return { device, sink, context }
  }

  const again = async (device: Device, sink: StampedSink): Promise<void> => {
    await device.connect(NEVER)
    await device.subscribe!(sink, NEVER)
  }

  const RMS = `  - { id: vib, driver: mqtt, connection: { url: "URL" }, sensors: [ { id: rms, topic: "vib/+/rms", value: $.v } ] }\n`

  const send = (value: number, topic = 'vib/a/rms', retain = false): Promise<unknown> =>
    publisher.publishAsync(topic, JSON.stringify({ v: value }), { qos: 1, retain })

  it('reads every publisher that the wildcard matches, and waits before the first', async () => {
    const { sink } = await open(RMS)
    expect(sink.readings).toMatchObject([{ sensor: 0, status: 'BadWaitingForInitialData' }])
    await send(1, 'vib/a/rms')
    await send(2, 'vib/b/rms')
    await send(3, 'vib/b/peak')
    await vi.waitFor(() => expect(sink.valuesOf(0)).toEqual([1, 2]), EVENTUALLY)
  })

  it('speaks MQTT 5 as well', async () => {
    const { sink } = await open(RMS.replace('url: "URL"', 'url: "URL", protocol: 5'))
    await send(5)
    await vi.waitFor(() => expect(sink.valuesOf(0)).toEqual([5]), EVENTUALLY)
  })

  it('marks what the broker had kept as uncertain until a live message comes', async () => {
    await send(7, 'vib/a/rms', true)
    const { sink } = await open(RMS)
    await vi.waitFor(
      () => expect(sink.last(0)).toMatchObject({ value: 7, status: 'UncertainLastUsableValue' }),
      EVENTUALLY,
    )
    await send(8)
    await vi.waitFor(() => expect(sink.last(0)).toMatchObject({ value: 8, status: 'Good' }), EVENTUALLY)
  })

  it('acknowledges when the journal has it, not before: the broker sends the rest again', async () => {
    const first = await open(RMS)
    first.context.isJournalling = false
    for (const value of [1, 2, 3]) await send(value)
    await vi.waitFor(() => expect(first.sink.valuesOf(0)).toEqual([1, 2, 3]), EVENTUALLY)
    first.context.waiting.shift()!() // the journal has 1 alone
    await publisher.publishAsync('other', '', { qos: 1 }) // the acknowledgement is on its way before the end
    await new Promise((resolve) => setImmediate(resolve))
    await broker.stop()
    await vi.waitFor(() => expect(first.context.lostCauses).toHaveLength(1), EVENTUALLY)
    await broker.start()
    const second = await open(RMS) // as after a crash: another driver, the same session
    await vi.waitFor(() => expect(second.sink.valuesOf(0)).toEqual([2, 3]), EVENTUALLY)
  })

  it('does not pass on twice what comes again because its acknowledgement was lost', async () => {
    const { device, sink, context } = await open(RMS)
    context.isJournalling = false
    for (const value of [1, 2]) await send(value)
    await vi.waitFor(() => expect(sink.valuesOf(0)).toEqual([1, 2]), EVENTUALLY)
    await broker.stop()
    await vi.waitFor(() => expect(context.lostCauses).toHaveLength(1), EVENTUALLY)
    await broker.start()
    context.isJournalling = true
    await again(device, sink)
    await vi.waitFor(() => expect(context.errors.get('duplicate')).toBe(2), EVENTUALLY)
    await vi.waitFor(() => expect(publisher.connected).toBe(true), EVENTUALLY)
    await send(3)
    await vi.waitFor(() => expect(sink.valuesOf(0)).toEqual([1, 2, 3]), EVENTUALLY)
  })

  it('takes nothing while the buffer is full, and everything in order afterwards', async () => {
    const { sink, context } = await open(RMS)
    context.isFull = true
    for (let value = 0; value < 50; value++) await send(value)
    expect(sink.valuesOf(0)).toEqual([])
    context.isFull = false
    await vi.waitFor(() => expect(sink.valuesOf(0)).toEqual(Array.from({ length: 50 }, (_, n) => n)), EVENTUALLY)
  })

  it('shares one connection among devices, and holds back for those that subscribe later', async () => {
    const driver = mqttDriver({ clock: systemClock })
    const yaml = `${RMS}  - { id: hum, driver: mqtt, connection: { url: "URL" }, sensors: [ { id: rh, topic: hum, value: $.v } ] }\n`
    const setups = setupsOf(yaml.replaceAll('URL', broker.url), driver)
    const run = async () => {
      const sinks = setups.map(() => new StampedSink())
      const devices = setups.map((setup) => driver.open(setup, new Context()))
      expect(devices[0]!.bus).toBe(devices[1]!.bus)
      // Side by side, as acquisition does it.
      await Promise.all(devices.map((device, index) => again(device, sinks[index]!)))
      return { sinks, devices }
    }
    const first = await run()
    await send(1)
    await send(2, 'hum')
    await vi.waitFor(
      () => expect(first.sinks.map((sink, index) => sink.valuesOf(index))).toEqual([[1], [2]]),
      EVENTUALLY,
    )
    for (const device of first.devices) await device.close()
    await send(3)
    await send(4, 'hum') // kept by the broker for our session
    const second = await run()
    await vi.waitFor(
      () => expect(second.sinks.map((sink, index) => sink.valuesOf(index))).toEqual([[3], [4]]),
      EVENTUALLY,
    )
    for (const device of second.devices) await device.close()
  })

  it('keeps reading the topics that the broker grants when it refuses others', async () => {
    await broker.close()
    broker = await Mosquitto.start({
      users: { edge: 'secret' },
      acl: ['user edge', 'topic readwrite vib/#'],
    })
    publisher = await connectAsync(broker.url, { username: 'edge', password: 'secret' })
    const yaml = `  - id: vib
    driver: mqtt
    connection: { url: "URL", username: edge, password: secret, protocol: 5 }
    sensors: [ { id: rms, topic: "vib/+/rms", value: $.v }, { id: no, topic: private } ]
`
    const { sink } = await open(yaml)
    await send(1)
    await vi.waitFor(() => expect(sink.valuesOf(0)).toEqual([1]), EVENTUALLY)
  })

  it('says what is wrong when the password is, and never the password', async () => {
    await broker.close()
    broker = await Mosquitto.start({ users: { edge: 'secret' } })
    const yaml = RMS.replace('url: "URL"', 'url: "URL", username: edge, password: wr0ng')
    const failed = open(yaml)
    await expect(failed).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    await expect(failed).rejects.toSatisfy((error) => !JSON.stringify(error).includes('wr0ng'))
  })

  it('is not harmed by a message that is too long, and gets the next one', async () => {
    const { device, sink, context } = await open(RMS)
    await publisher.publishAsync('vib/a/rms', Buffer.alloc(2 * 1024 * 1024, 32), { qos: 1 })
    await vi.waitFor(() => expect(context.errors.get('payload-too-large')).toBe(1), EVENTUALLY)
    await publisher.publishAsync('vib/a/rms', Buffer.alloc(17 * 1024 * 1024, 32), { qos: 1 })
    await vi.waitFor(() => expect(context.lostCauses).toHaveLength(1), EVENTUALLY)
    expect(context.errors.get('packet-too-long')).toBe(1)
    await again(device, sink)
    await send(9)
    await vi.waitFor(() => expect(sink.last(0)).toMatchObject({ value: 9, status: 'Good' }), EVENTUALLY)
  })
})
