// A server that is killed and comes back, driven by acquisition as in the gateway: values are bad, then good again, also
// when the server now numbers its namespaces differently.

import { afterAll, describe, expect, it, vi } from 'vitest'
import { createAcquisition, type Acquisition } from '#acquisition/acquisition.ts'
import { opcuaDriver } from '#drivers/opcua/driver.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { Folder, KeepingSink, setupOf, startServer, type OpcuaServer, type TestSensor } from './bench.ts'

const folder = new Folder()
const running: { stop(): Promise<void> }[] = []
const NAMES = ['Int32', 'ByIndex', 'Boolean']

afterAll(async () => {
  for (const one of running) await one.stop()
  folder.remove()
})

function acquire(endpoint: string, mode: 'subscribe' | 'poll'): { sink: KeepingSink; acquisition: Acquisition } {
  const sensors: TestSensor[] = [
    { name: 'Int32' },
    { name: 'ByIndex', node: 'ns=2;s=Line1.Int32' },
    { name: 'Boolean', type: 'boolean' },
  ]
  const sink = new KeepingSink(NAMES)
  const made = setupOf({ endpoint, sensors, config: { mode, publishInterval: 50 }, connection: { timeout: 2000 } })
  const groups = made.groups.map((group) => ({ ...group, intervalMs: mode === 'poll' ? 100 : null }))
  const acquisition = createAcquisition({
    clock: systemClock,
    log: silentLogger,
    registry: new Registry(),
    random: () => 0, // reconnects at once
    sink,
    hasRoom: () => true,
    sensorQuality: () => null,
    devices: [
      {
        setup: { ...made, groups },
        driver: opcuaDriver({ clock: systemClock, pkiDir: folder.at('client') }),
        machine: 'line-1',
      },
    ],
  })
  running.push({ stop: () => acquisition.stop(new AbortController().signal) })
  return { sink, acquisition }
}

describe.each(['subscribe', 'poll'] as const)('an OPC UA server that is killed and comes back, mode %s', (mode) => {
  it('is bad, then good again, with its nodes found anew', async () => {
    let server: OpcuaServer = await startServer({ pki: folder.at('server') })
    const { sink, acquisition } = acquire(server.endpoint, mode)
    await acquisition.start(new AbortController().signal)
    const statuses = (): unknown[] => NAMES.map((name) => sink.last(name)?.status)
    await vi.waitFor(() => expect(statuses()).toEqual(['Good', 'Good', 'Good']), EVENTUALLY)

    await server.kill()
    await vi.waitFor(
      () => expect(statuses().every((status) => status?.toString().startsWith('Bad'))).toBe(true),
      EVENTUALLY,
    )
    expect(acquisition.get('line-plc')?.state).not.toBe('up')

    // Two more namespaces before ours: by name it is found, by index another one stands there now.
    server = await startServer({ pki: folder.at('server'), port: server.settings.port, before: 2 })
    await server.set('Int32', 77)
    await vi.waitFor(() => expect(sink.last('Int32')).toMatchObject({ status: 'Good', value: 77 }), EVENTUALLY)
    await vi.waitFor(() => expect(statuses()).toEqual(['Good', 'BadNodeIdUnknown', 'Good']), EVENTUALLY)
    expect(acquisition.get('line-plc')).toMatchObject({ state: 'up', reconnects: 1 })
    await server.set('Int32', 78)
    await vi.waitFor(() => expect(sink.last('Int32')).toMatchObject({ status: 'Good', value: 78 }), EVENTUALLY)
    await server.kill()
  })
})
