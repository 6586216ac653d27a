// `telemetryx probe` against real devices: what it prints, what it sends, and what it leaves alone.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { Aedes } from 'aedes'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { lockFolder } from '#store/lock.ts'
import { RawModbusSlave } from '#test/sim/raw-modbus-slave.ts'
import { hasSocat, SerialPty } from '#test/sim/serial-pty.ts'
import { telemetryx } from './run-command.ts'

vi.setConfig({ testTimeout: 120_000 }) // many processes are started

let folder: string
let slave: RawModbusSlave
const closers: (() => Promise<void> | void)[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-probe-'))
  slave = await RawModbusSlave.start()
})
afterEach(async () => {
  slave.behaviour = slave.answer
  slave.requests.length = 0
  for (const close of closers.splice(0)) await close()
})
afterAll(async () => {
  await slave.stop()
  rmSync(folder, { recursive: true })
})

interface Sensor {
  sensor: string
  value: unknown
  quality: string
  status: string
  reason: string | null
  advice: string | null
  latencyMs: number | null
}
interface Findings {
  ok: boolean
  runningGateway: { pid: number } | null
  devices: { id: string; skipped: string | null; sensors: Sensor[] }[]
}

async function probe(devices: string, ...more: string[]): Promise<{ code: number | null; found: Findings }> {
  const file = join(folder, 'gateway.yaml')
  writeFileSync(file, `gateway: { id: edge-01, factory: Plant A }\ndata: ./data\ndevices:\n${devices}`)
  const { code, stdout, stderr } = await telemetryx(['probe', '-c', file, '--json', ...more])
  if (!stdout.startsWith('{')) throw new Error(`${code} ${stdout} ${stderr}`)
  return { code, found: JSON.parse(stdout) as Findings }
}

const sensorsOf = ({ devices }: Findings): Record<string, Sensor> =>
  Object.fromEntries(devices.flatMap(({ sensors }) => sensors).map((sensor) => [sensor.sensor, sensor]))

const modbus = (id: string, sensors: string, connection = ''): string =>
  `  - { id: ${id}, driver: modbus, connection: { host: 127.0.0.1, port: ${slave.port}, timeout: 2s ${connection} }, sensors: [ ${sensors} ] }\n`

describe('telemetryx probe', () => {
  it('reads every sensor once in engineering units, asks for nothing but reads, and exits with 0', async () => {
    slave.words[10] = 602
    const { code, found } = await probe(
      modbus(
        'press',
        '{ id: t, register: holding, address: 10, scale: { factor: 0.1, offset: -40 } }, { id: on, register: coil, address: 3, writable: true }',
      ),
    )
    expect(code).toBe(0)
    expect(sensorsOf(found)).toMatchObject({
      'press.t': { value: 20.2, quality: 'good', status: 'Good', reason: null, advice: null },
      'press.on': { value: false, quality: 'good' },
    })
    expect(found.ok).toBe(true)
    expect(slave.requests.map(({ functionCode }) => functionCode).toSorted((a, b) => a - b)).toEqual([1, 3])
  })

  it('tells refused addresses from those beside them, however many they are, and says what to do', async () => {
    slave.behaviour = (request) => {
      const end = request.address + request.quantity
      if (end > 100 && request.address < 200) request.reply(Buffer.from([request.functionCode | 0x80, 2]))
      else slave.answer(request)
    }
    const ids = Array.from({ length: 60 }, (_, index) => index * 5)
    const { code, found } = await probe(
      modbus('plc', ids.map((address) => `{ id: r${address}, register: holding, address: ${address} }`).join(', ')),
    )
    expect(code).toBe(1)
    const sensors = sensorsOf(found)
    for (const address of ids) {
      const refused = address >= 100 && address < 200
      expect([address, sensors[`plc.r${address}`]!.status]).toEqual([address, refused ? 'BadNodeIdUnknown' : 'Good'])
    }
    expect(sensors['plc.r100']!.advice).toContain('addresses count from 0')
  })

  it('reads the living devices of a bus beside a silent one, and names the reasons in a table', async () => {
    slave.behaviour = (request) => (request.unit === 1 ? slave.answer(request) : undefined)
    writeFileSync(
      join(folder, 'table.yaml'),
      `gateway: { id: edge-01, factory: Plant A }\ndevices:\n` +
        modbus(
          'dead',
          '{ id: a, register: holding, address: 1 }, { id: b, register: input, address: 1 }',
          ', unit: 9',
        ) +
        modbus('alive', '{ id: a, register: holding, address: 1, unit: bar }'),
    )
    const { code, stdout, stderr } = await telemetryx(['probe', '-c', join(folder, 'table.yaml')])
    expect(code).toBe(1)
    expect(stdout).toMatch(/^SENSOR +VALUE +UNIT +QUALITY +STATUS +LATENCY$/m)
    expect(stdout).toMatch(/^alive\.a +0 +bar +good +Good +\d.* ms$/m)
    expect(stdout).toMatch(/^dead\.a +– +bad +BadTimeout$/m)
    expect(stdout).toMatch(/^dead, all 2 sensors: .*\n {2}→ check connection\.unit/m)
    expect(stderr).toContain('3 sensors read, 2 bad')
  })

  it('ends at its deadline, says so, and knows its devices', async () => {
    slave.behaviour = () => undefined
    const yaml = Array.from({ length: 8 }, (_, unit) =>
      modbus(`u${unit}`, '{ id: a, register: holding, address: 1 }', `, unit: ${unit + 1}`),
    ).join('')
    const { code, found } = await probe(yaml, '--timeout', '1s')
    expect(code).toBe(1)
    expect(sensorsOf(found)['u7.a']!.reason).toContain('Not read within 1000 ms')
    const unknown = await telemetryx(['probe', '-c', join(folder, 'gateway.yaml'), 'u99'])
    expect([unknown.code, unknown.stderr]).toEqual([64, expect.stringContaining('There is no device u99')])
  })

  it('hears an MQTT device without taking the session of the running gateway, and says what did not come', async () => {
    const broker = await startBroker()
    const url = `mqtt://127.0.0.1:${broker.port}`
    broker.aedes.on('subscribe', () =>
      broker.aedes.publish(
        { cmd: 'publish', topic: 'a/b', payload: '{"v":7}', qos: 0, retain: false, dup: false },
        () => {},
      ),
    )
    const { code, found } = await probe(
      `  - { id: vib, driver: mqtt, connection: { url: "${url}" }, sensors: [ { id: v, topic: a/b, value: $.v }, { id: w, topic: a/c, value: $.v } ] }\n` +
        `  - { id: apps, driver: http, sensors: [ { id: jobs } ] }\n`,
      '--wait',
      '500ms',
    )
    expect(code).toBe(1)
    expect(sensorsOf(found)).toMatchObject({
      'vib.v': { value: 7, quality: 'good' },
      'vib.w': {
        quality: 'bad',
        reason: 'no value came within 500 ms',
        advice: expect.stringContaining('check the topic'),
      },
    })
    expect(found.devices[1]!.skipped).toContain('nobody to ask')
    expect(broker.clients).toEqual([[expect.stringMatching(/^telemetryx-look-/), true]])
  })

  it('says that a gateway runs on the data folder', async () => {
    const yaml = modbus('press', '{ id: t, register: holding, address: 10 }')
    await probe(yaml)
    const data = mkdtempSync(join(folder, 'data-'))
    const lock = lockFolder(data)
    closers.push(() => lock.release())
    expect((await probe(yaml, '--data', data)).found.runningGateway).toEqual({ pid: process.pid })
    const { stderr } = await telemetryx(['probe', '-c', join(folder, 'gateway.yaml'), '--data', data])
    expect(stderr).toContain(`A gateway (process ${process.pid}) runs on this data folder`)
  })

  it.skipIf(!hasSocat)('asks and hears serial devices, and says which port is not there (needs socat)', async () => {
    const [asked, heard, silent] = [await SerialPty.start(), await SerialPty.start(), await SerialPty.start()]
    closers.push(() => Promise.all([asked.stop(), heard.stop(), silent.stop()]).then(() => {}))
    asked.onData = () => asked.send('12.5 kg\r\n')
    const timer = setInterval(() => heard.send('9.5 kg\r\n'), 50)
    closers.push(() => clearInterval(timer))
    const device = (id: string, path: string, request: string): string =>
      `  - { id: ${id}, driver: serial, connection: { path: "${path}" }, framing: { delimiter: "\\r\\n" }, ${request} parse: { pattern: "^(?<w>[0-9.]+) kg$" }, sensors: [ { id: w, field: w } ] }\n`
    const { code, found } = await probe(
      device('asked', asked.path, 'request: { send: "P\\r\\n", timeout: 2s },') +
        device('heard', heard.path, '') +
        device('silent', silent.path, '') +
        device('gone', join(folder, 'nowhere'), ''),
      '--wait',
      '2s',
    )
    expect(code).toBe(1)
    expect(sensorsOf(found)).toMatchObject({
      'asked.w': { value: 12.5, quality: 'good' },
      'heard.w': { value: 9.5, quality: 'good' },
      'silent.w': { reason: 'no value came within 2000 ms', advice: expect.stringContaining('baudRate') },
      'gone.w': { status: 'BadNotConnected', advice: expect.stringContaining('telemetryx scan serial') },
    })
  })
})

async function startBroker(): Promise<{ port: number; aedes: Aedes; clients: [string, boolean][] }> {
  const aedes = await Aedes.createBroker()
  const clients: [string, boolean][] = []
  aedes.on('client', (client) => clients.push([client.id, client.clean]))
  const server: Server = createServer((socket) => void aedes.handle(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(async () => {
    await new Promise<void>((resolve) => aedes.close(() => resolve()))
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, aedes, clients }
}
