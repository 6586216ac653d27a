// `telemetryx gateway` as a process, measured from outside by the kernel's counts, and the plant that it reads.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const LAUNCHER = fileURLToPath(new URL('../../bin/telemetryx', import.meta.url))
const SLAVE = fileURLToPath(new URL('../../test/sim/modbus-bench-slave.ts', import.meta.url))
const SENSORS_PER_DEVICE = 100
/** USER_HZ of every Linux that Node.js runs on. */
const TICKS_PER_SECOND = 100
const LOOK_MS = 5

export interface Plant {
  readonly yaml: string
  /** A sensor of each device. */
  readonly sensors: readonly string[]
  stop(): Promise<void>
}

/** So many sensors at 1 Hz, a hundred a device, on one Modbus TCP server in a process of its own. */
export async function makePlant(sensors: number): Promise<Plant> {
  const child = spawn(process.execPath, [SLAVE], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [port] = (await once(createInterface(child.stdout), 'line')) as [string]
  const devices = Array.from({ length: sensors / SENSORS_PER_DEVICE }, (_, device) => {
    const points = Array.from(
      { length: SENSORS_PER_DEVICE },
      (__, at) => `{id: s${at}, register: holding, address: ${at}}`,
    )
    return `  - {id: device-${device}, driver: modbus, poll: 1s, connection: {host: 127.0.0.${device + 1}, port: ${port}, unit: 1}, sensors: [${points.join(', ')}]}`
  })
  return {
    yaml: `devices:\n${devices.join('\n')}\n`,
    sensors: devices.map((_, device) => `device-${device}.s0`),
    stop: () => ended(child, 'SIGKILL'),
  }
}

export class GatewayProcess {
  readonly #folder: string
  readonly #cache: string
  #child: ChildProcess
  #startedAt: number
  /** The same by the wall clock, Unix milliseconds. */
  #startedOn = 0
  readonly #sensors: readonly string[]
  #url = ''
  /** From the start of the process until the API answers. */
  servingMs = Number.NaN

  private constructor(folder: string, cache: string, sensors: readonly string[]) {
    this.#folder = folder
    this.#cache = cache
    this.#sensors = sensors
    this.#startedAt = performance.now()
    this.#child = this.#spawn()
  }

  /** `cache`: folder of compiled code, as systemd gives one; empty before the first start of a version. */
  static async start(plant: Plant | null, cache: string): Promise<GatewayProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'telemetryx-bench-'))
    const head = 'gateway: {id: bench, factory: Bench}\ndata: ./data\nhttp: {port: 0, auth: none}\n'
    writeFileSync(join(folder, 'gateway.yaml'), head + (plant?.yaml ?? ''))
    const gateway = new GatewayProcess(folder, cache, plant?.sensors ?? [])
    await gateway.#serving()
    return gateway
  }

  #spawn(): ChildProcess {
    this.#startedOn = Date.now()
    const args = [LAUNCHER, 'gateway', '-c', join(this.#folder, 'gateway.yaml'), '--log-level', 'error']
    const env = { ...process.env, CACHE_DIRECTORY: this.#cache }
    return spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  }

  async #serving(): Promise<void> {
    const [line] = (await once(createInterface(this.#child.stdout!), 'line')) as [string]
    this.#url = line.replace('Dashboard: ', '')
    this.servingMs = performance.now() - this.#startedAt
  }

  /** From the start of the process until it has taken so many good readings, of any sensors. */
  async readingsMs(count: number): Promise<number> {
    while ((await this.#readings()) < count) await after(LOOK_MS)
    return performance.now() - this.#startedAt
  }

  /** From the start of the process until its first good reading, by the time that the reading bears: devices are read before the API serves. */
  async firstReadingMs(): Promise<number> {
    await this.readingsMs(1)
    const from = new Date(this.#startedOn).toISOString()
    const first = async (sensor: string): Promise<number> => {
      const path = `/api/v1/sensors/${sensor}/readings?from=${from}&limit=1`
      const { items } = (await (await fetch(this.#url + path)).json()) as { items: { time: string; quality: string }[] }
      return items[0]?.quality === 'good' ? Date.parse(items[0].time) : Number.POSITIVE_INFINITY
    }
    return Math.min(...(await Promise.all(this.#sensors.map(first)))) - this.#startedOn
  }

  async killAndRestart(): Promise<void> {
    await ended(this.#child, 'SIGKILL')
    this.#startedAt = performance.now()
    this.#child = this.#spawn()
    await this.#serving()
  }

  /** Lets it run: the compiler and the first collections are not what is measured. */
  async settle(seconds: number): Promise<void> {
    await after(seconds * 1000)
  }

  rssBytes(): number {
    const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(this.#proc('status')) ?? []
    return Number(kibibytes) * 1024
  }

  async load(seconds: number): Promise<{ corePercent: number; readingsPerSecond: number }> {
    const [ticks, readings, at] = [this.#ticks(), await this.#readings(), performance.now()]
    await after(seconds * 1000)
    const elapsed = (performance.now() - at) / 1000
    const corePercent = ((this.#ticks() - ticks) / TICKS_PER_SECOND / elapsed) * 100
    return { corePercent, readingsPerSecond: ((await this.#readings()) - readings) / elapsed }
  }

  async end(): Promise<void> {
    await ended(this.#child, 'SIGTERM')
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #proc(file: string): string {
    return readFileSync(`/proc/${this.#child.pid}/${file}`, 'utf8')
  }

  /** User and system time of all threads. */
  #ticks(): number {
    const fields = this.#proc('stat')
      .replace(/^.*\) /, '')
      .split(' ')
    return Number(fields[11]) + Number(fields[12]) // proc(5): utime, stime
  }

  async #readings(): Promise<number> {
    const page = await (await fetch(`${this.#url}/metrics`)).text()
    const counts = page.matchAll(/^telemetryx_readings_total\{.*quality="good"\} (\d+)$/gm)
    return [...counts].reduce((sum, [, count]) => sum + Number(count), 0)
  }
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
}
