// Reads all devices: composes scheduler, buses and running devices, and is their directory for the API. Devices can be
// added and removed one by one while the others run on.

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Component } from '#domain/component.ts'
import type { BlockRead, DriverServices, Log, Point, WireFrame } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { Quality } from '#domain/quality.ts'
import type { ReadingSink } from '#domain/reading.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { Value } from '#domain/value.ts'
import type { DeviceDirectory, DeviceLatency, DeviceStatus, WriteOrigin } from '#domain/views.ts'
import type { Clock } from '#kit/clock.ts'
import type { Registry, Sample } from '#kit/metrics.ts'
import { isSameAcquisition, type AcquiredDevice } from './acquired-device.ts'
import { AcquisitionMetrics } from './acquisition-metrics.ts'
import { Buses } from './bus.ts'
import type { DeviceServices } from './device-services.ts'
import { Phases } from './phases.ts'
import { PAUSE_REASON, RoomGate } from './room-gate.ts'
import { RunningDevice } from './running-device.ts'
import { Scheduler } from './scheduler.ts'
import { SensorStates } from './sensor-states.ts'
import { WriteDesk, type WriteJournal } from './write-desk.ts'

export type { AcquiredDevice } from './acquired-device.ts'

/** Devices that are started without a look at what else is due: the polls of the others must not wait for hundreds of them. */
export const STARTS_A_TURN = 10

export interface AcquisitionOptions {
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
  /** Uniform in [0, 1); spreads reconnects. */
  random(): number
  readonly sink: ReadingSink
  /** False: no poll starts until it is true again. */
  hasRoom(): boolean
  /** Quality of the latest reading; null when there is none yet. */
  sensorQuality(sensor: SensorNumber): Quality | null
  readonly devices: readonly AcquiredDevice[]
  /** Monotonic time from which all deadlines are counted; default: now. */
  readonly originMs?: number
  /** Passed on to the drivers. */
  readonly offered?: DriverServices
  /** Where writes are told of; absent: only in the log. */
  readonly writeJournal?: WriteJournal
}

export interface Acquisition extends Component, DeviceDirectory {
  readBlock(id: string, block: BlockRead, signal: AbortSignal): Promise<Uint8Array>
  probe(id: string): Promise<void>
  /** How long the most overdue of its timers has been due, ms: a few when all is well. */
  readonly lateMs: number
  /**
   * Makes `devices` the ones that run: starts new ones, stops those that are gone, restarts the changed ones; all others
   * run on undisturbed. Resolves when this is done; does not wait for connections. `between` is called when those that
   * leave have ended and none of the others has begun: no reading arrives then that was asked for under the old settings.
   */
  applyDevices(devices: readonly AcquiredDevice[], between?: () => void): Promise<void>
}

export function createAcquisition(options: AcquisitionOptions): Acquisition {
  return new DeviceAcquisition(options)
}

interface Entry {
  definition: AcquiredDevice
  readonly running: RunningDevice
}

class DeviceAcquisition implements Acquisition {
  readonly name = 'acquisition'
  readonly #options: AcquisitionOptions
  readonly #scheduler: Scheduler
  readonly #services: DeviceServices
  readonly #entries = new Map<string, Entry>()
  readonly #points = new Map<SensorNumber, { point: Point; running: RunningDevice }>()
  readonly #desk: WriteDesk
  #isStarted = false
  #stopping: Promise<void> | null = null
  #applying: Promise<void> = Promise.resolve()

  constructor(options: AcquisitionOptions) {
    const { clock, log, registry, sink } = options
    this.#options = options
    this.#scheduler = new Scheduler(clock, log)
    this.#desk = new WriteDesk({ clock, log, journal: options.writeJournal ?? null })
    const buses = new Buses(this.#scheduler)
    this.#services = {
      timers: this.#scheduler,
      originMs: options.originMs ?? clock.monotonic(),
      log,
      random: () => options.random(),
      states: new SensorStates(sink),
      gate: new RoomGate(
        this.#scheduler,
        () => options.hasRoom(),
        (isOpen) => {
          if (isOpen) log.info({}, 'Polling goes on')
          else log.warn({ reason: PAUSE_REASON }, 'Polling pauses')
        },
      ),
      buses,
      phases: new Phases(),
      metrics: new AcquisitionMetrics(registry, {
        up: () => this.#samples((running) => (running.isUp ? 1 : 0)),
        busBusy: () => buses.busySamples(),
        deviceBusy: () => this.#samples((running) => running.busySeconds),
        errors: () => this.#errorSamples(),
      }),
      offered: options.offered ?? {},
    }
    for (const device of options.devices) this.#add(device)
  }

  get lateMs(): number {
    return this.#scheduler.lateMs
  }

  start(signal: AbortSignal): Promise<void> {
    if (signal.aborted)
      return Promise.reject(new TelemetryError('ABORTED', 'The start was stopped', { cause: signal.reason }))
    if (this.#stopping !== null) return Promise.reject(new TelemetryError('CONFLICT', 'Acquisition has been stopped'))
    this.#isStarted = true
    for (const { running } of this.#entries.values()) running.start()
    return Promise.resolve()
  }

  async stop(signal: AbortSignal): Promise<void> {
    this.#stopping ??= this.#stopDevices()
    await untilAborted(this.#stopping, signal)
    this.#scheduler.close()
  }

  list(): readonly DeviceStatus[] {
    return [...this.#entries.values()].map((entry) => this.#statusOf(entry))
  }

  get(id: string): DeviceStatus | undefined {
    const entry = this.#entries.get(id)
    return entry && this.#statusOf(entry)
  }

  latency(id: string): DeviceLatency {
    return this.#running(id).latency()
  }

  frames(id: string): readonly WireFrame[] | null {
    const entry = this.#entries.get(id)
    if (entry === undefined) throw new TelemetryError('NOT_FOUND', `There is no device "${id}"`)
    return entry.running.frames()
  }

  async restart(id: string): Promise<void> {
    await this.#running(id).restart()
  }

  async readBlock(id: string, block: BlockRead, signal: AbortSignal): Promise<Uint8Array> {
    return this.#running(id).readBlock(block, signal)
  }

  async probe(id: string): Promise<void> {
    await this.#running(id).probe()
  }

  #running(id: string): RunningDevice {
    const entry = this.#entries.get(id)
    if (entry === undefined) throw new TelemetryError('NOT_FOUND', `There is no device "${id}"`)
    return entry.running
  }

  async write(sensor: SensorNumber, value: Value, origin: WriteOrigin, signal: AbortSignal): Promise<Value> {
    const found = this.#points.get(sensor)
    if (found === undefined) throw new TelemetryError('NOT_FOUND', 'There is no such sensor')
    const { point, running } = found
    return this.#desk.write({ sensor: point.sensor, value, origin }, (order) => running.write(point, order, signal))
  }

  applyDevices(devices: readonly AcquiredDevice[], between?: () => void): Promise<void> {
    // One after the other, whatever became of the one before.
    const applied = this.#applying.then(() => this.#apply(devices, between))
    this.#applying = applied.catch(() => {})
    return applied
  }

  async #apply(devices: readonly AcquiredDevice[], between: (() => void) | undefined): Promise<void> {
    if (this.#stopping !== null) throw new TelemetryError('CONFLICT', 'Acquisition has been stopped')
    const wanted = new Map(devices.map((device) => [device.setup.id, device]))
    const leaving = [...this.#entries.values()].filter(({ definition }) => {
      const next = wanted.get(definition.setup.id)
      return next === undefined || !isSameAcquisition(definition, next)
    })
    await Promise.all(leaving.map((entry) => this.#remove(entry)))
    between?.()
    const coming: AcquiredDevice[] = []
    for (const device of devices) {
      const kept = this.#entries.get(device.setup.id)
      if (kept === undefined) coming.push(device)
      else {
        kept.definition = device
        this.#enterPoints(device, kept.running)
      }
    }
    for (const [index, device] of coming.entries()) {
      if (index > 0 && index % STARTS_A_TURN === 0) await nextTurn()
      if (this.#stopping !== null) return
      const running = this.#add(device)
      if (this.#isStarted) running.start()
    }
  }

  #add(definition: AcquiredDevice): RunningDevice {
    const running = new RunningDevice(definition, this.#services)
    this.#entries.set(definition.setup.id, { definition, running })
    this.#enterPoints(definition, running)
    return running
  }

  #enterPoints({ setup }: AcquiredDevice, running: RunningDevice): void {
    for (const group of setup.groups) {
      for (const point of group.points) this.#points.set(point.sensor.number, { point, running })
    }
  }

  async #remove({ definition, running }: Entry): Promise<void> {
    for (const group of definition.setup.groups) {
      for (const { sensor } of group.points) this.#points.delete(sensor.number)
    }
    this.#entries.delete(definition.setup.id)
    await running.stop()
    running.release()
  }

  async #stopDevices(): Promise<void> {
    await Promise.all([...this.#entries.values()].map(({ running }) => running.stop()))
    await this.#applying
  }

  #statusOf({ definition, running }: Entry): DeviceStatus {
    let badSensors = 0
    for (const group of definition.setup.groups) {
      for (const { sensor } of group.points) {
        if (this.#options.sensorQuality(sensor.number) === 'bad') badSensors += 1
      }
    }
    return { ...running.status(), badSensors }
  }

  *#samples(value: (running: RunningDevice) => number): Iterable<Sample> {
    for (const [device, { running }] of this.#entries) yield { labels: { device }, value: value(running) }
  }

  *#errorSamples(): Iterable<Sample> {
    for (const [device, { running }] of this.#entries) {
      for (const [kind, value] of running.errors) yield { labels: { device, kind }, value }
    }
  }
}

/** Resolves with `work`, or when `signal` aborts. */
function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
    work.then(resolve, reject)
  })
}
