// The whole: a Modbus device, the gateway, a broker and a strict host application. The device dies and comes back, the host
// writes, the gateway is restarted.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Gateway } from '#gateway/gateway.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { RawModbusSlave } from '#test/sim/raw-modbus-slave.ts'
import { startTestGateway } from '../../gateway/start-gateway.ts'
import { hasMosquitto, Mosquitto } from '../mqtt/mosquitto.ts'
import { checkAsHost, hasPythonProtobuf } from './host-check.ts'
import { Host, HOST } from './host.ts'

let folder: string
let broker: Mosquitto
let host: Host
let slave: RawModbusSlave
let gateway: Gateway | null = null

const yaml = (port: number): string => `devices:
  - id: press-1
    driver: modbus
    machine: Press 1
    connection: { transport: tcp, host: 127.0.0.1, port: ${port}, unit: 1, timeout: 2s }
    poll: 100ms
    sensors:
      - { id: pressure, register: holding, address: 10, unit: bar, description: Oil pressure }
      - { id: set-point, register: holding, address: 11, writable: true }
      - { id: unwanted, register: holding, address: 12 }
uplinks:
  - { id: scada, type: sparkplug, url: "${broker.url}", group: plant-a, primaryHost: ${HOST}, exclude: ["*.unwanted"],
      commands: { allow: [write] } }
`
const wait = (look: () => void) => vi.waitFor(look, EVENTUALLY)
const count = (type: string): number => host.of(type).length
const values = (metric: string): unknown[] => host.values(metric)
/** JSON of the events that the node has told. */
const events = (): { type: string; data?: Record<string, unknown> }[] =>
  (values('Event') as string[]).map((text) => JSON.parse(text) as { type: string; data?: Record<string, unknown> })

describe.skipIf(!hasMosquitto || !hasPythonProtobuf)(
  'A gateway as an edge node (needs mosquitto and python3-protobuf)',
  () => {
    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'telemetryx-edge-node-'))
      broker = await Mosquitto.start({ persistence: false })
      host = await Host.open(broker.url)
      slave = await RawModbusSlave.start()
      slave.words[10] = 7
      gateway = await startTestGateway(folder, yaml(slave.port))
      await wait(() => expect(count('DDATA')).toBeGreaterThan(0))
    })
    afterEach(async () => {
      await gateway?.stop({ deadlineMs: 10_000 })
      await host.close()
      await slave.stop()
      await broker.close()
      rmSync(folder, { recursive: true, force: true })
    })

    it(
      'is born with units and without what it does not send, and lets a device die and come back',
      { timeout: 60_000 },
      async () => {
        const birth = host.of('DBIRTH').at(-1)!
        expect(birth.metrics.map(({ name }) => name)).toEqual(['pressure', 'set-point'])
        const { keys, values: properties } = birth.metrics[0]!.properties!
        expect(Object.fromEntries(keys.map((key, index) => [key, properties[index]!.value.value]))).toMatchObject({
          engUnit: 'bar',
          documentation: 'Oil pressure',
          machine: 'press-1',
          readOnly: true,
        })
        const births = count('DBIRTH')
        const { port } = slave
        await slave.stop()
        await wait(() => expect(count('DDEATH')).toBe(1))
        slave = await RawModbusSlave.start(port)
        slave.words[10] = 9
        await wait(() => expect(count('DBIRTH')).toBe(births + 1))
        await wait(() => expect(values('pressure').at(-1)).toBe(9))
        expect(checkAsHost(host.messages).violations).toEqual([])
      },
    )

    it(
      'carries out a write of the host in time, and tells who asked; not one that is old or not writable',
      { timeout: 60_000 },
      async () => {
        await host.write('press-1', [{ name: 'set-point', datatype: 10, value: { case: 'doubleValue', value: 42 } }])
        await wait(() => expect(slave.words[11]).toBe(42))
        await wait(() => expect(values('set-point').at(-1)).toBe(42))
        await host.write(
          'press-1',
          [{ name: 'set-point', value: { case: 'doubleValue', value: 1 } }],
          Date.now() - 3_600_000,
        )
        await host.write('press-1', [{ name: 'pressure', value: { case: 'doubleValue', value: 1 } }])
        const commands = () =>
          events().flatMap(({ type, data }) =>
            type === 'uplink-command' ? [[data!['by'], data!['ok'], data!['code']]] : [],
          )
        await wait(() => expect(commands()).toHaveLength(3))
        expect(commands()).toEqual([
          ['uplink scada', true, undefined],
          ['uplink scada', false, 'EXPIRED'],
          ['uplink scada', false, 'NOT_WRITABLE'],
        ])
        expect(slave.words[11]).toBe(42)
      },
    )

    it('counts its sessions on over a restart, and sends what it kept as history', { timeout: 120_000 }, async () => {
      await host.goOffline()
      await wait(() => expect(count('NDEATH')).toBe(1))
      slave.words[10] = 8
      await wait(() => expect(slave.requests.length).toBeGreaterThan(0))
      await gateway!.stop({ deadlineMs: 10_000 })
      const before = host.of('NBIRTH').at(-1)!.metrics[0]!.value.value as bigint
      gateway = await startTestGateway(folder, yaml(slave.port))
      await host.goOnline()
      await wait(() => expect(count('NBIRTH')).toBeGreaterThan(1))
      await wait(() => expect(values('pressure').at(-1)).toBe(8))
      const { violations, records } = checkAsHost(host.messages)
      expect(violations).toEqual([])
      const after = host.of('NBIRTH').at(-1)!.metrics[0]!.value.value as bigint
      expect((after - before + 256n) % 256n).toBeGreaterThan(0n)
      const stopped = records.find(([, metric, value]) => metric === 'Event' && /gateway-started/.test(String(value)))
      expect(stopped).toBeDefined()
      expect(records.some(([, , , , isHistorical]) => isHistorical)).toBe(true)
    })
  },
)
