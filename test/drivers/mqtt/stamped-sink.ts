// A sink that keeps every reading with its status and time, in order.

import { statusName } from '#domain/quality.ts'
import type { ReadingSink } from '#domain/reading.ts'
import type { Value } from '#domain/value.ts'

export interface Stamped {
  readonly sensor: number
  readonly value: Value | null
  readonly status: string
  /** null: none. */
  readonly time: number | null
}

export class StampedSink implements ReadingSink {
  readonly readings: Stamped[] = []

  number(sensor: number, value: number, status: number, time: number): void {
    this.#keep(sensor, value, status, time)
  }
  integer(sensor: number, value: bigint, status: number, time: number): void {
    this.#keep(sensor, value, status, time)
  }
  text(sensor: number, value: string, status: number, time: number): void {
    this.#keep(sensor, value, status, time)
  }
  bad(sensor: number, status: number, time: number): void {
    this.#keep(sensor, null, status, time)
  }

  /** Values of one sensor, without what came bad. */
  valuesOf(sensor: number): Value[] {
    return this.readings.flatMap((reading) =>
      reading.sensor === sensor && reading.value !== null ? [reading.value] : [],
    )
  }

  last(sensor: number): Stamped | undefined {
    return this.readings.findLast((reading) => reading.sensor === sensor)
  }

  #keep(sensor: number, value: Value | null, status: number, time: number): void {
    this.readings.push({ sensor, value, status: statusName(status), time: Number.isNaN(time) ? null : time })
  }
}
