// A support bundle of a running gateway, of one that wants a token, and of one that does not run.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Accounts } from '#api/auth/accounts.ts'
import { parseGatewayConfig } from '#config/load.ts'
import { createCatalogue } from '#gateway/catalogue.ts'
import { startGateway, type Gateway } from '#gateway/gateway.ts'
import { systemClock } from '#kit/clock.ts'
import { createLogger } from '#kit/logger.ts'
import { seededRandom } from '#kit/random.ts'
import { RecentLines } from '#kit/recent-lines.ts'
import { telemetryx } from '#test/cli/run-command.ts'
import { framesFromJson, ModbusReplay } from '#simulate/modbus-replay.ts'
import { RawModbusSlave } from '#test/sim/raw-modbus-slave.ts'
import { holdings, NEVER, testDevice } from '#test/drivers/modbus/modbus-device.ts'
import { EVENTUALLY } from '#test/eventually.ts'

const SECRET = 'hunter2-in-the-broker'
const ENV_SECRET = 'hunter2-in-the-environment'
let folder = ''
const cleanUps: (() => Promise<unknown>)[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-support-'))
})
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp()
  rmSync(folder, { recursive: true, force: true })
})

interface Running {
  readonly gateway: Gateway
  /** Of the role engineer; null without users. */
  readonly token: string | null
}

/** A gateway whose device answers, with secrets in its configuration and its log. */
async function startPlant(auth: 'none' | 'required'): Promise<Running> {
  const slave = await RawModbusSlave.start()
  slave.words[0] = 4242
  cleanUps.push(() => slave.stop())
  const yaml = `gateway: { id: edge-01, factory: Plant A } # ${SECRET}
data: ./data
http: { port: 0, auth: ${auth} }
devices:
  - id: press-1
    driver: modbus
    connection: { transport: tcp, host: 127.0.0.1, port: ${slave.port}, unit: 1 }
    poll: 50ms
    sensors: [ { id: level, register: holding, address: 0 } ]
  - id: cell
    driver: mqtt
    connection: { url: "mqtt://edge:${SECRET}@127.0.0.1:1", password: "\${CELL_PASSWORD}" }
    sensors: [ { id: rms, topic: a } ]
`
  writeFileSync(join(folder, 'gateway.yaml'), yaml)
  const token = auth === 'none' ? null : await makeToken()
  const catalogue = createCatalogue({ clock: systemClock })
  const env = { CELL_PASSWORD: ENV_SECRET }
  const parsed = parseGatewayConfig(yaml, { file: join(folder, 'gateway.yaml'), catalogue, env })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  const recent = new RecentLines()
  const log = createLogger({ destination: recent.tee({ write: () => {} }) })
  const parts = { config: parsed.config, catalogue, clock: systemClock, log, random: seededRandom(1) }
  const gateway = await startGateway({ ...parts, recentLog: () => recent.lines() })
  cleanUps.push(() => gateway.stop({ deadlineMs: 5000 }))
  log.warn({ broker: `mqtt://edge:${SECRET}@127.0.0.1:1` }, `A driver of a third party says ${ENV_SECRET}`)
  const headers = token === null ? {} : { authorization: `Bearer ${token}` }
  await vi.waitFor(async () => {
    const answer = await fetch(`${gateway.url}/api/v1/devices/press-1`, { headers })
    expect(await answer.json()).toMatchObject({ state: 'up' })
    const { store } = (await (await fetch(`${gateway.url}/api/v1/gateway`, { headers })).json()) as {
      store: { durableRecords: number }
    }
    expect(store.durableRecords).toBeGreaterThan(0)
  }, EVENTUALLY)
  return { gateway, token }
}

async function makeToken(): Promise<string> {
  const accounts = new Accounts(join(folder, 'data', 'auth.json'), systemClock)
  await accounts.load()
  await accounts.addUser('admin', 'correct horse battery', 'admin')
  return (await accounts.createToken('helper', 'engineer')).token
}

interface Bundle {
  readonly names: readonly string[]
  readonly missing: readonly string[]
  readonly isRunning: boolean
  read(name: string): string
  json<T>(name: string): T
}

/** Makes a bundle by the command, and unpacks it by tar. Fails when a secret is anywhere in it. */
async function bundle(args: readonly string[], env: Record<string, string> = {}): Promise<Bundle> {
  const file = join(folder, 'edge-01.tgz')
  const config = join(folder, 'gateway.yaml')
  const variables = { CELL_PASSWORD: ENV_SECRET, ...env }
  const outcome = await telemetryx(['support-bundle', file, '-c', config, '--json', ...args], { env: variables })
  expect([outcome.code, outcome.stderr]).toEqual([0, ''])
  const into = mkdtempSync(join(folder, 'unpacked-'))
  execFileSync('tar', ['-xzf', file, '-C', into])
  const names = readdirSync(into, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(into.length + 1))
  const read = (name: string): string => readFileSync(join(into, name), 'utf8')
  for (const name of names) {
    for (const secret of [SECRET, ENV_SECRET, ...Object.values(env)]) expect(read(name)).not.toContain(secret)
  }
  const { missing, isRunning } = JSON.parse(outcome.stdout) as { missing: string[]; isRunning: boolean }
  return { names: names.toSorted(), missing, isRunning, read, json: (name) => JSON.parse(read(name)) as never }
}

describe('a support bundle', { timeout: 120_000 }, () => {
  it('of a running gateway holds everything but secrets, and its frames can stand in for the device', async () => {
    const { gateway } = await startPlant('none')
    const got = await bundle(['--url', gateway.url])
    expect(got).toMatchObject({ isRunning: true, missing: [] })
    const ofDisk = ['bundle.json', 'config/gateway.yaml', 'data-folder.json', 'events.jsonl']
    const ofGateway = ['alarms.json', 'gateway.json', 'log.jsonl', 'metrics.txt', 'readyz.json', 'uplinks.json']
    const ofDevices = ['devices.json', 'frames/cell.json', 'frames/press-1.json']
    expect(got.names).toEqual([...ofDisk, ...ofGateway, ...ofDevices].toSorted())
    expect(got.read('config/gateway.yaml')).toContain('"mqtt://[redacted]@127.0.0.1:1", password: "${CELL_PASSWORD}"')
    expect(got.read('log.jsonl')).toContain('A driver of a third party says [redacted]')
    expect(got.read('metrics.txt')).toContain('telemetryx_device_up{device="press-1"} 1')
    expect(got.read('events.jsonl')).toContain('"type":"gateway-started"')
    expect(got.json('devices.json')).toMatchObject([{ id: 'cell' }, { id: 'press-1', state: 'up', errors: {} }])
    expect(got.json('gateway.json')).toMatchObject({ id: 'edge-01', store: { state: 'ok' } })
    expect(got.json('data-folder.json')).toMatchObject({
      files: expect.arrayContaining([{ file: 'telemetryx.db' }].map((file) => expect.objectContaining(file))),
    })
    const frames = framesFromJson(got.json('frames/press-1.json'))
    const replay = await ModbusReplay.start('tcp', frames)
    cleanUps.push(() => replay.stop())
    const copy = testDevice({ port: replay.port, sensors: holdings(0) })
    cleanUps.push(() => copy.device.close())
    await copy.device.connect(NEVER)
    expect((await copy.poll()).only(0)).toMatchObject({ value: 4242 })
  })

  it('of a gateway with users needs a token, and says what is missing without one', async () => {
    const { gateway, token } = await startPlant('required')
    const without = await bundle(['--url', gateway.url])
    expect(without.isRunning).toBe(true)
    const open = [
      'bundle.json',
      'config/gateway.yaml',
      'data-folder.json',
      'events.jsonl',
      'metrics.txt',
      'readyz.json',
    ]
    expect(without.names).toEqual(open)
    expect(without.missing).toContain('the devices: it needs a token')
    const whole = await bundle(['--url', gateway.url], { TELEMETRYX_TOKEN: token! })
    expect(whole.missing).toEqual([])
    expect(whole.names).toContain('frames/press-1.json')
  })

  it('of a gateway that does not run holds what the disk has', async () => {
    const { gateway } = await startPlant('none')
    await gateway.stop({ deadlineMs: 5000 })
    const got = await bundle(['--url', gateway.url])
    expect(got.isRunning).toBe(false)
    expect(got.names).toEqual(['bundle.json', 'config/gateway.yaml', 'data-folder.json', 'events.jsonl'])
    expect(got.read('events.jsonl')).toContain('gateway-stopping')
    expect(got.missing).toEqual([`the state of the gateway: none answers at ${gateway.url}`])
    expect(got.json('bundle.json')).toMatchObject({
      isRunning: false,
      version: expect.any(String),
      missing: got.missing,
    })
  })
})
