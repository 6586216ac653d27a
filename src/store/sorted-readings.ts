// Readings of many sensors sorted by sensor in one piece of memory, by counting: first how many each sensor has, then each
// to its place. Thousands of small arrays instead would leave the thread's heap in pieces, and large.

import { ENTRY, type RecordBatch } from '#domain/reading.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import { allocateColumns, Series, type SeriesColumns } from './series.ts'
import { ValueCells } from './value-codec.ts'

/** How many readings each sensor has, by number; grows as needed. */
export class ReadingCounts {
  #counts = new Uint32Array(1024)

  add(batch: RecordBatch): void {
    for (let row = 0; row < batch.length; row++) {
      const sensor = batch.sensor[row]!
      if (sensor === ENTRY) continue
      if (sensor >= this.#counts.length) this.#grow(sensor)
      this.#counts[sensor]! += 1
    }
  }

  get bySensor(): Uint32Array {
    return this.#counts
  }

  #grow(sensor: SensorNumber): void {
    const larger = new Uint32Array(Math.max(sensor + 1, this.#counts.length * 2))
    larger.set(this.#counts)
    this.#counts = larger
  }
}

export class SortedReadings {
  readonly #columns: SeriesColumns
  readonly #start: Uint32Array
  /** Where the next reading of each sensor goes. */
  readonly #next: Uint32Array
  readonly #texts = new Map<SensorNumber, Map<number, string>>()

  constructor(counts: ReadingCounts) {
    const { bySensor } = counts
    this.#start = new Uint32Array(bySensor.length)
    let total = 0
    for (let sensor = 0; sensor < bySensor.length; sensor++) {
      this.#start[sensor] = total
      total += bySensor[sensor]!
    }
    this.#next = this.#start.slice()
    this.#columns = allocateColumns(total)
  }

  /** Takes the readings of a batch; it must have been counted. */
  add(batch: RecordBatch): void {
    const words = new Uint32Array(batch.value.buffer, batch.value.byteOffset, batch.value.length * 2)
    const { sourceTime, receivedAt, status, cells } = this.#columns
    for (let row = 0; row < batch.length; row++) {
      const sensor = batch.sensor[row]!
      if (sensor === ENTRY) continue
      const at = this.#next[sensor]!
      this.#next[sensor] = at + 1
      sourceTime[at] = batch.sourceTime[row]!
      receivedAt[at] = batch.receivedAt[row]!
      status[at] = batch.status[row]!
      cells.words[at * 2] = words[row * 2]!
      cells.words[at * 2 + 1] = words[row * 2 + 1]!
      if (batch.texts.size > 0) this.#keepText(sensor, at, batch.texts.get(row))
    }
  }

  /** Sensors with readings, in order of their numbers. */
  *sensors(): Generator<SensorNumber> {
    for (let sensor = 0; sensor < this.#start.length; sensor++) {
      if (this.#next[sensor]! > this.#start[sensor]!) yield sensor
    }
  }

  /** The readings of one sensor in order of arrival; shares memory with this. */
  series(sensor: SensorNumber): Series {
    const start = this.#start[sensor]!
    const end = this.#next[sensor]!
    const { sourceTime, receivedAt, status, cells } = this.#columns
    const series = new Series({
      sourceTime: sourceTime.subarray(start, end),
      receivedAt: receivedAt.subarray(start, end),
      status: status.subarray(start, end),
      cells: new ValueCells(cells.value.subarray(start, end)),
    })
    series.length = end - start
    for (const [row, text] of this.#texts.get(sensor) ?? []) series.texts.set(row, text)
    return series
  }

  #keepText(sensor: SensorNumber, at: number, text: string | undefined): void {
    if (text === undefined) return
    const texts = this.#texts.get(sensor) ?? new Map<number, string>()
    texts.set(at - this.#start[sensor]!, text)
    this.#texts.set(sensor, texts)
  }
}
