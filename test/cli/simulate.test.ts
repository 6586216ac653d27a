// `telemetryx simulate` in a process of its own, read by `telemetryx probe` in another: every protocol from end to end.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import Schema from 'typebox/schema'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { parse } from 'yaml'
import { PACKAGE_ROOT } from '#gateway/version.ts'
import { DemoBroker } from '#simulate/broker.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { hasSocat } from '#test/sim/serial-pty.ts'
import { LAUNCHER, telemetryx } from './run-command.ts'

vi.setConfig({ testTimeout: 120_000 }) // many processes are started

let folder: string
const closers: (() => Promise<void> | void)[] = []
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-simulate-'))
})
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})
afterAll(() => rmSync(folder, { recursive: true }))

interface Running {
  /** By device. */
  readonly where: Record<string, string>
  readonly events: { device: string; event: string }[]
  end(signal: NodeJS.Signals): Promise<number | null>
}

async function simulate(yaml: string): Promise<Running> {
  const file = join(folder, 'simulation.yaml')
  writeFileSync(file, yaml)
  const child = spawn(process.execPath, [LAUNCHER, 'simulate', file, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const exited = once(child, 'exit') as Promise<[number | null]>
  closers.push(() => {
    if (child.exitCode === null) child.kill('SIGKILL')
  })
  const events: Running['events'] = []
  const where = await new Promise<Record<string, string>>((resolve, reject) => {
    void exited.then(([code]) => reject(new Error(`It ended with ${code}: ${errors}`)))
    createInterface(child.stdout).on('line', (line) => {
      const message = JSON.parse(line) as {
        devices?: { device: string; where: string }[]
        device: string
        event: string
      }
      if (message.devices === undefined) events.push(message)
      else resolve(Object.fromEntries(message.devices.map((device) => [device.device, device.where])))
    })
  })
  return {
    where,
    events,
    end: async (signal) => {
      child.kill(signal)
      return (await exited)[0]
    },
  }
}

async function probe(devices: string): Promise<Record<string, { value: unknown; status: string }>> {
  const file = join(folder, 'gateway.yaml')
  writeFileSync(file, `gateway: { id: edge-01, factory: Plant A }\ndata: ./data\ndevices:\n${devices}`)
  const { stdout, stderr } = await telemetryx(['probe', '-c', file, '--json'])
  if (!stdout.startsWith('{')) throw new Error(stderr)
  const found = JSON.parse(stdout) as { devices: { sensors: { sensor: string; value: unknown; status: string }[] }[] }
  return Object.fromEntries(found.devices.flatMap(({ sensors }) => sensors).map((sensor) => [sensor.sensor, sensor]))
}

describe('telemetryx simulate', () => {
  it('runs an OPC UA server whose values are subscribed to and whose faults are told; SIGTERM ends all of it', async () => {
    const simulation = await simulate(`devices:
  - id: plc
    protocol: opcua
    port: 0
    points:
      - { id: speed, type: float, signal: { type: noise, mean: 12.5, deviation: 0 } }
      - { id: pieces, type: uint32, value: 7 }
      - { id: recipe, type: string, value: A7 }
      - { id: running, type: boolean, value: true }
    faults: [ { type: refuse, at: 0s, for: 500ms } ]`)
    const devices = `  - id: plc
    driver: opcua
    connection: { endpoint: "${simulation.where['plc']!}" }
    sensors:
      - { id: speed, node: "nsu=urn:telemetryx:simulation;s=plc.speed" }
      - { id: pieces, node: "nsu=urn:telemetryx:simulation;s=plc.pieces" }
      - { id: recipe, node: "nsu=urn:telemetryx:simulation;s=plc.recipe", type: string }
      - { id: running, node: "nsu=urn:telemetryx:simulation;s=plc.running", type: boolean }
      - { id: nowhere, node: "nsu=urn:telemetryx:simulation;s=plc.nowhere" }`
    await vi.waitFor(
      () => expect(simulation.events.map(({ event }) => event)).toEqual(['refuse begins', 'refuse ends']),
      EVENTUALLY,
    )
    const found = await vi.waitFor(async () => {
      const now = await probe(devices)
      expect(now['plc.speed']!.status).toBe('Good') // it takes a moment to listen again
      return now
    }, EVENTUALLY)
    expect(found).toMatchObject({
      'plc.speed': { value: 12.5 },
      'plc.pieces': { value: 7 },
      'plc.recipe': { value: 'A7' },
      'plc.running': { value: true },
      'plc.nowhere': { status: 'BadNodeIdUnknown', value: null },
    })
    expect(await simulation.end('SIGTERM')).toBe(0)
  })

  it('publishes to a broker and posts to a gateway', async () => {
    const broker = new DemoBroker()
    const url = `mqtt://127.0.0.1:${await broker.listen(0)}`
    closers.push(() => broker.close())
    const posts: unknown[] = []
    const gateway = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        posts.push([request.headers.authorization, JSON.parse(body)])
        response.writeHead(202).end('{}')
      })
    })
    await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve))
    closers.push(() => void gateway.close())
    const simulation = await simulate(`devices:
  - { id: vib, protocol: mqtt, url: "${url}", every: 50ms, points: [ { id: rms, topic: a/rms, payload: '{"v":{value},"ts":{time}}', value: 1.8 } ] }
  - id: apps
    protocol: http
    url: http://127.0.0.1:${(gateway.address() as AddressInfo).port}/api/v1/ingest/apps
    token: secret
    every: 50ms
    points: [ { id: jobs, value: 3 } ]`)
    const found = await probe(
      `  - { id: vib, driver: mqtt, connection: { url: "${url}" }, sensors: [ { id: rms, topic: a/rms, value: $.v, time: $.ts } ] }\n`,
    )
    expect(found).toMatchObject({ 'vib.rms': { value: 1.8, status: 'Good' } })
    await vi.waitFor(
      () => expect(posts[0]).toMatchObject(['Bearer secret', { readings: [{ sensor: 'jobs', value: 3 }] }]),
      EVENTUALLY,
    )
    expect(await simulation.end('SIGINT')).toBe(0)
  })

  it.skipIf(!hasSocat)('answers and speaks on serial lines, and leaves no port behind (needs socat)', async () => {
    const [asked, heard, rtu] = ['asked', 'heard', 'rtu'].map((name) => join(folder, name)) as [string, string, string]
    const simulation = await simulate(`devices:
  - { id: asked, protocol: serial, path: "${asked}", request: "P\\r\\n", answer: "{stable:S:U} {weight:8.2} kg\\r\\n", points: [ { id: weight, value: 12.345 }, { id: stable, value: true } ] }
  - { id: heard, protocol: serial, path: "${heard}", every: 50ms, answer: "{w},{t:5.1}\\r\\n", points: [ { id: w, value: 3 }, { id: t, value: 21 } ] }
  - { id: rtu, protocol: modbus-rtu, path: "${rtu}", unit: 4, points: [ { id: a, register: input, address: 9, value: 77 } ] }`)
    const found =
      await probe(`  - { id: asked, driver: serial, connection: { path: "${asked}" }, framing: { delimiter: "\\r\\n" }, request: { send: "P\\r\\n", timeout: 2s }, parse: { pattern: "^(?<s>[SU]) +(?<w>[0-9.]+) kg$" }, sensors: [ { id: w, field: w }, { id: s, field: s, type: string } ] }
  - { id: heard, driver: serial, connection: { path: "${heard}" }, framing: { delimiter: "\\r\\n" }, parse: { type: csv }, sensors: [ { id: t, field: 2 } ] }
  - { id: rtu, driver: modbus, connection: { transport: rtu, path: "${rtu}", unit: 4 }, sensors: [ { id: a, register: input, address: 9 } ] }\n`)
    expect(found).toMatchObject({
      'asked.w': { value: 12.35 },
      'asked.s': { value: 'S' },
      'heard.t': { value: 21 },
      'rtu.a': { value: 77 },
    })
    expect(await simulation.end('SIGTERM')).toBe(0)
    expect(readdirSync(folder).filter((name) => ['asked', 'heard', 'rtu'].includes(name))).toEqual([])
  })

  it('tells every mistake with its place, and exits with 78', async () => {
    writeFileSync(
      join(folder, 'bad.yaml'),
      `devices:
  - id: a
    protocol: modbus-tcp
    points:
      - { id: p, register: coil, address: 0, type: int16 }
      - { id: p, register: input, address: 70000, signal: { type: sinus } }
    faults:
      - { type: spike, point: q, by: 4, every: 5s }
  - { id: a, protocol: serial, path: /tmp/x, answer: "{w}", points: [ { id: v, signal: { type: replay, file: no.csv, column: v } } ], faults: [ { type: wrong-unit } ] }
`,
    )
    const first = await telemetryx(['simulate', 'bad.yaml', '--check'], { cwd: folder })
    expect(first.code).toBe(78)
    expect(first.stdout).toMatch(/^bad\.yaml:6:44: devices\[0\]\.points\[1\]\.address: /m)
    expect(first.stdout).toMatch(/^bad\.yaml:6:67: devices\[0\]\.points\[1\]\.signal\.type: .*sine/m)
    const text = readFileSync(join(folder, 'bad.yaml'), 'utf8').replace('70000', '7').replace('sinus', 'sine')
    writeFileSync(join(folder, 'bad.yaml'), text)
    const { stdout } = await telemetryx(['simulate', 'bad.yaml'], { cwd: folder })
    expect(stdout.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^bad\.yaml:5:52: .*type: a coil holds one bit: bool$/),
      expect.stringMatching(/^bad\.yaml:6:15: .*id: there is a point "p" already$/),
      expect.stringMatching(/^bad\.yaml:8:31: .*point: there is no point "q"$/),
      expect.stringMatching(/^bad\.yaml:8:48: .*every: what comes again must end: give for$/),
      expect.stringMatching(/^bad\.yaml:9:11: .*id: there is a device "a" already$/),
      expect.stringMatching(/^bad\.yaml:9:54: .*answer: there is no point "w"$/),
      expect.stringMatching(/^bad\.yaml:9:110: .*file: no\.csv cannot be read: ENOENT$/),
      expect.stringMatching(/^bad\.yaml:9:153: .*type: serial has no fault wrong-unit; it has /),
    ])
  })

  const examples = join(PACKAGE_ROOT, 'config/examples/simulate')
  it.each(readdirSync(examples).filter((name) => name.endsWith('.yaml')))(
    'finds no mistake in the example %s',
    async (name) => {
      const { code, stdout } = await telemetryx(['simulate', join(examples, name), '--check'])
      expect([code, stdout]).toEqual([0, expect.stringContaining('ok, ')])
      const text = readFileSync(join(examples, name), 'utf8')
      expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=../../simulate.schema.json')
      const schema = await telemetryx(['schema', 'simulate'])
      expect(schema.stdout).toBe(readFileSync(join(PACKAGE_ROOT, 'config/simulate.schema.json'), 'utf8'))
      expect(Schema.Compile(JSON.parse(schema.stdout)).Check(parse(text))).toBe(true)
    },
  )
})
