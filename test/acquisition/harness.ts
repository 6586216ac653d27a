// An acquisition over scripted devices in simulated time, with everything recorded that it passes on.

import type { EventEntry } from '#domain/alarm.ts'
import type { DeviceSetup, Log } from '#domain/driver.ts'
import { qualityOf, statusName, type Quality } from '#domain/quality.ts'
import type { ReadingSink } from '#domain/reading.ts'
import type { Sensor } from '#domain/sensor.ts'
import type { Value } from '#domain/value.ts'
import { createAcquisition, type AcquiredDevice, type Acquisition } from '#acquisition/acquisition.ts'
import type { Clock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { Registry } from '#kit/metrics.ts'
import { ScriptedDriver, type Script } from './scripted-driver.ts'

export interface Passed {
  /** Monotonic milliseconds. */
  readonly at: number
  readonly sensor: number
  readonly value: Value | null
  /** Name of the status. */
  readonly status: string
  readonly quality: Quality
}

export interface DeviceSpec {
  readonly id: string
  /** Sensors of each group, and its interval. */
  readonly groups: readonly { intervalMs: number | null; sensors: number }[]
  readonly script?: Partial<Script>
  readonly sensor?: Partial<Sensor>
}

export interface HarnessOptions {
  readonly devices: readonly DeviceSpec[]
  readonly random?: () => number
  readonly clock?: ManualClock
  readonly log?: Log
  readonly originMs?: number
}

export class Harness {
  readonly clock: ManualClock
  readonly driver: ScriptedDriver
  readonly registry = new Registry()
  readonly passed: Passed[] = []
  readonly events: EventEntry[] = []
  /** Quality of the latest reading by sensor number. */
  readonly latest = new Map<number, Passed>()
  readonly acquisition: Acquisition
  /** Called with each reading, as it is passed on. */
  onReading: (reading: Passed) => void = () => {}
  hasRoom = true
  /** Timers that acquisition has set and that wait. */
  timers = 0
  #nextSensor = 0

  constructor(options: HarnessOptions) {
    this.clock = options.clock ?? new ManualClock()
    this.driver = new ScriptedDriver(this.clock)
    this.acquisition = createAcquisition({
      clock: this.#counted(),
      log: options.log ?? silentLogger,
      registry: this.registry,
      random: options.random ?? (() => 0.5),
      sink: this.#recorder(),
      hasRoom: () => this.hasRoom,
      writeJournal: {
        latest: (sensor) => this.latest.get(sensor)?.value ?? null,
        record: (event) => void this.events.push(event),
      },
      sensorQuality: (sensor) => this.latest.get(sensor)?.quality ?? null,
      devices: options.devices.map((device) => this.define(device)),
      ...(options.originMs !== undefined && { originMs: options.originMs }),
    })
  }

  define(spec: DeviceSpec): AcquiredDevice {
    Object.assign(this.driver.of(spec.id).script, spec.script)
    const groups = spec.groups.map(({ intervalMs, sensors }) => ({
      intervalMs,
      points: Array.from({ length: sensors }, () => ({
        sensor: aSensor({
          number: this.#nextSensor,
          id: `${spec.id}.s${this.#nextSensor++}`,
          device: spec.id,
          ...spec.sensor,
        }),
        config: spec.id,
      })),
    }))
    const setup: DeviceSetup = { id: spec.id, config: {}, groups }
    this.driver.of(spec.id).setup = setup
    return { setup, driver: this.driver, machine: `Machine of ${spec.id}` }
  }

  async start(): Promise<void> {
    await this.acquisition.start(new AbortController().signal)
  }

  /** Stops while time goes on. */
  async stop(): Promise<void> {
    const stopped = this.acquisition.stop(new AbortController().signal)
    await this.clock.advance(60_000)
    await stopped
  }

  script(id: string): Script {
    return this.driver.of(id).script
  }

  sensorsOf(id: string): number[] {
    return this.driver.of(id).setup.groups.flatMap((group) => group.points.map((point) => point.sensor.number))
  }

  polls(id: string, group?: number): number[] {
    return this.driver
      .of(id)
      .calls.filter((call) => call.kind === 'poll' && (group === undefined || call.group === group))
      .map((call) => call.at)
  }

  count(id: string, kind: string): number {
    return this.driver.of(id).calls.filter((call) => call.kind === kind).length
  }

  readings(sensor: number): Passed[] {
    return this.passed.filter((reading) => reading.sensor === sensor)
  }

  /** Status names of the sensor's bad readings. */
  badStatuses(sensor: number): string[] {
    return this.readings(sensor)
      .filter((reading) => reading.quality === 'bad')
      .map((reading) => reading.status)
  }

  status(id: string) {
    const status = this.acquisition.get(id)
    if (status === undefined) throw new Error(`no device ${id}`)
    return status
  }

  #counted(): Clock {
    return {
      now: () => this.clock.now(),
      monotonic: () => this.clock.monotonic(),
      after: (delayMs, fire) => {
        this.timers += 1
        const timer = this.clock.after(delayMs, () => {
          this.timers -= 1
          fire()
        })
        return {
          cancel: () => {
            this.timers -= 1
            timer.cancel()
          },
        }
      },
    }
  }

  #recorder(): ReadingSink {
    const note = (sensor: number, value: Value | null, status: number): void => {
      const quality = qualityOf(status)
      const reading = { at: this.clock.monotonic(), sensor, value, status: statusName(status), quality }
      this.passed.push(reading)
      this.latest.set(sensor, reading)
      this.onReading(reading)
    }
    return {
      number: note,
      integer: note,
      text: note,
      bad: (sensor, status) => note(sensor, null, status),
    }
  }
}

export function aSensor(overrides: Partial<Sensor> = {}): Sensor {
  return {
    number: 0,
    id: 'd.s',
    device: 'd',
    name: 's',
    description: '',
    machine: 'm',
    valueType: 'number',
    unit: '',
    writable: false,
    scale: null,
    deadband: null,
    checks: [],
    ...overrides,
  }
}
