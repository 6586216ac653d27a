// A soak run: plant, gateway and receiver as processes and parts of their own, looked at from outside, and what came of it. In the
// middle the receiver goes away for a while.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { silentLogger } from '#kit/logger.ts'
import { ReceiverServer } from '#receiver/server.ts'
import { soakPlant } from './plant.ts'
import { problemsOf, type Counts, type Lags, type Sample } from './verdict.ts'

const LAUNCHER = fileURLToPath(new URL('../../bin/telemetryx', import.meta.url))
const READY_MS = 120_000
const SETTLE_MS = 120_000

export interface SoakOptions {
  readonly seconds: number
  readonly sensors: number
  readonly hasFaults: boolean
  /** Told of each look, for a person who waits. */
  readonly onSample?: (sample: Sample) => void
  /** For the test of the test: is called with the receiver's file before it is counted. */
  readonly meddle?: (file: string) => void
}

export interface SoakResult {
  readonly sensors: number
  readonly samples: readonly Sample[]
  readonly counts: Counts
  readonly lags: Lags
  readonly problems: readonly string[]
}

export async function soak(options: SoakOptions): Promise<SoakResult> {
  const folder = mkdtempSync(join(tmpdir(), 'telemetryx-soak-'))
  const run = new SoakRun(folder, options)
  try {
    return await run.run()
  } finally {
    await run.end()
    rmSync(folder, { recursive: true, force: true })
  }
}

class SoakRun {
  readonly #folder: string
  readonly #options: SoakOptions
  readonly #children: ChildProcess[] = []
  #receiver: ReceiverServer | null = null
  #grpcPort = 0
  #url = ''

  constructor(folder: string, options: SoakOptions) {
    this.#folder = folder
    this.#options = options
  }

  async run(): Promise<SoakResult> {
    const sensors = await this.#start()
    const samples = await this.#watch()
    await this.#stop('simulate')
    const settledAfter = await this.#settled()
    const page = await this.#metrics()
    await this.#stop('gateway')
    await this.#receiver!.stop(AbortSignal.timeout(10_000))
    this.#receiver = null
    const counts = await this.#count(page, sensors)
    const lags = { ...lagsOf(page), settledAfter }
    return { sensors, samples, counts, lags, problems: problemsOf(samples, counts, lags) }
  }

  async end(): Promise<void> {
    await this.#receiver?.stop(AbortSignal.timeout(1000))
    for (const child of this.#children) child.kill('SIGKILL')
  }

  async #start(): Promise<number> {
    const ports = await freePorts(8)
    const [gatewayPort, brokerPort, opcuaPort, grpcPort, ...modbus] = ports as [number, number, number, number]
    this.#grpcPort = grpcPort
    this.#url = `http://127.0.0.1:${gatewayPort}`
    const hasSerial = spawnSync('socat', ['-V'], { stdio: 'ignore' }).status === 0 // makes the pseudo-terminal
    const { sensors: wanted, hasFaults } = this.#options
    const receiver = `grpc://127.0.0.1:${grpcPort}`
    const plant = soakPlant({
      folder: this.#folder,
      sensors: wanted,
      ports: modbus,
      opcuaPort,
      brokerPort,
      gatewayPort,
      receiver,
      hasSerial,
      hasFaults,
    })
    writeFileSync(join(this.#folder, 'gateway.yaml'), stringify(plant.gateway))
    writeFileSync(join(this.#folder, 'plant.yaml'), stringify(plant.simulation))
    await this.#receive()
    const gateway = this.#spawn('gateway', [
      'gateway',
      '-c',
      join(this.#folder, 'gateway.yaml'),
      '--log-level',
      'error',
    ])
    await firstLine(gateway)
    const simulation = this.#spawn('simulate', ['simulate', join(this.#folder, 'plant.yaml'), '--json'])
    await firstLine(simulation)
    await this.#allUp()
    return plant.sensors
  }

  async #receive(): Promise<void> {
    mkdirSync(join(this.#folder, 'received'), { recursive: true })
    const folder = join(this.#folder, 'received')
    const common = { folder, host: '127.0.0.1', httpPort: null, tls: null, token: null, log: silentLogger }
    this.#receiver = new ReceiverServer({ ...common, grpcPort: this.#grpcPort })
    await this.#receiver.start()
  }

  #spawn(name: string, args: readonly string[]): ChildProcess {
    const child = spawn(process.execPath, [LAUNCHER, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#children.push(child)
    this.#named.set(name, child)
    return child
  }

  readonly #named = new Map<string, ChildProcess>()

  async #stop(name: string): Promise<void> {
    const child = this.#named.get(name)!
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${name} ended by itself`)
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    await exit
  }

  /** Every device has answered: the load is the rated one from here on. */
  async #allUp(): Promise<void> {
    const deadline = performance.now() + READY_MS
    for (;;) {
      const page = await this.#metrics()
      const devices = [...page.matchAll(/^telemetryx_device_up\{device="([\w-]+)"\}/gm)].map(([, device]) => device!)
      const isTaken = (device: string): boolean =>
        sumOf(page, `telemetryx_readings_total{device="${device}",quality="good"}`) > 0
      if (devices.length > 0 && devices.every(isTaken)) return
      if (performance.now() > deadline)
        throw new Error(`Not up: ${devices.filter((device) => !isTaken(device)).join(', ')}`)
      await after(250)
    }
  }

  /** A look each second; from the middle on the receiver is away for a tenth of the time. */
  async #watch(): Promise<Sample[]> {
    const { seconds, hasFaults, onSample } = this.#options
    const samples: Sample[] = []
    const started = performance.now()
    const elapsed = (): number => (performance.now() - started) / 1000
    let outage: 'to come' | 'now' | 'over' = hasFaults ? 'to come' : 'over'
    while (elapsed() < seconds) {
      const page = await this.#metrics()
      const sample = {
        at: elapsed(),
        rssBytes: sumOf(page, 'process_resident_memory_bytes'),
        heapBytes: sumOf(page, 'nodejs_heap_used_bytes'),
      }
      samples.push(sample)
      onSample?.(sample)
      if (outage === 'to come' && elapsed() > seconds * 0.5) {
        await this.#receiver!.stop(AbortSignal.timeout(1000))
        outage = 'now'
      } else if (outage === 'now' && elapsed() > seconds * 0.6) {
        await this.#receive()
        outage = 'over'
      }
      await after(1000)
    }
    if (outage === 'now') await this.#receive()
    return samples
  }

  /** Seconds until the uplink has nothing left. */
  async #settled(): Promise<number> {
    const started = performance.now()
    let before = ''
    for (;;) {
      const page = await this.#metrics()
      const taken = String(sumOf(page, 'telemetryx_readings_total'))
      const isQuiet = taken === before && sumOf(page, 'telemetryx_uplink_pending') === 0
      const elapsed = performance.now() - started
      if (isQuiet || elapsed > SETTLE_MS) return elapsed / 1000
      before = taken
      // The silence of the devices that were stopped is still to come: each sensor becomes bad once.
      await after(2000)
    }
  }

  async #metrics(): Promise<string> {
    return (await fetch(`${this.#url}/metrics`)).text()
  }

  async #count(page: string, sensors: number): Promise<Counts> {
    const file = join(this.#folder, 'received', 'soak.jsonl')
    this.#options.meddle?.(file)
    const { received, repeated } = await countReceived(file)
    const data = join(this.#folder, 'data')
    const sql = spawnSync(
      process.execPath,
      [LAUNCHER, 'sql', '--data', data, '--json', 'SELECT count(*) AS n FROM readings'],
      { encoding: 'utf8' },
    )
    const [, stored = Number.NaN] = /"n":\s*"?(\d+)/.exec(sql.stdout) ?? []
    const { seconds, hasFaults } = this.#options
    return {
      taken: sumOf(page, 'telemetryx_readings_total'),
      stored: Number(stored),
      received,
      repeated,
      dropped: sumOf(page, 'telemetryx_dropped_total'),
      expectedAtLeast: Math.floor(sensors * seconds * (hasFaults ? 0.8 : 0.9)),
    }
  }
}

async function countReceived(file: string): Promise<{ received: number; repeated: number }> {
  const positions = new Set<string>()
  let received = 0
  if (!existsSync(file)) return { received, repeated: 0 }
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const record = JSON.parse(line) as { kind?: string; id?: string }
    if (record.id === undefined || record.kind !== undefined) continue // ends a batch, or is an alarm or event
    received += 1
    positions.add(record.id)
  }
  return { received, repeated: received - positions.size }
}

function lagsOf(page: string): Omit<Lags, 'settledAfter'> {
  const share = (name: string, le: string): number =>
    sumOf(page, `${name}_bucket`, `le="${le}"`) / sumOf(page, `${name}_count`)
  return {
    pollsInTime: share('telemetryx_poll_lag_seconds', '1'),
    durableInTime: share('telemetryx_pipeline_latency_seconds', '10'),
  }
}

/** Sum of all series whose name (with labels, as far as given) begins so. */
export function sumOf(page: string, name: string, label = ''): number {
  let sum = 0
  for (const line of page.split('\n')) {
    if (!line.startsWith(name) || !line.includes(label) || /^[\w:]/.test(line.slice(name.length))) continue
    sum += Number(line.slice(line.lastIndexOf(' ') + 1))
  }
  return sum
}

async function firstLine(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit').then(() => Promise.reject(new Error('It ended before it served')))
  const lines = createInterface(child.stdout!)
  await Promise.race([once(lines, 'line'), exited])
  exited.catch(() => {})
  lines.on('line', () => {}) // drained
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
