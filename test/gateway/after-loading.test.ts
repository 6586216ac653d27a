// What a start costs the next one, and the memory: code that is not needed is not loaded, code that is needed is compiled once.

import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startGatewayProcess } from '../cli/gateway-process.ts'

const LIST_MODULES = fileURLToPath(new URL('loaded-files.mjs', import.meta.url))
const HEAD = 'gateway: { id: edge-01, factory: Plant }\ndata: ./data\nhttp: { port: 0, auth: none }\n'
const MODBUS = `devices:
  - { id: plc, driver: modbus, connection: { host: 127.0.0.1, port: 9 }, sensors: [{ id: a, register: holding, address: 1 }] }
`
/** Hundreds of files, several megabytes each in memory, and a good part of the time that a start takes. */
const LIBRARIES = [
  'mqtt',
  'aedes',
  '@bufbuild/protobuf',
  '@grpc/grpc-js',
  'node-opcua',
  'serialport',
  '@opentelemetry/sdk-trace',
]

let folder = ''
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'telemetryx-loading-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function start(yaml: string, env: Record<string, string> = {}) {
  const file = join(folder, 'gateway.yaml')
  writeFileSync(file, HEAD + yaml)
  return startGatewayProcess(file, { CACHE_DIRECTORY: join(folder, 'cache'), ...env })
}

async function librariesOf(yaml: string): Promise<string[]> {
  const list = join(folder, 'loaded')
  const gateway = await start(yaml, { LOADED_FILES: list, NODE_OPTIONS: `--import=${LIST_MODULES}` })
  await gateway.end('SIGTERM')
  const loaded = readFileSync(list, 'utf8').split('\n')
  expect(loaded.length).toBeGreaterThan(100)
  return LIBRARIES.filter((name) => loaded.some((url) => url.includes(`/node_modules/${name}/`)))
}

describe('The start of a gateway', () => {
  it('loads the libraries of those protocols that the configuration names', async () => {
    expect(await librariesOf(MODBUS)).toEqual([])
    expect(
      await librariesOf(`${MODBUS}broker: { port: 0, users: [{ name: line, password: p, publish: ["#"] }] }\n`),
    ).toEqual(['aedes'])
  })

  it('keeps compiled code for the next start at once: a power cut leaves no time for it', async () => {
    const gateway = await start(MODBUS)
    await gateway.end('SIGKILL')
    const code = join(folder, 'cache', 'code')
    expect(existsSync(code)).toBe(true)
    expect(readdirSync(code, { recursive: true }).length).toBeGreaterThan(500)
  })
})
