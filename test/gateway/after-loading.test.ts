// What a start costs in time and memory: libraries that are not needed are not loaded, code that is needed is compiled once.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startGatewayProcess } from '../cli/gateway-process.ts'
import { loadedPackages } from './loaded-packages.ts'

const MODBUS = `devices:
  - { id: plc, driver: modbus, connection: { host: 127.0.0.1, port: 9 }, sensors: [{ id: a, register: holding, address: 1 }] }
`
/** Hundreds of files, several megabytes in memory, a good part of the time that a start takes. */
const LIBRARIES = ['mqtt', 'aedes', '@bufbuild/protobuf', '@grpc/grpc-js', 'node-opcua', 'serialport']

describe('The start of a gateway', { timeout: 240_000 }, () => {
  it('loads the libraries of those protocols that the configuration names', async () => {
    const librariesOf = async (yaml: string): Promise<string[]> => {
      const loaded = await loadedPackages(yaml)
      expect(loaded).toContain('fastify')
      return LIBRARIES.filter((name) => loaded.includes(name))
    }
    expect(await librariesOf(MODBUS)).toEqual([])
    const broker = 'broker: { port: 0, users: [{ name: line, password: p, publish: ["#"] }] }\n'
    expect(await librariesOf(MODBUS + broker)).toEqual(['aedes'])
  })

  it('keeps compiled code for the next start at once: a power cut leaves no time for it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'telemetryx-loading-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'gateway.yaml')
    writeFileSync(
      file,
      `gateway: { id: edge-01, factory: Plant }\ndata: ./data\nhttp: { port: 0, auth: none }\n${MODBUS}`,
    )
    const gateway = await startGatewayProcess(file, { CACHE_DIRECTORY: join(folder, 'cache') })
    await gateway.end('SIGKILL')
    expect(readdirSync(join(folder, 'cache', 'code'), { recursive: true }).length).toBeGreaterThan(500)
  })
})
