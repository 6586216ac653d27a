// The scans of the API on a whole gateway: real slaves, servers and ports, asked as a browser asks.

import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { parseGatewayConfig } from '#config/load.ts'
import type { FoundSerialPort, ScanEnd, SuggestedDevice } from '#domain/scan.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import type { Gateway } from '#gateway/gateway.ts'
import { GatewayScans } from '#gateway/scans.ts'
import { systemClock } from '#kit/clock.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { Folder, startServer, type OpcuaServer } from '#test/drivers/opcua/bench.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { RawModbusSlave } from '#test/sim/raw-modbus-slave.ts'
import { hasSocat, SerialPty } from '#test/sim/serial-pty.ts'
import { getJson, startTestGateway } from './start-gateway.ts'

interface Line {
  readonly type: string
  readonly text?: string
  readonly device?: SuggestedDevice
  readonly port?: FoundSerialPort
  readonly heard?: { readonly baudRate: number }
  readonly code?: string
}

const folder = new Folder()
let slave: RawModbusSlave
let taken: SerialPty | null = null
let gateway: Gateway

beforeAll(async () => {
  slave = await RawModbusSlave.start()
  taken = hasSocat ? await SerialPty.start() : null
  const serial =
    taken === null
      ? ''
      : `  - { id: scale, driver: serial, connection: { path: ${taken.path} }, framing: { delimiter: "\\n" }, parse: { pattern: "^(?<line>.*)$" }, sensors: [ { id: line, field: line, type: string } ] }\n`
  const devices = `  - { id: meter, driver: modbus, connection: { host: 127.0.0.1, port: ${slave.port} }, poll: 100ms, sensors: [ { id: volts, register: holding, address: 7 } ] }\n`
  gateway = await startTestGateway(folder.path, `devices:\n${devices}${serial}`)
})
afterEach(() => {
  slave.behaviour = slave.answer
})
afterAll(async () => {
  await gateway.stop({ deadlineMs: 5000 })
  await slave.stop()
  await taken?.stop()
  folder.remove()
})

const post = (kind: string, body: unknown, signal: AbortSignal | null = null): Promise<Response> =>
  fetch(`${gateway.url}/api/v1/scan/${kind}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  })

async function scan(kind: string, body: unknown): Promise<readonly Line[]> {
  const response = await post(kind, body)
  const text = await response.text()
  if (response.status !== 200) throw new Error(text)
  expect(response.headers.get('content-type')).toBe('application/x-ndjson')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}

/** What is suggested, as the gateway would read it. */
function parsed({ config, sensors }: SuggestedDevice) {
  const device = { ...config, sensors: sensors.map((sensor) => sensor.config) }
  const text = JSON.stringify({ version: 1, gateway: { id: 'edge-01', factory: 'Plant A' }, devices: [device] })
  const result = parseGatewayConfig(text, {
    file: 'gateway.yaml',
    catalogue: createCatalogue({ clock: systemClock }),
    env: { OPCUA_PASSWORD: 'secret' },
  })
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  return result.config.devices[0]!
}

const modbus = (over: object = {}) => ({
  connection: { host: '127.0.0.1', port: slave.port },
  units: [3, 9],
  tables: ['holding', 'coil'],
  from: 0,
  to: 49,
  ...over,
})

describe('POST /scan/modbus', () => {
  it('tells units as devices that can be written as they are, beside a running device, and only reads', async () => {
    slave.words.set([602, 0x4248, 0], 20)
    // Nobody has unit 9.
    slave.behaviour = (request) => (request.unit === 9 ? undefined : slave.answer(request))
    const begun = slave.requests.length
    const lines = await scan('modbus', modbus())
    expect(lines[0]).toMatchObject({ type: 'progress', text: expect.stringContaining('unit 3') })
    expect(lines.at(-1)).toEqual({ type: 'end', isCut: false, notes: [expect.stringContaining('1 of 2 units answer')] })
    const found = lines.filter(({ type }) => type === 'device').map(({ device }) => device!)
    expect(found).toHaveLength(1)
    expect(found[0]!.sensors).toContainEqual({
      config: { id: 'holding-21', register: 'holding', address: 21 },
      value: 0x4248,
      alternatives: [{ config: { type: 'float32', order: 'ABCD' }, value: 50 }],
    })
    expect(parsed(found[0]!)).toMatchObject({ driver: 'modbus', config: { connection: { unit: 3, port: slave.port } } })
    const codes = new Set(slave.requests.slice(begun).map(({ functionCode }) => functionCode))
    expect([...codes].toSorted((a, b) => a - b)).toEqual([1, 3, 43]) // reads, and what identifies
    expect(await getJson(gateway, '/api/v1/devices/meter')).toMatchObject({ state: 'up', errors: {} })
  })

  it('stops asking as soon as its client is gone, and lets the next one scan', async () => {
    slave.behaviour = (request) => (request.unit === 1 ? slave.answer(request) : undefined)
    const client = new AbortController()
    const response = await post(
      'modbus',
      modbus({ units: [1, 2, 3, 4, 5, 6, 7, 8], connection: { ...modbus().connection, timeout: '10s' } }),
      client.signal,
    )
    const reader = response.body!.getReader()
    expect(new TextDecoder().decode((await reader.read()).value)).toContain('"progress"')
    const second = await post('modbus', modbus())
    expect([second.status, await second.json()]).toMatchObject([
      409,
      { code: 'CONFLICT', detail: 'Another scan runs; wait until it is done' },
    ])
    client.abort()
    slave.behaviour = slave.answer
    const again = async (): Promise<number> => {
      const { status, body } = await post('modbus', modbus({ units: [1] }))
      await new Response(body).text()
      return status
    }
    await expect.poll(again, EVENTUALLY).toBe(200)
    expect(slave.requests.some(({ unit }) => unit === 8)).toBe(false)
  })

  it('answers with a problem when nobody is there, and for what makes no sense', async () => {
    const gone = await RawModbusSlave.start()
    await gone.stop()
    const refused = await post('modbus', { connection: { host: '127.0.0.1', port: 9 } })
    expect([refused.status, await refused.json()]).toMatchObject([502, { code: 'CONNECTION_FAILED' }])
    for (const [body, path] of [
      [{ connection: {} }, 'body.connection.host'],
      [{ connection: { transport: 'rtu' } }, 'body.connection.path'],
      [modbus({ from: 9, to: 8 }), 'body.from'],
      [modbus({ to: 20_000 }), 'body.to'],
      [{ connection: { host: 'a', path: '/dev/ttyUSB0' } }, 'body.connection.path'],
      [{ connection: { host: 'a', transport: 'rtu-over-tcp' }, units: [0] }, 'body.units'],
      [{ connection: { host: 'a', timeout: '1h' } }, 'body.connection.timeout'],
    ] as const) {
      const answer = await post('modbus', body)
      expect([answer.status, await answer.json()], path).toMatchObject([400, { errors: [{ path }] }])
    }
  })

  it('is in the audit log with its target, done and failed', async () => {
    await scan('modbus', modbus({ units: [3] }))
    const { items } = await getJson<{ items: { action: string; target: string; outcome: string }[] }>(
      gateway,
      '/api/v1/audit?action=scan.modbus',
    )
    expect(items[0]).toMatchObject({ action: 'scan.modbus', target: `127.0.0.1:${slave.port}`, outcome: 'done' })
    expect(items).toContainEqual(expect.objectContaining({ target: '127.0.0.1:9', outcome: 'failed' }))
  })

  it('refuses to mix its frames with those of a device behind the same serial device server', async () => {
    const answer = await post('modbus', modbus({ connection: { ...modbus().connection, transport: 'rtu-over-tcp' } }))
    expect([answer.status, await answer.json()]).toMatchObject([
      409,
      { detail: expect.stringContaining('The device meter uses') },
    ])
  })

  it('ends after its time with what was found until then', async () => {
    const clock = new ManualClock()
    const scans = new GatewayScans({ clock, dataDir: folder.path, devices: () => [], maxMs: 1000 })
    slave.behaviour = (request) => {
      if (request.unit === 1) slave.answer(request)
      else if (request.unit === 2) void clock.advance(1000)
    }
    const end: ScanEnd = await scans.modbus(
      {
        connection: { transport: 'tcp', host: '127.0.0.1', port: slave.port },
        timeoutMs: 10_000,
        units: [1, 2],
        tables: ['holding'],
        addresses: { from: 0, to: 9 },
        limit: 10,
      },
      () => {},
      new AbortController().signal,
    )
    expect(end.isCut).toBe(true)
  })
})

describe('POST /scan/serial', () => {
  it.skipIf(!hasSocat)('refuses a port that a running device has, by whichever name (needs socat)', async () => {
    const other = mkdtempSync(join(tmpdir(), 'telemetryx-scan-'))
    symlinkSync(taken!.path, join(other, 'by-id'))
    for (const path of [taken!.path, join(other, 'by-id')]) {
      const answer = await post('serial', { listen: path })
      expect([answer.status, await answer.json()]).toMatchObject([
        409,
        { code: 'CONFLICT', detail: expect.stringContaining('The device scale uses') },
      ])
      const rtu = await post('modbus', { connection: { transport: 'rtu', path } })
      expect(rtu.status).toBe(409)
    }
    rmSync(other, { recursive: true })
  })

  it.skipIf(!hasSocat)(
    'listens to a free one and tells the rate at which the bytes are text (needs socat)',
    async () => {
      const port = await SerialPty.start()
      const sending = setInterval(() => port.send('S  12.5 kg\r\n'), 20)
      try {
        const lines = await scan('serial', { listen: port.path, seconds: 0.5, baudRates: [9600] })
        expect(lines.map(({ type }) => type)).toEqual(['progress', 'heard', 'device', 'end'])
        expect(lines[2]!.device!.sensors[0]).toMatchObject({ value: 'S  12.5 kg' })
        expect(parsed(lines[2]!.device!)).toMatchObject({
          driver: 'serial',
          config: { connection: { path: port.path } },
        })
      } finally {
        clearInterval(sending)
        await port.stop()
      }
    },
  )

  it('tells the ports of the machine without a body', async () => {
    const lines = await scan('serial', {})
    expect(lines.at(-1)).toMatchObject({ type: 'end' })
    for (const line of lines.slice(0, -1)) expect(line.port).toMatchObject({ path: expect.stringMatching(/^\/dev\//) })
  })
})

describe('POST /scan/opcua', () => {
  let server: OpcuaServer
  beforeAll(async () => {
    server = await startServer({ pki: folder.at('server') })
  })
  afterAll(() => server.kill())

  it('tells the variables of a server as one device', async () => {
    const lines = await scan('opcua', { endpoint: server.endpoint })
    expect(lines.at(-1)).toMatchObject({
      type: 'end',
      isCut: false,
      notes: ['2 variables left out: arrays, structures, or not readable'],
    })
    const { device } = lines.find(({ type }) => type === 'device')!
    expect(parsed(device!)).toMatchObject({ driver: 'opcua', config: { connection: { endpoint: server.endpoint } } })
    expect(parsed(device!).sensors.length).toBeGreaterThan(3)
  })

  it('says what goes wrong: nobody there, a server that is not trusted, a start that is no node', async () => {
    const failed = async (body: object): Promise<string | undefined> => (await scan('opcua', body)).at(-1)!.code
    expect(await failed({ endpoint: 'opc.tcp://127.0.0.1:9' })).toBe('CONNECTION_FAILED')
    expect(await failed({ endpoint: server.endpoint, security: { policy: 'Basic256Sha256' } })).toBe('UNAUTHENTICATED')
    expect(await failed({ endpoint: server.endpoint, start: 'no node' })).toBe('USAGE')
  })
})
