// What acquisition keeps for each sensor, in typed arrays by sensor number: whose it is, in which poll it last had a
// result, and whether its present reading is the bad one that tells of its device's failure.

import { NO_TIME, type ReadingSink } from '#domain/reading.ts'
import type { StatusCode } from '#domain/quality.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { Point } from '#domain/driver.ts'

export class SensorStates {
  readonly sink: ReadingSink
  /** Id of the group that a sensor belongs to; 0: none. */
  owner = new Uint32Array(64)
  /** Number of the group's poll in which the sensor last had a result. */
  generation = new Uint32Array(64)
  /** 1: the failure of its device was told and no result has come since. */
  isMarked = new Uint8Array(64)
  #lastOwner = 0

  constructor(sink: ReadingSink) {
    this.sink = sink
  }

  /** Makes the points a group; returns its id, which is never given twice. */
  claim(points: readonly Point[]): number {
    this.#lastOwner += 1
    for (const { sensor } of points) {
      this.#reach(sensor.number)
      this.owner[sensor.number] = this.#lastOwner
      this.generation[sensor.number] = 0
      this.isMarked[sensor.number] = 0
    }
    return this.#lastOwner
  }

  /** Ends a group, unless its sensors belong to another by now. */
  release(points: readonly Point[], owner: number): void {
    for (const { sensor } of points) if (this.owner[sensor.number] === owner) this.owner[sensor.number] = 0
  }

  /** Gives a bad reading for a failure, unless this failure was already told. */
  mark(sensor: SensorNumber, status: StatusCode): void {
    if (this.isMarked[sensor] === 1) return
    this.isMarked[sensor] = 1
    this.sink.bad(sensor, status, NO_TIME)
  }

  #reach(sensor: SensorNumber): void {
    if (sensor < this.owner.length) return
    const length = Math.max(sensor + 1, this.owner.length * 2)
    this.owner = grown(this.owner, new Uint32Array(length))
    this.generation = grown(this.generation, new Uint32Array(length))
    this.isMarked = grown(this.isMarked, new Uint8Array(length))
  }
}

function grown<T extends Uint32Array | Uint8Array>(old: T, larger: T): T {
  larger.set(old)
  return larger
}
