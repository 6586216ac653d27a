// The latest reading of each sensor as others see it, and the feed of changes: numbers of changed sensors, each once,
// given to the listeners in the turn of the event loop after the reading.

import type { Log } from '#domain/driver.ts'
import { isBad, qualityOf } from '#domain/quality.ts'
import type { Reading } from '#domain/reading.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { Value } from '#domain/value.ts'
import type { LatestValues } from '#domain/views.ts'
import { integerOf, Kind, type SensorTable } from './sensor-table.ts'

type Listener = (changed: Uint32Array, count: number) => void

export class LatestFeed implements LatestValues {
  readonly #table: SensorTable
  readonly #log: Log
  readonly #listeners = new Set<Listener>()
  #isChanged = new Uint8Array(0)
  #changed = new Uint32Array(0)
  /** What listeners are reading while new changes gather in the other array. */
  #given = new Uint32Array(0)
  #count = 0
  #scheduled: NodeJS.Immediate | null = null

  constructor(table: SensorTable, log: Log) {
    this.#table = table
    this.#log = log
    this.resize()
  }

  read(sensor: SensorNumber): Reading | null {
    const { latest } = this.#table
    const id = this.#table.sensorAt(sensor)?.id
    const receivedAt = latest.receivedAt[sensor]
    if (id === undefined || receivedAt === undefined || Number.isNaN(receivedAt)) return null
    const status = latest.status[sensor]!
    return {
      sensor: id,
      value: isBad(status) ? null : this.#value(sensor),
      status,
      quality: qualityOf(status),
      time: latest.timeOf(sensor),
      receivedAt,
    }
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** A sensor has a new reading. */
  touch(sensor: SensorNumber): void {
    if (this.#isChanged[sensor] === 1 || this.#listeners.size === 0) return
    this.#isChanged[sensor] = 1
    this.#changed[this.#count] = sensor
    this.#count += 1
    // After the I/O of this turn, so that all answers that have arrived make one call.
    this.#scheduled ??= setImmediate(() => this.#give())
  }

  /** To be called when the table has been replaced. */
  resize(): void {
    const { size } = this.#table
    const waiting = this.#changed.subarray(0, this.#count)
    this.#isChanged = new Uint8Array(size)
    this.#changed = new Uint32Array(size)
    this.#given = new Uint32Array(size)
    this.#count = 0
    for (const sensor of waiting) if (sensor < size) this.touch(sensor)
  }

  close(): void {
    if (this.#scheduled !== null) clearImmediate(this.#scheduled)
    this.#scheduled = null
    this.#listeners.clear()
  }

  #value(sensor: SensorNumber): Value {
    const { latest, kind } = this.#table
    switch (kind[sensor]) {
      case Kind.boolean:
        return latest.value[sensor] !== 0
      case Kind.int64:
      case Kind.uint64:
        return integerOf(this.#table, latest, sensor)
      case Kind.string:
        return latest.text[sensor]!
      default:
        return latest.value[sensor]!
    }
  }

  #give(): void {
    this.#scheduled = null
    const given = this.#changed
    const count = this.#count
    this.#changed = this.#given
    this.#given = given
    this.#count = 0
    for (let at = 0; at < count; at++) this.#isChanged[given[at]!] = 0
    for (const listener of this.#listeners) {
      try {
        listener(given, count)
      } catch (error) {
        this.#log.error({ err: error }, 'A listener for readings failed')
      }
    }
  }
}
