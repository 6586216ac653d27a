// The pipeline of one gateway: made of intake, checks, alarms, latest values and the outlet into the ring, and what they
// share: the ticker and the metrics.

import { AlarmBook } from '#alarms/register.ts'
import type { Alarm, AlarmEntry, EventEntry } from '#domain/alarm.ts'
import type { Severity } from '#domain/check.ts'
import type { Log } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { ReadingSink } from '#domain/reading.ts'
import type { Model, SensorNumber } from '#domain/sensor.ts'
import type { AlarmRegister, CheckDesk, CheckStatus, LatestValues, ServiceRequest } from '#domain/views.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import type { Registry } from '#kit/metrics.ts'
import type { RingProducer } from '#kit/record-ring.ts'
import { CheckRunner } from './check-runner.ts'
import type { DetectorMemory, LearntState } from './detector-memory.ts'
import { DerivedSensors } from './derived.ts'
import { Intake } from './intake.ts'
import { LatestFeed } from './latest.ts'
import { Outlet } from './outlet.ts'
import { registerPipelineMetrics } from './pipeline-metrics.ts'
import { SensorTable } from './sensor-table.ts'

export interface PipelineOptions {
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
  readonly ring: RingProducer
  readonly model: Model
  /** Last transition of each alarm that was open at the last stop: the register goes on from there. */
  readonly openAlarms: readonly AlarmEntry[]
  /** What the detectors learnt in the last run. */
  readonly memory?: DetectorMemory | undefined
}

export interface Pipeline {
  readonly sink: ReadingSink
  readonly latest: LatestValues
  readonly alarms: AlarmRegister
  /** False from when the ring is nearly full under `block` until it has drained well: acquisition then starts no poll. */
  hasRoom(): boolean
  /** True when so many records with so many bytes of text can be taken in one go; also under `dropOldest` nothing is dropped for them. */
  hasRoomFor(records: number, textBytes: number): boolean
  /** Takes an event into the journal, at once or when there is room. False: given up and counted. */
  record(event: EventEntry): boolean
  /** Raises an alarm about the gateway itself; nothing happens while it is active. */
  raiseFault(fault: GatewayFault): void
  /** Clears it; nothing happens when it is not active. `comment` says why when it is not over by itself. */
  clearFault(fault: Pick<GatewayFault, 'part' | 'check'>, comment?: string): void
  /** State of the checks of one sensor: learning, level, running delays. */
  checks(sensor: SensorNumber): readonly CheckStatus[]
  /** What the detectors have learnt, for the next run. */
  learnt(): Iterable<LearntState>
  /** As CheckDesk in the domain. */
  takeOutOfService: CheckDesk['takeOutOfService']
  returnToService: CheckDesk['returnToService']
  /** Takes up a new model; sensors and checks that are as before keep their state. */
  replaceModel(model: Model): void
  close(): void
}

/** Something of the gateway itself that an operator must know of. Its alarm's sensor is `gateway.PART`. */
export interface GatewayFault {
  readonly part: 'store'
  readonly check: string
  readonly severity: Severity
  readonly message: string
}

/** How often delays, shelvings and waiting entries are looked after. */
const TICK_MS = 250

export function createPipeline(options: PipelineOptions): Pipeline {
  return new GatewayPipeline(options)
}

class GatewayPipeline implements Pipeline {
  readonly sink: ReadingSink
  readonly latest: LatestFeed
  readonly alarms: AlarmBook
  readonly #clock: Clock
  readonly #table = new SensorTable()
  readonly #outlet: Outlet
  readonly #checks: CheckRunner
  readonly #derived: DerivedSensors
  #timer: Timer

  constructor(options: PipelineOptions) {
    const { clock, log, registry, ring, openAlarms } = options
    this.#clock = clock
    this.#outlet = new Outlet({ ring, clock, log, registry })
    this.latest = new LatestFeed(this.#table, log)
    this.alarms = new AlarmBook({
      epoch: ring.epoch,
      now: () => clock.now(),
      journal: (entry) => void this.#outlet.entry(entry),
      record: (event) => void this.#outlet.entry(event),
      log,
      openAlarms,
    })
    this.#checks = new CheckRunner({ clock, table: this.#table, alarms: this.alarms, memory: options.memory })
    const intake = new Intake({
      clock,
      registry,
      table: this.#table,
      latest: this.latest,
      checks: this.#checks,
      outlet: this.#outlet,
    })
    this.sink = intake
    this.#derived = new DerivedSensors({ clock, registry, table: this.#table, sink: intake })
    intake.derived = this.#derived
    this.replaceModel(options.model)
    registerPipelineMetrics({ registry, table: this.#table, intake, alarms: this.alarms })
    this.#timer = this.#clock.after(TICK_MS, () => this.#tick())
  }

  hasRoom(): boolean {
    return this.#outlet.hasRoom()
  }

  hasRoomFor(records: number, textBytes: number): boolean {
    return this.#outlet.hasRoomFor(records, textBytes)
  }

  record(event: EventEntry): boolean {
    return this.#outlet.entry(event)
  }

  raiseFault({ part, check, severity, message }: GatewayFault): void {
    const finding = { value: null, limit: null }
    const what = { sensor: `gateway.${part}`, check, checkType: 'system', level: 'fault', severity, message } as const
    this.alarms.report({ ...what, time: this.#clock.now(), finding })
  }

  clearFault({ part, check }: Pick<GatewayFault, 'part' | 'check'>, comment?: string): void {
    this.alarms.clear(`gateway.${part}`, check, this.#clock.now(), comment ?? null)
  }

  checks(sensor: SensorNumber): readonly CheckStatus[] {
    return this.#checks.statusOf(sensor)
  }

  learnt(): Iterable<LearntState> {
    return this.#checks.learnt()
  }

  takeOutOfService(
    sensor: SensorNumber,
    check: string,
    request: ServiceRequest & { readonly untilMs: number | null },
  ): Alarm {
    return this.alarms.takeCheckOutOfService(this.#checks.quietCheck(sensor, check), request)
  }

  returnToService(sensor: SensorNumber, check: string, { by, comment }: ServiceRequest): Alarm {
    const { sensor: id } = this.#checks.quietCheck(sensor, check)
    const alarm = this.alarms.ofCheck(id, check)
    if (!alarm) throw new TelemetryError('CONFLICT', `The check ${check} of ${id} is not out of service`)
    return this.alarms.returnToService(alarm.id, by, comment)
  }

  replaceModel(model: Model): void {
    this.#derived.flush()
    this.#table.replace(model)
    this.#outlet.reserveFor(model.sensors.length)
    this.latest.resize()
    this.#checks.replace(model.sensors)
    this.#derived.replace(model.sensors)
  }

  close(): void {
    this.#timer.cancel()
    this.#derived.close()
    this.#outlet.tick()
    this.latest.close()
  }

  #tick(): void {
    if (this.#derived.needsTick) this.#derived.tick()
    if (this.#checks.needsTick) this.#checks.tick()
    if (this.#outlet.needsTick) this.#outlet.tick()
    this.alarms.tick()
    this.#timer = this.#clock.after(TICK_MS, () => this.#tick())
  }
}
