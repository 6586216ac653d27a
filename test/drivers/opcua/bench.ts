// What the tests of the OPC UA driver share: a server in another process, devices on it, and a sink that keeps everything.

import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { opcuaDriver } from '#drivers/opcua/driver.ts'
import type { OpcuaDeviceConfig, OpcuaSensorConfig } from '#drivers/opcua/schema.ts'
import type { Device, DeviceSetup } from '#domain/driver.ts'
import { statusName } from '#domain/quality.ts'
import type { ReadingSink } from '#domain/reading.ts'
import type { Sensor } from '#domain/sensor.ts'
import type { Value } from '#domain/value.ts'
import { systemClock, type Clock } from '#kit/clock.ts'
import { RecordingContext } from '#test/sim/recording-sink.ts'
import type { ServerSettings } from './server-process.ts'

export const NAMESPACE = 'http://example.org/line'
export const NEVER = new AbortController().signal

const program = fileURLToPath(new URL('./server-process.ts', import.meta.url))

/** A folder that is removed at the end of the file; call it at the top level of a test file, then `remove` in afterAll. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'telemetryx-opcua-'))

  at(name: string): string {
    return join(this.path, name)
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5 })
  }
}

export class OpcuaServer {
  readonly endpoint: string
  readonly settings: ServerSettings
  readonly #child: ChildProcess

  constructor(child: ChildProcess, settings: ServerSettings) {
    this.#child = child
    this.settings = settings
    this.endpoint = `opc.tcp://127.0.0.1:${settings.port}/line`
  }

  async set(name: string, value: unknown): Promise<void> {
    await this.#tell({ set: [name, value] })
  }

  /** Gives a variable a status, by its name in the specification; its value and time stay. */
  async status(name: string, status: string): Promise<void> {
    await this.#tell({ status: [name, status] })
  }

  /** Changes all bulk variables, each `ms`, from now on. */
  async ramp(ms: number): Promise<void> {
    await this.#tell({ ramp: ms })
  }

  /** Stops the process where it stands; its connections stay open. */
  freeze(): void {
    this.#child.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child.kill('SIGCONT')
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }

  async #tell(message: object): Promise<void> {
    const answered = once(this.#child, 'message')
    this.#child.send(message)
    await answered
  }
}

/** Starts a server process; resolves when it serves. */
export async function startServer(settings: Omit<ServerSettings, 'port'> & { port?: number }): Promise<OpcuaServer> {
  const complete = { ...settings, port: settings.port ?? (await freePort()) }
  const child = fork(program, [JSON.stringify(complete)], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  let errors = ''
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`The server ended (${code}): ${errors}`)))
  ended.catch(() => {})
  await Promise.race([once(child, 'message'), ended])
  return new OpcuaServer(child, complete)
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

export interface Kept {
  readonly value: Value | null
  readonly status: string
  readonly time: number
}

/** Keeps every reading, by name of the sensor. */
export class KeepingSink implements ReadingSink {
  readonly readings = new Map<string, Kept[]>()
  readonly #names: readonly string[]

  constructor(names: readonly string[]) {
    this.#names = names
  }

  readonly number = (sensor: number, value: number, status: number, time: number): void =>
    this.#keep(sensor, value, status, time)
  readonly integer = (sensor: number, value: bigint, status: number, time: number): void =>
    this.#keep(sensor, value, status, time)
  readonly text = (sensor: number, value: string, status: number, time: number): void =>
    this.#keep(sensor, value, status, time)
  readonly bad = (sensor: number, status: number, time: number): void => this.#keep(sensor, null, status, time)

  last(name: string): Kept | undefined {
    return this.readings.get(name)?.at(-1)
  }

  #keep(sensor: number, value: Value | null, status: number, time: number): void {
    const name = this.#names[sensor]!
    const list = this.readings.get(name) ?? []
    list.push({ value, status: statusName(status), time })
    this.readings.set(name, list)
  }
}

export interface TestSensor extends Partial<OpcuaSensorConfig> {
  readonly name: string
  readonly writable?: boolean
}

export interface TestDevice {
  readonly device: Device
  readonly sink: KeepingSink
  readonly context: RecordingContext
  number(name: string): number
}

export interface DeviceOptions {
  readonly endpoint: string
  readonly pkiDir: string
  /** Default: the machine's. */
  readonly clock?: Clock
  readonly sensors: readonly TestSensor[]
  readonly config?: Partial<Omit<OpcuaDeviceConfig, 'connection'>>
  readonly connection?: Partial<OpcuaDeviceConfig['connection']>
}

/** The setup that the gateway would make of such a device; node ids by default by the namespace's name. */
export function setupOf({ endpoint, sensors, config, connection }: Omit<DeviceOptions, 'pkiDir'>): DeviceSetup {
  const points = sensors.map(({ name, writable = false, ...rest }, number) => ({
    sensor: sensorOf(number, name, writable, rest.type ?? 'number'),
    config: { node: `nsu=${NAMESPACE};s=Line1.${name}`, ...rest },
  }))
  const intervalMs = config?.mode === 'poll' ? 1000 : null
  return {
    id: 'line-plc',
    config: { connection: { endpoint, ...connection }, ...config },
    groups: [{ intervalMs, points }],
  }
}

function sensorOf(number: number, name: string, writable: boolean, valueType: Sensor['valueType']): Sensor {
  return {
    number,
    id: `line-plc.${name}`,
    device: 'line-plc',
    name,
    description: '',
    machine: 'line-1',
    valueType,
    unit: '',
    writable,
    scale: null,
    deadband: null,
    checks: [],
  }
}

export function openDevice(options: DeviceOptions): TestDevice {
  const names = options.sensors.map(({ name }) => name)
  const context = new RecordingContext()
  const driver = opcuaDriver({ clock: options.clock ?? systemClock, pkiDir: options.pkiDir })
  const device = driver.open(setupOf(options), context)
  return { device, context, sink: new KeepingSink(names), number: (name) => names.indexOf(name) }
}
