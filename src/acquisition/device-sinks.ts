// The sinks that drivers write to. They pass readings on, and keep a driver within its own sensors, its own poll (one
// result for each point) and its own time (nothing after the poll or the connection has ended). Free of allocation.

import { NO_TIME, type ReadingSink } from '#domain/reading.ts'
import { Status, type StatusCode } from '#domain/quality.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { Point } from '#domain/driver.ts'
import type { DeviceStatistics } from './device-statistics.ts'
import type { SensorStates } from './sensor-states.ts'

abstract class GuardedSink implements ReadingSink {
  protected readonly states: SensorStates
  protected readonly statistics: DeviceStatistics
  protected readonly owner: number
  protected isOpen = true

  constructor(states: SensorStates, statistics: DeviceStatistics, owner: number) {
    this.states = states
    this.statistics = statistics
    this.owner = owner
  }

  number(sensor: SensorNumber, value: number, status: StatusCode, sourceTime: number): void {
    if (this.accept(sensor, true)) this.states.sink.number(sensor, value, status, sourceTime)
  }

  integer(sensor: SensorNumber, value: bigint, status: StatusCode, sourceTime: number): void {
    if (this.accept(sensor, true)) this.states.sink.integer(sensor, value, status, sourceTime)
  }

  text(sensor: SensorNumber, value: string, status: StatusCode, sourceTime: number): void {
    if (this.accept(sensor, true)) this.states.sink.text(sensor, value, status, sourceTime)
  }

  bad(sensor: SensorNumber, status: StatusCode, sourceTime: number): void {
    if (this.accept(sensor, false)) this.states.sink.bad(sensor, status, sourceTime)
  }

  /** From now on everything is dropped and counted as `late-result`. */
  close(): void {
    this.isOpen = false
  }

  protected abstract accept(sensor: SensorNumber, hasValue: boolean): boolean

  protected isOwn(sensor: SensorNumber): boolean {
    if (!this.isOpen) {
      this.statistics.countError('late-result')
      return false
    }
    if (this.states.owner[sensor] !== this.owner) {
      this.statistics.countError('foreign-result')
      return false
    }
    return true
  }
}

/** For one poll of one group. */
export class PollSink extends GuardedSink {
  readonly #generation: number
  #results = 0
  #values = 0

  /** @param generation number of this poll, unlike that of the group's poll before. */
  constructor(states: SensorStates, statistics: DeviceStatistics, owner: number, generation: number) {
    super(states, statistics, owner)
    this.#generation = generation
  }

  /** Points that had a value. */
  get values(): number {
    return this.#values
  }

  /** Ends a poll that succeeded; returns how many points the driver forgot: they are bad. */
  complete(points: readonly Point[]): number {
    this.close()
    const forgotten = points.length - this.#results
    if (forgotten > 0) {
      this.#forEachMissing(points, (sensor) => this.states.sink.bad(sensor, Status.BadInternalError, NO_TIME))
    }
    // The device answered, if only with refusals: its next failure is to be told again.
    if (this.#values < points.length) for (const { sensor } of points) this.states.isMarked[sensor.number] = 0
    return forgotten
  }

  /** Ends a poll that failed: points without a result are bad, which is told once. */
  fail(points: readonly Point[], status: StatusCode): void {
    this.close()
    if (this.#results < points.length) this.#forEachMissing(points, (sensor) => this.states.mark(sensor, status))
  }

  protected accept(sensor: SensorNumber, hasValue: boolean): boolean {
    if (!this.isOwn(sensor)) return false
    if (this.states.generation[sensor] === this.#generation) {
      this.statistics.countError('duplicate-result')
      return false
    }
    this.states.generation[sensor] = this.#generation
    this.#results += 1
    if (hasValue) {
      this.#values += 1
      this.states.isMarked[sensor] = 0
    }
    return true
  }

  #forEachMissing(points: readonly Point[], act: (sensor: SensorNumber) => void): void {
    for (const { sensor } of points) {
      if (this.states.generation[sensor.number] === this.#generation) continue
      this.states.generation[sensor.number] = this.#generation
      act(sensor.number)
    }
  }
}

/** For a source that sends by itself, from the subscription to the end of the connection. */
export class SubscriptionSink extends GuardedSink {
  protected accept(sensor: SensorNumber, hasValue: boolean): boolean {
    if (!this.isOwn(sensor)) return false
    this.states.isMarked[sensor] = 0
    if (hasValue) this.statistics.noteReading()
    return true
  }
}
