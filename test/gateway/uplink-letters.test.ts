// A record that a real broker refuses, through the whole gateway: put aside durably, seen over HTTP, sent again.

import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Gateway } from '#gateway/gateway.ts'
import { LineFaults } from '#simulate/line-faults.ts'
import { ModbusServer } from '#simulate/modbus-server.ts'
import { RegisterBank } from '#simulate/register-bank.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { hasMosquitto, Mosquitto } from '#test/uplinks/mqtt/mosquitto.ts'
import { Subscriber } from '#test/uplinks/mqtt/subscriber.ts'
import { getJson, startTestGateway } from './start-gateway.ts'

const ALLOWED = ['topic read #', 'topic write telemetryx/#', 'topic write plant-a/press-1/level']

interface UplinkJson {
  readonly state: string
  readonly accepted: number
  readonly delivered: number
  readonly pending: number
  readonly rejected: number
  readonly dropped: Readonly<Record<string, number>>
  readonly deadLetters: number
}

interface LetterJson {
  readonly id: number
  readonly position: string
  readonly sensor: string
  readonly value: number
  readonly reason: string
}

describe.skipIf(!hasMosquitto)('A record that the broker refuses (needs mosquitto)', () => {
  let folder: string
  const bank = new RegisterBank()
  const device = new ModbusServer(new Map([[1, { bank, faults: new LineFaults() }]]))
  let broker: Mosquitto
  let gateway: Gateway
  let yaml: string

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'telemetryx-letters-'))
    bank.setHolding(0, 1)
    bank.setHolding(1, 7)
    const port = await device.listen(0)
    broker = await Mosquitto.start({ acl: ALLOWED })
    const sensor = (id: string, address: number): string =>
      `{ id: ${id}, register: holding, address: ${address}, deadband: { absolute: 1 } }`
    yaml = `devices:
  - id: press-1
    driver: modbus
    connection: { transport: tcp, host: 127.0.0.1, port: ${port}, unit: 1, timeout: 1s }
    poll: 50ms
    sensors: [ ${sensor('level', 0)}, ${sensor('secret', 1)} ]
uplinks: [ { id: hq, type: mqtt, url: "${broker.url}", protocol: 5 } ]
`
    gateway = await startTestGateway(folder, yaml)
  })
  afterEach(async () => {
    await gateway.stop({ deadlineMs: 3000 })
    await broker.close()
    await device.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const uplink = async (): Promise<UplinkJson> =>
    (await getJson<{ items: UplinkJson[] }>(gateway, '/api/v1/uplinks')).items[0]!
  const letters = async (): Promise<LetterJson[]> =>
    (await getJson<{ items: LetterJson[] }>(gateway, '/api/v1/uplinks/hq/dead-letters')).items

  it('is put aside, outlives a restart, and arrives once the broker takes it', async () => {
    // A slow machine may add a bad reading of the same sensor.
    await vi.waitFor(async () => expect((await letters()).some(({ value }) => value === 7)).toBe(true), EVENTUALLY)
    const letter = (await letters()).find(({ value }) => value === 7)!
    expect(letter.sensor).toBe('press-1.secret')
    expect(letter.reason).toContain('135')
    const { rejected: before, deadLetters: kept } = await uplink()
    expect(kept).toBe(before)

    await gateway.stop({ deadlineMs: 3000 })
    await broker.stop()
    await writeFile(join(broker.folder, 'acl'), `${[...ALLOWED, 'topic write plant-a/#'].join('\n')}\n`)
    await broker.start()
    const subscriber = await Subscriber.open(broker.url)
    gateway = await startTestGateway(folder, yaml)
    expect(await letters()).toContainEqual(letter)
    await vi.waitFor(async () => expect(await uplink()).toMatchObject({ state: 'online' }), EVENTUALLY)

    const retried = await fetch(`${gateway.url}/api/v1/uplinks/hq/dead-letters/${letter.id}/retry`, { method: 'POST' })
    expect(await retried.json()).toEqual({ delivered: 1, refused: 0 })
    await vi.waitFor(() => expect(subscriber.ids()).toContain(`edge-01/${letter.position}`), EVENTUALLY)
    const { accepted, delivered, pending, rejected, dropped, deadLetters } = await uplink()
    expect({ rejected, deadLetters }).toEqual({ rejected: before - 1, deadLetters: before - 1 })
    const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0)
    expect(accepted).toBe(delivered + pending + rejected + lost)
    await subscriber.close()
  })
})
