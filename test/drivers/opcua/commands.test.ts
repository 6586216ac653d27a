// `telemetryx trust opcua` and `telemetryx scan opcua` as a person at a terminal sees them, against a real server.

import { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { main } from '#cli/main.ts'
import { parseGatewayConfig } from '#config/load.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { systemClock } from '#kit/clock.ts'
import { Folder, startServer, type OpcuaServer } from './bench.ts'

const folder = new Folder()
let server: OpcuaServer

beforeAll(async () => {
  server = await startServer({ pki: folder.at('server') })
})
afterAll(async () => {
  await server.kill()
  folder.remove()
})

/** The command line within this process: what would be printed, and the exit code. */
async function telemetryx(argv: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const printed = { stdout: '', stderr: '' }
  const listeners = process.stdout.listeners('error')
  const log = vi.spyOn(console, 'log').mockImplementation((text: string) => void (printed.stdout += `${text}\n`))
  const error = vi.spyOn(console, 'error').mockImplementation((text: string) => void (printed.stderr += `${text}\n`))
  try {
    const code = await main(argv)
    return { code, ...printed }
  } finally {
    for (const listener of process.stdout.listeners('error')) {
      if (!listeners.includes(listener)) process.stdout.removeListener('error', listener as () => void)
    }
    log.mockRestore()
    error.mockRestore()
  }
}

describe('telemetryx trust opcua', () => {
  it('shows the fingerprint and trusts the server when it is told to, for the connections that follow', async () => {
    const fingerprint = new X509Certificate(readFileSync(folder.at('server/own/certs/certificate.pem'))).fingerprint256
    const trust = ['trust', 'opcua', server.endpoint, '--data', folder.at('.')]
    const scan = [
      'scan',
      'opcua',
      server.endpoint,
      '--data',
      folder.at('.'),
      '--policy',
      'Basic256Sha256',
      '--limit',
      '1',
    ]

    const asked = await telemetryx(trust)
    expect([asked.code, asked.stdout]).toEqual([64, expect.stringContaining(fingerprint)])
    expect(asked.stderr).toContain('add --yes')
    const refused = await telemetryx(scan)
    expect([refused.code, refused.stdout]).toEqual([77, ''])
    expect(refused.stderr).toContain(`telemetryx trust opcua ${server.endpoint} --data ${folder.path}`)

    const trusted = await telemetryx([...trust, '--yes'])
    expect([trusted.code, trusted.stdout]).toEqual([0, expect.stringContaining('Trusted: ')])
    expect(readdirSync(folder.at('opcua/trusted'))).toHaveLength(1)
    const { code, stdout } = await telemetryx([...trust, '--json'])
    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      { certificates: [{ fingerprint, isTrusted: true, file: null }] },
    ])
    expect((await telemetryx(scan)).code).toBe(0)
  })

  it('refuses what is no endpoint, and says when nobody is there', async () => {
    expect((await telemetryx(['trust', 'opcua', 'http://127.0.0.1', '--data', folder.at('.')])).code).toBe(64)
    const gone = await telemetryx(['trust', 'opcua', 'opc.tcp://127.0.0.1:9', '--data', folder.at('.')])
    expect([gone.code, gone.stderr]).toEqual([69, expect.stringContaining('CONNECTION_FAILED')])
  })
})

describe('telemetryx scan opcua', () => {
  it('prints a device that can be pasted as it is', async () => {
    const { code, stdout, stderr } = await telemetryx(['scan', 'opcua', server.endpoint])
    expect(code).toBe(0)
    expect(stderr).toContain('2 variables left out')
    const yaml = `version: 1\ngateway: { id: edge-01, factory: Plant A }\ndevices:\n${stdout}`
    const catalogue = createCatalogue({ clock: systemClock })
    const parsed = parseGatewayConfig(yaml, { file: 'gateway.yaml', catalogue, env: {} })
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
    const sensors = new Map(parsed.config.devices[0]!.sensors.map((sensor) => [sensor.id, sensor]))
    expect(sensors.size).toBe(16)
    expect(sensors.get('line1-speed')).toMatchObject({
      unit: 'm/min',
      valueType: 'number',
      config: { node: 'nsu=http://example.org/line;s=Line1.Speed' },
    })
    expect(sensors.get('line1-int64')).toMatchObject({ valueType: 'int64', writable: true })
    expect(sensors.get('line1-readonly')).toMatchObject({ writable: false })
    expect(sensors.get('line1-string')).toMatchObject({ valueType: 'string' })
  })

  it('keeps to its limit and its depth, and says that there is more', async () => {
    const limited = await telemetryx(['scan', 'opcua', server.endpoint, '--limit', '3', '--json'])
    expect(JSON.parse(limited.stdout)).toMatchObject({ isCut: true, variables: { length: 3 } })
    const shallow = await telemetryx(['scan', 'opcua', server.endpoint, '--depth', '1'])
    expect(shallow.stdout).toContain('sensors: []')
    expect(shallow.stderr).toContain('there may be more')
    const below = await telemetryx(['scan', 'opcua', server.endpoint, '--start', 'ns=2;s=Line1', '--limit', '1'])
    expect(below.stdout).toContain('id: boolean')
    const nowhere = await telemetryx(['scan', 'opcua', server.endpoint, '--start', 'nonsense'])
    expect([nowhere.code, nowhere.stderr]).toEqual([64, expect.stringContaining('is no node id')])
  })
})
