// A soak run: plant, gateway and receiver as processes and parts of their own, looked at from outside, and what came of it. Now and then
// the receiver goes away for a while, and the Sparkplug edge node is killed.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { silentLogger } from '#kit/logger.ts'
import { ReceiverServer } from '#receiver/server.ts'
import { goodOf, hurtsOf, lagsOf, sampleOf, sumOf } from './page.ts'
import { soakPlant, type Plant } from './plant.ts'
import { Command, freePorts } from './processes.ts'
import { countReceived } from './received.ts'
import { FAULTS_EVERY_SECONDS } from './sources.ts'
import { problemsOf, type Counts, type Devices, type Lags, type Sample } from './verdict.ts'

const LAUNCHER = fileURLToPath(new URL('../../bin/telemetryx', import.meta.url))
const READY_MS = 180_000
const SETTLE_MS = 120_000
/** Parts of the run at which something happens, and how long the receiver is away. */
const RECEIVER_GOES = [0.2, 0.55, 0.8]
const RECEIVER_AWAY = 0.04
const EDGE_NODE_IS_KILLED = [0.3, 0.65, 0.9]
/** Looks at memory, each after a collection. */
const SAMPLES = 24

export interface SoakOptions {
  readonly seconds: number
  readonly sensors: number
  readonly hasFaults: boolean
  /** The gateway's program; null: that of this working folder. */
  readonly program?: string | null
  /** To see the run fail: bytes a second that the gateway must lose. */
  readonly leak?: number
  /** Told of each look, for a person who waits. */
  readonly onSample?: (sample: Sample) => void
  /** For the test of the test: is called with the receiver's file before it is counted. */
  readonly meddle?: (file: string) => void
}

export interface SoakResult {
  readonly sensors: number
  /** Kinds of sources that were read, and those that were left out because socat is not installed. */
  readonly kinds: readonly string[]
  readonly leftOut: readonly string[]
  readonly samples: readonly Sample[]
  readonly counts: Counts
  readonly lags: Lags
  readonly devices: Devices
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

/** Something that happens once so much of the run is over. */
interface Turn {
  readonly at: number
  readonly act: () => Promise<void>
}

class SoakRun {
  readonly #folder: string
  readonly #options: SoakOptions
  readonly #commands: Command[] = []
  #receiver: ReceiverServer | null = null
  #grpcPort = 0
  #url = ''

  constructor(folder: string, options: SoakOptions) {
    this.#folder = folder
    this.#options = options
  }

  async run(): Promise<SoakResult> {
    const plant = await this.#prepare()
    const { kinds, leftOut, sensors } = plant
    await this.#receive()
    const gateway = await this.#start('gateway', this.#options.leak ?? 0)
    const simulation = await this.#command(['simulate', join(this.#folder, 'plant.yaml'), '--json'])
    let edge = await this.#start('edge')
    const silent = await this.#silent(plant.devices)
    if (silent.length > 0) throw new Error(`Not up: ${silent.join(', ')}`)
    const healthy = await this.#metrics()
    const samples = await this.#watch(gateway, async () => {
      await edge.kill()
      edge = await this.#start('edge')
    })
    const away = await this.#silent(plant.devices)
    await simulation.stop()
    await edge.stop()
    const settledAfter = await this.#settled()
    const page = await this.#metrics()
    await gateway.stop()
    await this.#leave()
    const counts = await this.#count(page, sensors)
    const lags = { ...lagsOf(page), settledAfter }
    const devices = { away, unhurt: this.#unhurt(plant, [healthy, page], simulation) }
    const problems = problemsOf(samples, counts, lags, devices)
    return { sensors, kinds, leftOut, samples, counts, lags, devices, problems }
  }

  async end(): Promise<void> {
    await this.#receiver?.stop(AbortSignal.timeout(1000))
    await Promise.all(this.#commands.map((command) => command.kill()))
  }

  async #prepare(): Promise<Plant> {
    const [gatewayPort, brokerPort, opcuaPort, grpcPort, edgePort, edgeHttpPort, ...modbusPorts] = (await freePorts(
      10,
    )) as [number, number, number, number, number, number]
    this.#grpcPort = grpcPort
    this.#url = `http://127.0.0.1:${gatewayPort}`
    const { sensors, hasFaults } = this.#options
    const plant = soakPlant({
      folder: this.#folder,
      sensors,
      hasFaults,
      hasSerial: spawnSync('socat', ['-V'], { stdio: 'ignore' }).status === 0, // makes the pseudo-terminals
      receiver: `grpc://127.0.0.1:${grpcPort}`,
      modbusPorts,
      edgePort,
      edgeHttpPort,
      opcuaPort,
      brokerPort,
      gatewayPort,
    })
    const write = (name: string, content: object): void =>
      writeFileSync(join(this.#folder, `${name}.yaml`), stringify(content))
    write('gateway', plant.gateway)
    write('edge', plant.edge)
    write('plant', plant.simulation)
    return plant
  }

  async #receive(): Promise<void> {
    const folder = join(this.#folder, 'received')
    mkdirSync(folder, { recursive: true })
    const common = { folder, host: '127.0.0.1', httpPort: null, tls: null, token: null, log: silentLogger }
    this.#receiver = new ReceiverServer({ ...common, grpcPort: this.#grpcPort })
    await this.#receiver.start()
  }

  async #leave(): Promise<void> {
    await this.#receiver?.stop(AbortSignal.timeout(10_000))
    this.#receiver = null
  }

  #start(name: 'gateway' | 'edge', leak: number | null = null): Promise<Command> {
    return this.#command(['gateway', '-c', join(this.#folder, `${name}.yaml`), '--log-level', 'error'], leak)
  }

  async #command(args: readonly string[], leak: number | null = null): Promise<Command> {
    // A simulated OPC UA server is not in the package: the plant is always that of this working folder.
    const program = args[0] === 'gateway' ? (this.#options.program ?? null) : null
    const command = await Command.start(args, { program, leak })
    this.#commands.push(command)
    return command
  }

  /** Waits until every device has given good readings from now on; answers of those that did not. */
  async #silent(devices: readonly string[]): Promise<string[]> {
    const deadline = performance.now() + READY_MS
    const first = await this.#metrics()
    const before = new Map(devices.map((device) => [device, goodOf(first, device)]))
    for (;;) {
      const page = await this.#metrics()
      const silent = devices.filter((device) => goodOf(page, device) <= before.get(device)!)
      if (silent.length === 0 || performance.now() > deadline) return silent
      await after(250)
    }
  }

  /** Looks at memory from time to time, and does meanwhile what is to happen. */
  async #watch(gateway: Command, killEdgeNode: () => Promise<void>): Promise<Sample[]> {
    const { seconds, hasFaults, onSample } = this.#options
    const turns: Turn[] = [
      ...EDGE_NODE_IS_KILLED.map((at) => ({ at, act: killEdgeNode })),
      ...RECEIVER_GOES.map((at) => ({ at, act: () => this.#leave() })),
      ...RECEIVER_GOES.map((at) => ({ at: at + RECEIVER_AWAY, act: () => this.#receive() })),
    ]
    const samples: Sample[] = []
    const started = performance.now()
    const elapsed = (): number => (performance.now() - started) / 1000
    const look = async (): Promise<void> => {
      gateway.collect()
      const sample = sampleOf(await this.#metrics(), elapsed())
      samples.push(sample)
      onSample?.(sample)
    }
    const looks = Array.from({ length: SAMPLES }, (_, at) => ({ at: (at + 1) / SAMPLES, act: look }))
    for (const { at, act } of [...(hasFaults ? turns : []), ...looks].toSorted((one, other) => one.at - other.at)) {
      await after(Math.max(0, at * seconds - elapsed()) * 1000)
      await act()
    }
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
    const received = await countReceived(file)
    const stored = this.#stored()
    const { seconds, hasFaults } = this.#options
    const taken = sumOf(page, 'telemetryx_readings_total')
    const bad = sumOf(page, 'telemetryx_readings_total', 'quality="bad"')
    return {
      taken: taken - bad,
      stored: stored.readings,
      received: received.readings,
      bad: { taken: bad, stored: stored.bad, received: received.bad },
      repeated: received.repeated,
      dropped: sumOf(page, 'telemetryx_dropped_total'),
      expectedAtLeast: Math.floor(sensors * seconds * (hasFaults ? 0.8 : 0.9)),
    }
  }

  /** Readings in the history on disk, read as a technician would. */
  #stored(): { readings: number; bad: number } {
    const question =
      "SELECT sum(quality <> 'bad') AS readings, sum(quality = 'bad') AS bad FROM readings HAVING count(*) > 0"
    const args = [LAUNCHER, 'sql', '--data', join(this.#folder, 'data'), '--json', question]
    const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    const [row = { readings: Number.NaN, bad: Number.NaN }] = JSON.parse(stdout) as [
      { readings: number | string; bad: number | string }?,
    ]
    return { readings: Number(row.readings), bad: Number(row.bad) }
  }

  /** Devices whose faults nobody felt: then the run has not shown what it should. */
  #unhurt({ devices }: Plant, [before, page]: readonly [string, string], simulation: Command): string[] {
    const { hasFaults, seconds } = this.#options
    if (!hasFaults || seconds < FAULTS_EVERY_SECONDS) return []
    // A program that posts nonsense is told so; that is no error of the gateway's.
    const isRefused = (device: string): boolean =>
      simulation.lines.some((line) => line.includes(`"device":"${device}"`) && line.includes(' answers 4'))
    return devices.filter((device) => hurtsOf(page, device) === hurtsOf(before, device) && !isRefused(device))
  }
}
