// State of one device, as people see it, and what its sensors are told when it fails: one bad reading each.

import type { Log, Point } from '#domain/driver.ts'
import type { TelemetryError } from '#domain/errors.ts'
import type { DeviceState } from '#domain/views.ts'
import type { Clock } from '#kit/clock.ts'
import { failureStatus } from './failure.ts'
import type { SensorStates } from './sensor-states.ts'

export interface DeviceHealthOptions {
  readonly timers: Clock
  /** Adds the device's id to each line. */
  readonly log: Log
  readonly states: SensorStates
  /** All points of the device. */
  readonly points: readonly Point[]
}

/** `paused` is not among the states here: it is a matter of the buffer, not of the device. */
export type HealthState = Exclude<DeviceState, 'paused'>

export class DeviceHealth {
  readonly #options: DeviceHealthOptions
  #state: HealthState = 'connecting'
  #since: number
  #sinceMonotonic: number
  #reason: string | null = 'connecting for the first time'

  constructor(options: DeviceHealthOptions) {
    this.#options = options
    this.#since = options.timers.now()
    this.#sinceMonotonic = options.timers.monotonic()
  }

  get state(): HealthState {
    return this.#state
  }

  /** Wall clock, Unix milliseconds. */
  get since(): number {
    return this.#since
  }

  /** Milliseconds in the present state. */
  get ageMs(): number {
    return this.#options.timers.monotonic() - this.#sinceMonotonic
  }

  get reason(): string | null {
    return this.#reason
  }

  connecting(reason: string): void {
    this.#enter('connecting', reason)
  }

  up(): void {
    if (this.#enter('up', null)) this.#options.log.info({}, 'Device is up')
  }

  /** Each sensor gets a bad reading, unless it already has one that tells of this outage. */
  down(error: TelemetryError): void {
    if (this.#enter('down', error.message)) {
      this.#options.log.warn({ code: error.code, reason: error.message }, 'Device is down')
    }
    const status = failureStatus(error)
    for (const { sensor } of this.#options.points) this.#options.states.mark(sensor.number, status)
  }

  stopped(): void {
    this.#enter('stopped', 'stopped')
  }

  /** False when it was in this state already. */
  #enter(state: HealthState, reason: string | null): boolean {
    this.#reason = reason
    if (this.#state === state) return false
    this.#state = state
    this.#since = this.#options.timers.now()
    this.#sinceMonotonic = this.#options.timers.monotonic()
    return true
  }
}
