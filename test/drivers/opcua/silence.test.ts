// A server that stops to answer while its connections stand; what it costs to have no OPC UA device; what is left behind.

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'
import { PACKAGE_ROOT } from '#gateway/version.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { run } from '../../cli/run-command.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { Folder, NEVER, openDevice, startServer, type OpcuaServer } from './bench.ts'

const folder = new Folder()
let server: OpcuaServer

beforeAll(async () => {
  server = await startServer({ pki: folder.at('server') })
})
afterEach(() => server.thaw())
afterAll(async () => {
  await server.kill()
  folder.remove()
})

describe('an OPC UA server that freezes', () => {
  it.each(['subscribe', 'poll'] as const)('is lost within its time limit, mode %s', async (mode) => {
    const clock = new ManualClock()
    const sensors = [{ name: 'Int16' }]
    const connection = { timeout: 1000 }
    const { endpoint } = server
    const test = openDevice({ endpoint, pkiDir: folder.at('client'), clock, sensors, config: { mode }, connection })
    await test.device.connect(NEVER)
    if (mode === 'subscribe') {
      await test.device.subscribe!(test.sink, NEVER)
      await vi.waitFor(() => expect(test.sink.last('Int16')?.status).toBe('Good'), EVENTUALLY)
    }
    server.freeze()
    await clock.advance(10_000) // asks for a sign of life
    expect(test.context.lostCauses).toEqual([])
    await vi.waitFor(async () => {
      await clock.advance(1000)
      expect(test.context.lostCauses).toMatchObject([{ code: 'TIMEOUT' }])
    }, EVENTUALLY)
    await expect(test.device.poll(0, test.sink, NEVER)).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
    await test.device.close()
    expect(clock.pending).toBe(0)
  })

  it('does not lose a device that only has nothing to tell', async () => {
    const clock = new ManualClock()
    const { endpoint } = server
    const test = openDevice({ endpoint, pkiDir: folder.at('client'), clock, sensors: [], config: { mode: 'poll' } })
    await test.device.connect(NEVER)
    for (let turn = 0; turn < 5; turn++) {
      const before = test.device.frames!().length
      await clock.advance(10_000)
      // The question and its answer; the library rounds what it hears to chunks.
      await vi.waitFor(() => expect(test.device.frames!().length).toBeGreaterThan(before + 1), EVENTUALLY)
    }
    expect(test.context.lostCauses).toEqual([])
    await test.device.close()
    expect(clock.pending).toBe(0)
  })
})

describe('a process with an OPC UA device', () => {
  it('ends by itself when the device is closed', async () => {
    const bench = pathToFileURL(join(import.meta.dirname, 'bench.ts')).href
    const script = `const { openDevice, NEVER } = await import(${JSON.stringify(bench)})
      const sensors = [{ name: 'Int16' }]
      const { device, sink } = openDevice({ endpoint: ${JSON.stringify(server.endpoint)}, pkiDir: ${JSON.stringify(folder.at('client'))}, sensors })
      await device.connect(NEVER); await device.subscribe(sink, NEVER); await device.close(); console.log('closed')`
    const { code, stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script])
    expect([code, stdout, stderr]).toEqual([0, 'closed\n', ''])
  })
})

describe('a gateway without an OPC UA device', () => {
  it('never loads the library', async () => {
    const catalogue = pathToFileURL(join(PACKAGE_ROOT, 'src/gateway/gateway.ts')).href
    const script = `import { registerHooks } from 'node:module'
      let modules = 0, opcua = 0
      registerHooks({ load(url, context, next) { modules += 1; if (url.includes('node-opcua')) opcua += 1; return next(url, context) } })
      await import(${JSON.stringify(catalogue)})
      await import(${JSON.stringify(catalogue.replace('gateway.ts', 'catalogue.ts'))})
      console.log(modules > 50, opcua)`
    const { code, stdout } = await run(process.execPath, ['--input-type=module', '-e', script])
    expect([code, stdout]).toEqual([0, 'true 0\n'])
  })
})
