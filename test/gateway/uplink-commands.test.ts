// Commands of a receiver, through the whole gateway: over a real broker, to a real device, and into the journal.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Gateway } from '#gateway/gateway.ts'
import { LineFaults } from '#simulate/line-faults.ts'
import { ModbusServer } from '#simulate/modbus-server.ts'
import { RegisterBank } from '#simulate/register-bank.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { hasMosquitto, Mosquitto } from '#test/uplinks/mqtt/mosquitto.ts'
import { getJson, startTestGateway } from './start-gateway.ts'

interface Answer {
  readonly id: string
  readonly ok: boolean
  readonly result?: { readonly readings?: readonly object[]; readonly problems?: readonly { message: string }[] }
  readonly error?: { readonly code: string }
}

describe.skipIf(!hasMosquitto)('Commands over an uplink of a gateway (needs mosquitto)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-commands-'))
  const bank = new RegisterBank()
  const device = new ModbusServer(new Map([[1, { bank, faults: new LineFaults() }]]))
  let broker: Mosquitto
  let gateway: Gateway
  let asker: MqttClient
  const answers = new Map<string, Answer>()
  /** From the journal, over the uplink. */
  const events: string[] = []

  beforeEach(async () => {
    bank.setHolding(0, 150)
    const port = await device.listen(0)
    broker = await Mosquitto.start()
    gateway = await startTestGateway(
      folder,
      `devices:
  - id: press-1
    driver: modbus
    connection: { transport: tcp, host: 127.0.0.1, port: ${port}, unit: 1, timeout: 1s }
    poll: 50ms
    sensors: [ { id: level, register: holding, address: 0, writable: true, checks: [ { type: threshold, high: 100 } ] } ]
uplinks:
  - { id: hq, type: mqtt, url: "${broker.url}", map: [ { sensor: press-1.level, as: line-a.tank } ],
      commands: { allow: [ write, read, acknowledge, check ], write: [ "press-*.*" ] } }
`,
    )
    asker = await connectAsync(broker.url)
    asker.on('message', (topic, payload) => {
      const fields = JSON.parse(payload.toString()) as Answer & { readonly message: string }
      if (topic.endsWith('/event')) events.push(fields.message)
      else answers.set(fields.id, fields)
    })
    await asker.subscribeAsync(['telemetryx/edge-01/response/#', 'telemetryx/edge-01/event'])
    await vi.waitFor(async () => {
      expect((await getJson<{ items: { state: string }[] }>(gateway, '/api/v1/uplinks')).items[0]!.state).toBe('online')
    }, EVENTUALLY)
  })
  afterEach(async () => {
    await gateway.stop({ deadlineMs: 3000 })
    await asker.endAsync()
    await broker.close()
    await device.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const ask = async (command: string, fields: object): Promise<Answer> => {
    const id = `tx-${answers.size}-${command}`
    await asker.publishAsync(`telemetryx/edge-01/request/${command}`, JSON.stringify({ id, by: 'scada', ...fields }))
    await vi.waitFor(() => expect(answers.has(id)).toBe(true), EVENTUALLY)
    return answers.get(id)!
  }

  it('write, read and acknowledge under the names of the uplink, and the journal says who asked', async () => {
    await vi.waitFor(async () => {
      const { result } = await ask('read', { sensors: ['line-a.tank'] })
      expect(result?.readings).toMatchObject([{ sensor: 'line-a.tank', v: 150, q: 'good' }])
    }, EVENTUALLY)

    const { items: alarms } = await getJson<{ items: { id: string }[] }>(gateway, '/api/v1/alarms?state=active')
    expect(await ask('acknowledge', { alarm: alarms[0]!.id, comment: 'seen' })).toMatchObject({ ok: true })
    const { items } = await getJson<{ items: object[] }>(gateway, '/api/v1/alarms?state=active')
    expect(items).toMatchObject([{ acknowledged: true, acknowledgedBy: 'scada (uplink hq)' }])

    // This gateway runs without a configuration file of its own.
    expect(await ask('check', { config: 'version: 1' })).toMatchObject({ ok: false, error: { code: 'NOT_FOUND' } })
    expect(await ask('write', { sensor: 'line-a.tank', value: 40 })).toMatchObject({ ok: true, result: { value: 40 } })
    expect(await ask('write', { sensor: 'press-1.level', value: 40 })).toMatchObject({ error: { code: 'NOT_FOUND' } })

    await vi.waitFor(() => {
      expect(events).toEqual(
        expect.arrayContaining([
          `scada (uplink hq): acknowledge alarm ${alarms[0]!.id}`,
          'scada (uplink hq): write line-a.tank = 40',
          expect.stringContaining('scada (uplink hq): write press-1.level = 40 was refused'),
        ]),
      )
    }, EVENTUALLY)
  })
})
