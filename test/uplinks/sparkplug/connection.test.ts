// A sparkplug uplink against a real broker and a host application that judges what it hears.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Command, CommandDesk } from '#domain/command.ts'
import type { Model } from '#domain/sensor.ts'
import type { Delivery, UplinkConnection, UplinkServices } from '#domain/uplink.ts'
import { encodePayload, type MetricInit } from '#kit/sparkplug/encode.ts'
import { silentLogger } from '#kit/logger.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { sparkplugUplink } from '#uplinks/sparkplug/kind.ts'
import { ModelJournal, modelOf } from '../model-journal.ts'
import { hasMosquitto, Mosquitto } from '../mqtt/mosquitto.ts'
import { checkAsHost, hasPythonProtobuf } from './host-check.ts'
import { Host, HOST } from './host.ts'

const never = new AbortController().signal
const isPresent = hasMosquitto && hasPythonProtobuf

let model: Model
let broker: Mosquitto
let host: Host
let folder: string
let losses: unknown[]
let holds: (string | null)[]
let connection: UplinkConnection

function open(config: object = {}, services: UplinkServices = {}): UplinkConnection {
  losses = []
  holds = []
  return sparkplugUplink.open(
    { id: 'scada', config: { url: broker.url, group: 'plant-a', ...config }, gateway: 'edge-01', factory: 'Plant A' },
    {
      log: silentLogger,
      model: () => model,
      lost: (cause) => losses.push(cause),
      hold: (reason) => holds.push(reason),
      stateDir: folder,
      ...services,
    },
  )
}

async function readings(count: number, epoch = 1): Promise<Delivery> {
  const journal = new ModelJournal(epoch)
  for (let n = 0; n < count; n++) journal.append(n % model.sensors.length, n, Date.now())
  const batch = (await journal.read({ epoch, seq: 0 }, count))!
  return { lane: 'inOrder', historical: false, batch, rows: Uint32Array.from(batch.sensor.keys()), rowCount: count }
}

const bdSeqs = (type: string): bigint[] => host.of(type).map(({ metrics }) => metrics[0]!.value.value as bigint)
const seen = (type: string, count: number) =>
  vi.waitFor(() => expect(host.of(type).length).toBeGreaterThanOrEqual(count), EVENTUALLY)

describe.skipIf(!isPresent)('A sparkplug uplink (needs mosquitto and python3-protobuf)', () => {
  beforeEach(async () => {
    model = modelOf(['press-1.pressure', 'oven-1.temperature'])
    folder = mkdtempSync(join(tmpdir(), 'telemetryx-sparkplug-'))
    broker = await Mosquitto.start({ persistence: false })
    host = await Host.open(broker.url)
    connection = open()
  })
  afterEach(async () => {
    await connection.close()
    await host.close()
    await broker.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('sends what a strict host application accepts, births first', async () => {
    await connection.connect(never)
    await connection.deliver(await readings(600), never)
    await vi.waitFor(() => expect(host.ids()).toHaveLength(600), EVENTUALLY)
    const { violations, records } = checkAsHost(host.messages)
    expect(violations).toEqual([])
    expect(records).toHaveLength(600)
    expect(host.types().slice(0, 4)).toEqual(['NBIRTH', 'DBIRTH', 'DBIRTH', 'DDATA'])
  })

  it('says only what the broker has taken: an acknowledged delivery has reached who listens', async () => {
    await connection.connect(never)
    for (let round = 1; round <= 20; round++) {
      await connection.deliver(await readings(50, round), never)
      await vi.waitFor(() => expect(host.ids()).toHaveLength(round * 50), EVENTUALLY)
    }
  })

  it('dies by its will when the connection breaks, with the number of its birth; the next one is higher', async () => {
    await connection.connect(never)
    await seen('DBIRTH', 2)
    const abort = new AbortController()
    connection.deliver(await readings(10), abort.signal).catch(() => {})
    abort.abort() // drops the connection without a goodbye
    await seen('NDEATH', 1)
    await connection.connect(never)
    await seen('NBIRTH', 2)
    expect(bdSeqs('NDEATH')).toEqual(bdSeqs('NBIRTH').slice(0, 1))
    expect(bdSeqs('NBIRTH')[1]).toBe((bdSeqs('NBIRTH')[0]! + 1n) % 256n)
    expect(checkAsHost(host.messages).violations).toEqual([])
  })

  it('goes on counting its sessions after a restart of the gateway', async () => {
    await connection.connect(never)
    await seen('NBIRTH', 1)
    await connection.close()
    connection = open()
    await connection.connect(never)
    await seen('NBIRTH', 2)
    expect(bdSeqs('NBIRTH')[1]).toBe((bdSeqs('NBIRTH')[0]! + 1n) % 256n)
  })

  it('says goodbye once: NDEATH by itself, and no will after it', async () => {
    await connection.connect(never)
    await seen('DBIRTH', 2)
    await connection.close()
    await seen('NDEATH', 1)
    await host.askForBirth('other') // what the broker would still send has come before this
    await vi.waitFor(() => expect(host.types()).toContain('NCMD'), EVENTUALLY)
    expect(host.of('NDEATH')).toHaveLength(1)
  })

  it('is born again on request, with the same bdSeq, in the middle of its data', async () => {
    await connection.connect(never)
    await connection.deliver(await readings(100), never)
    await host.askForBirth()
    await seen('NBIRTH', 2)
    await connection.deliver(await readings(300, 2), never)
    await vi.waitFor(() => expect(host.ids()).toHaveLength(400), EVENTUALLY)
    expect(new Set(bdSeqs('NBIRTH')).size).toBe(1)
    expect(checkAsHost(host.messages).violations).toEqual([])
  })

  it('answers a flood of rebirth requests with few births', async () => {
    await connection.connect(never)
    for (let n = 0; n < 50; n++) await host.askForBirth()
    await seen('NBIRTH', 2)
    expect(host.of('NBIRTH').length).toBeLessThan(5)
  })

  it('tells of a new model with new births, before the first record of it', async () => {
    await connection.connect(never)
    await seen('DBIRTH', 2)
    model = modelOf(['press-1.pressure', 'oven-1.temperature', 'oven-1.door'])
    await connection.deliver(await readings(3), never)
    await vi.waitFor(() => expect(host.ids()).toHaveLength(3), EVENTUALLY)
    const { violations, records } = checkAsHost(host.messages)
    expect(violations).toEqual([])
    expect(records.at(-1)!.slice(0, 2)).toEqual(['oven-1', 'door'])
  })

  it('has no births of sensors that it does not send', async () => {
    connection = open({}, { wants: (sensor) => sensor === 1 })
    await connection.connect(never)
    await seen('DBIRTH', 1)
    expect(host.types()).toEqual(['NBIRTH', 'DBIRTH'])
    expect(host.of('DBIRTH')[0]!.metrics.map(({ name }) => name)).toEqual(['temperature'])
  })
})

describe.skipIf(!isPresent)('A sparkplug uplink and its primary host (needs mosquitto and python3-protobuf)', () => {
  beforeEach(async () => {
    model = modelOf(['press-1.pressure'])
    folder = mkdtempSync(join(tmpdir(), 'telemetryx-sparkplug-'))
    broker = await Mosquitto.start({ persistence: false })
    host = await Host.open(broker.url)
    connection = open({ primaryHost: HOST })
  })
  afterEach(async () => {
    await connection.close()
    await host.close()
    await broker.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('waits with its births until the host is online, and says why', async () => {
    await host.goOffline()
    await connection.connect(never)
    expect(holds).toEqual(['The primary host scada-1 is not online'])
    expect(host.types()).toEqual([])
    await host.goOnline()
    await vi.waitFor(() => expect(host.types()).toEqual(['NBIRTH', 'DBIRTH']), EVENTUALLY)
    expect(holds.at(-1)).toBeNull()
  })

  it('ends its session when the host goes offline, and settles nothing that was under way', async () => {
    await connection.connect(never)
    await seen('NBIRTH', 1)
    await host.goOffline()
    await vi.waitFor(() => expect(losses).toHaveLength(1), EVENTUALLY)
    expect(losses[0]).toMatchObject({ message: 'The primary host scada-1 went offline', retryable: true })
    await seen('NDEATH', 1)
    await expect(connection.deliver(await readings(1), never)).rejects.toMatchObject({ retryable: true })
    expect(checkAsHost(host.messages).violations).toEqual([])
  })

  it('does not believe an old will of the host, nor what is no STATE', async () => {
    await connection.connect(never)
    await seen('NBIRTH', 1)
    for (const text of ['{"online":false,"timestamp":1}', 'OFFLINE', '{"online":false}', '\u0000'])
      await host.publishState(text)
    await connection.deliver(await readings(1), never)
    expect(losses).toEqual([])
  })

  it('waits within connect where nobody can hold deliveries back', async () => {
    await host.goOffline()
    connection = open({ primaryHost: HOST }, { hold: undefined as never })
    const connecting = connection.connect(never)
    await host.goOnline()
    await connecting
    await seen('NBIRTH', 1)
    await connection.close()
    await host.goOffline()
    const abort = new AbortController()
    const waiting = connection.connect(abort.signal)
    abort.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

describe.skipIf(!isPresent)('Commands to a sparkplug uplink (needs mosquitto and python3-protobuf)', () => {
  let asked: Command[]
  const desk = (...allowed: ('write' | 'read')[]): CommandDesk => ({
    allowed: new Set(allowed),
    run: (command) => {
      asked.push(command)
      return Promise.resolve({ ok: false, code: 'OUT_OF_RANGE', message: 'No' })
    },
  })
  const double = (value: number): MetricInit['value'] => ({ case: 'doubleValue', value })

  beforeEach(async () => {
    asked = []
    model = modelOf(['press-1.pressure', 'press-1.count'])
    folder = mkdtempSync(join(tmpdir(), 'telemetryx-sparkplug-'))
    broker = await Mosquitto.start({ persistence: false })
    host = await Host.open(broker.url)
  })
  afterEach(async () => {
    await connection.close()
    await host.close()
    await broker.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Resolves when everything that was sent to the node before has been looked at. */
  async function settled(): Promise<void> {
    const births = host.of('NBIRTH').length
    await host.askForBirth()
    await seen('NBIRTH', births + 1)
  }

  it('reach the desk by name and by alias, with the time at which they were sent', async () => {
    connection = open({}, { commands: desk('write') })
    await connection.connect(never)
    await seen('DBIRTH', 1)
    const alias = host.of('DBIRTH')[0]!.metrics[1]!.alias
    await host.write('press-1', [{ name: 'pressure', datatype: 10, value: double(4.5) }], 1000)
    await host.write('press-1', [{ alias, timestamp: 7n, value: double(2) }])
    await vi.waitFor(() => expect(asked).toHaveLength(2), EVENTUALLY)
    expect(asked).toEqual([
      {
        id: null,
        by: null,
        sentAt: 1000,
        expiresAt: null,
        request: { command: 'write', sensor: 'press-1.pressure', value: 4.5 },
      },
      {
        id: null,
        by: null,
        sentAt: 7,
        expiresAt: null,
        request: { command: 'write', sensor: 'press-1.count', value: 2 },
      },
    ])
  })

  it('are not carried out without leave, when retained, or when they make no sense', async () => {
    connection = open({}, { commands: desk('read') })
    await connection.connect(never)
    await host.write('press-1', [{ name: 'pressure', value: double(1) }])
    await settled()
    await connection.close()
    const retained = encodePayload({ timestamp: 1n, metrics: [{ name: 'pressure', value: double(2) }] })
    await host.send('spBv1.0/plant-a/DCMD/edge-01/press-1', retained, true)
    connection = open({}, { commands: desk('write') })
    await connection.connect(never)
    await host.write('press-1', [{ name: 'nothing', value: double(3) }])
    await host.write('oven-9', [{ name: 'pressure', value: double(4) }])
    await host.write('press-1', [{ name: 'pressure', isNull: true }])
    await host.write('press-1', [{ name: 'pressure', value: { case: 'stringValue', value: 'x' } }])
    await host.send('spBv1.0/plant-a/DCMD/edge-01/press-1', Buffer.from('no protobuf'))
    await host.send('spBv1.0/plant-a/NCMD/edge-01', Buffer.from([0xff]))
    await settled()
    expect(asked).toEqual([])
    expect(losses).toEqual([])
  })

  it('that are far too long end the connection, and nothing else', async () => {
    connection = open()
    await connection.connect(never)
    await host.send('spBv1.0/plant-a/NCMD/edge-01', Buffer.alloc(2 * 1024 * 1024))
    await vi.waitFor(() => expect(losses).toHaveLength(1), EVENTUALLY)
    await connection.connect(never)
    await connection.deliver(await readings(1), never)
  })
})
