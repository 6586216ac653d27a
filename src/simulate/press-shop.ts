// The press shop of the demo: three presses and what serves them, each behind a Modbus TCP server of its own.

import type { Clock, Timer } from '#kit/clock.ts'
import { seededRandom } from '#kit/random.ts'
import { planFaults, type PlannedFault } from './fault-plan.ts'
import type { SimulatedMachine } from './machine.ts'
import { ModbusServer } from './modbus-server.ts'
import { Press } from './press.ts'
import { Chiller, Compressor, EnergyMeter } from './utilities.ts'

const STEP_MS = 200

export interface PressShopOptions {
  readonly clock: Clock
  readonly seed: number
  /** false: nothing ever fails. Default true. */
  readonly faults?: boolean
}

/** A machine and where its server listens. */
export interface Endpoint {
  readonly machine: SimulatedMachine
  readonly port: number
}

export class PressShop {
  readonly machines: readonly SimulatedMachine[] = [
    new Press({ number: 1, strokeRate: 24, oilDegC: 52 }),
    new Press({ number: 2, strokeRate: 30, oilDegC: 57 }),
    new Press({ number: 3, strokeRate: 18, oilDegC: 48 }),
    new Compressor(),
    new Chiller(),
    new EnergyMeter(),
  ]
  readonly #options: PressShopOptions
  readonly #random: () => number
  readonly #servers: ModbusServer[] = []
  readonly #plan: Generator<PlannedFault>
  readonly #running = new Set<PlannedFault>()
  #next: PlannedFault | null
  #timer: Timer | null = null
  #elapsed = 0

  constructor(options: PressShopOptions) {
    this.#options = options
    this.#random = seededRandom(options.seed)
    this.#plan = planFaults(this.machines, seededRandom(options.seed + 1))
    this.#next = options.faults === false ? null : this.#plan.next().value
  }

  /** Starts the servers on free ports of 127.0.0.1 and the machines. */
  async start(): Promise<readonly Endpoint[]> {
    const endpoints: Endpoint[] = []
    for (const machine of this.machines) {
      machine.step(STEP_MS / 1000, this.#random)
      const server = new ModbusServer(new Map([[1, machine.unit]]))
      this.#servers.push(server)
      endpoints.push({ machine, port: await server.listen(0) })
    }
    this.#schedule()
    return endpoints
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    await Promise.all(this.#servers.map((server) => server.close()))
  }

  #schedule(): void {
    const before = this.#options.clock.monotonic()
    this.#timer = this.#options.clock.after(STEP_MS, () => {
      this.#step((this.#options.clock.monotonic() - before) / 1000)
      this.#schedule()
    })
  }

  #step(seconds: number): void {
    this.#elapsed += seconds
    while (this.#next !== null && this.#next.from <= this.#elapsed) {
      this.#machine(this.#next.device).setFault(this.#next.fault, true)
      this.#running.add(this.#next)
      this.#next = this.#plan.next().value
    }
    for (const fault of this.#running) {
      if (fault.until > this.#elapsed) continue
      this.#machine(fault.device).setFault(fault.fault, false)
      this.#running.delete(fault)
    }
    for (const machine of this.machines) machine.step(seconds, this.#random)
  }

  #machine(device: string): SimulatedMachine {
    return this.machines.find((machine) => machine.device === device)!
  }
}

/** The devices of the shop as gateway.yaml, for the demo. */
export function pressShopDevices(endpoints: readonly Endpoint[]): string {
  const lines = ['devices:']
  for (const { machine, port } of endpoints) {
    lines.push(
      `  - id: ${machine.device}`,
      '    driver: modbus',
      `    machine: ${machine.name}`,
      `    connection: { transport: tcp, host: 127.0.0.1, port: ${port}, unit: 1, timeout: 2s }`,
      '    poll: 500ms',
      '    sensors:',
      ...machine.sensors.map((sensor) => `      - ${sensor}`),
    )
  }
  return `${lines.join('\n')}\n`
}
