// Simulated devices at run time: starts what serves them, and lets faults begin and end at their times.

import type { Clock, Timer } from '#kit/clock.ts'
import { seededRandom } from '#kit/random.ts'
import { buildSimulation, type Built, type BuiltDevice } from './build.ts'
import { FaultSchedule, type FaultTimes } from './fault-schedule.ts'
import type { SimulationFiles } from './files.ts'
import { LINE_FAULTS, type LineFault } from './line-faults.ts'
import type { DeviceSpec, FaultSpec } from './schema.ts'

/** How often the faults are looked after. */
const TICK_MS = 100

export interface SimulationEvent {
  /** Unix milliseconds. */
  readonly time: number
  readonly device: string
  /** In plain words: `silence begins`. */
  readonly text: string
}

export interface SimulationOptions {
  readonly devices: readonly DeviceSpec[]
  readonly seed: number
  readonly clock: Clock
  readonly files: SimulationFiles
  /** Folder for what a server keeps (certificates). */
  readonly dir: string
  readonly onEvent?: (event: SimulationEvent) => void
}

export interface StartedDevice {
  readonly device: string
  readonly protocol: DeviceSpec['protocol']
  /** Where it can be reached: `127.0.0.1:5020`, a path, a URL. */
  readonly where: string
}

interface ScheduledDevice {
  readonly device: BuiltDevice
  readonly schedule: FaultSchedule<FaultTimes & { readonly spec: FaultSpec }>
}

export class Simulation {
  readonly #options: SimulationOptions
  readonly #built: Built
  readonly #scheduled: readonly ScheduledDevice[]
  #startedAt: number
  #timer: Timer | null = null

  /** Reads the files that the description names. Throws an Error for one that cannot be used. */
  constructor(options: SimulationOptions) {
    const { clock, devices, seed, files, dir } = options
    this.#options = options
    this.#startedAt = clock.monotonic()
    this.#built = buildSimulation(devices, {
      clock,
      files,
      dir,
      random: seededRandom(seed),
      seconds: () => (clock.monotonic() - this.#startedAt) / 1000,
      onState: (device, text) => this.#tell(device, text),
    })
    this.#scheduled = this.#built.devices.map((device) => ({
      device,
      schedule: new FaultSchedule(
        faultsOf(device.spec).map((spec) => ({ spec, at: spec.at, for: spec.for ?? null, every: spec.every ?? null })),
      ),
    }))
  }

  /** Starts everything; when one fails, what has started is stopped. Throws PORT_IN_USE, RUNTIME_MISSING, CONNECTION_FAILED. */
  async start(): Promise<readonly StartedDevice[]> {
    const places = new Map<string, string>()
    try {
      await Promise.all(
        this.#built.stations.map(async (station) => {
          const where = await station.start()
          for (const device of station.devices) places.set(device, where)
        }),
      )
    } catch (error) {
      await this.stop()
      throw error
    }
    this.#startedAt = this.#options.clock.monotonic()
    this.#tick()
    return this.#built.devices.map(({ spec: { id, protocol } }) => ({ device: id, protocol, where: places.get(id)! }))
  }

  /** Safe to call twice. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    await Promise.allSettled(this.#built.stations.map((station) => station.stop()))
  }

  #tick(): void {
    const { clock } = this.#options
    const nowMs = clock.monotonic() - this.#startedAt
    for (const { device, schedule } of this.#scheduled) {
      for (const { fault, isActive } of schedule.changes(nowMs)) this.#setFault(device, fault.spec, isActive)
    }
    this.#timer = clock.after(TICK_MS, () => this.#tick())
  }

  #setFault({ spec, points, faults }: BuiltDevice, fault: FaultSpec, isActive: boolean): void {
    if ('point' in fault) points?.setFault(fault, isActive)
    else if (isLineFault(fault.type)) {
      const settings =
        fault.type === 'late' ? { delayMs: fault.delay } : fault.type === 'exception' ? { code: fault.code } : {}
      faults.set(fault.type, isActive, settings)
    }
    const what = 'point' in fault ? `${fault.type} of ${fault.point}` : fault.type
    this.#tell(spec.id, `${what} ${isActive ? 'begins' : 'ends'}`)
  }

  #tell(device: string, text: string): void {
    this.#options.onEvent?.({ time: this.#options.clock.now(), device, text })
  }
}

function faultsOf(spec: DeviceSpec): readonly FaultSpec[] {
  return spec.faults ?? []
}

function isLineFault(type: FaultSpec['type']): type is LineFault {
  return LINE_FAULTS.some((fault) => fault === type)
}
