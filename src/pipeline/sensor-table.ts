// All that the pipeline knows of its sensors, in columns indexed by sensor number: settings, the latest reading, the
// last passed one. Typed arrays, so that a reading costs no allocation; numbers may have gaps after a reload.

import type { Model, Sensor, SensorNumber } from '#domain/sensor.ts'
import type { ValueType } from '#domain/value.ts'
import { compileScale, type CompiledScale } from '#kit/scale.ts'

/** Value types as bytes; ABSENT for a number that the model does not have. */
export const Kind = { absent: 0, number: 1, boolean: 2, int64: 3, uint64: 4, string: 5 } as const

/** Deadbands as bytes. */
export const Band = { none: 0, set: 1 } as const

/** Grades of quality in `counts`: the two top bits of a status code. */
const GRADES = 4

/** A reading of each sensor: 64-bit integers stand in `bits`, which are the same cells as `value`. */
export class ReadingColumns {
  readonly value: Float64Array
  readonly bits: BigInt64Array
  readonly text: string[]
  readonly status: Uint32Array
  /** Source time, Unix milliseconds; NaN when the source gave none. */
  readonly sourceTime: Float64Array
  /** Unix milliseconds; NaN before the first reading. */
  readonly receivedAt: Float64Array

  constructor(size: number) {
    this.value = new Float64Array(size)
    this.bits = new BigInt64Array(this.value.buffer)
    this.text = Array.from({ length: size }, () => '')
    this.status = new Uint32Array(size)
    this.sourceTime = new Float64Array(size)
    this.receivedAt = new Float64Array(size).fill(Number.NaN)
  }

  /** The source's time if it gave one, else the receive time. */
  timeOf(row: number): number {
    const sourceTime = this.sourceTime[row]!
    return Number.isNaN(sourceTime) ? this.receivedAt[row]! : sourceTime
  }

  copyRow(from: ReadingColumns, row: number): void {
    this.bits[row] = from.bits[row]!
    this.text[row] = from.text[row]!
    this.status[row] = from.status[row]!
    this.sourceTime[row] = from.sourceTime[row]!
    this.receivedAt[row] = from.receivedAt[row]!
  }
}

export class SensorTable {
  #sensors: (Sensor | undefined)[] = []
  #devices = new Map<string, number>()
  size = 0
  /** Sensors in the model. */
  count = 0
  kind = new Uint8Array(0)
  band = new Uint8Array(0)
  bandAbsolute = new Float64Array(0)
  /** Milliseconds; Infinity: no limit. */
  bandMaxInterval = new Float64Array(0)
  scale: (CompiledScale | undefined)[] = []
  /** First cell of the sensor's device in `counts`. */
  countsAt = new Uint32Array(0)
  /** Readings taken, by device and grade of quality; kept for devices that a reload removed, as totals never go down. */
  counts = new Float64Array(0)
  latest = new ReadingColumns(0)
  passed = new ReadingColumns(0)

  sensorAt(number: SensorNumber): Sensor | undefined {
    return this.#sensors[number]
  }

  /** Devices in the order of `counts`, this run's removed ones included. */
  get devices(): readonly string[] {
    return [...this.#devices.keys()]
  }

  /** Totals of one device by the two top bits of the status. */
  countsOf(device: string): Float64Array {
    const at = this.#devices.get(device)! * GRADES
    return this.counts.subarray(at, at + GRADES)
  }

  /** Takes up a model. Readings of sensors with the same number are kept: it stands for one id and value type for good. */
  replace(model: Model): void {
    const size = model.sensors.reduce((most, { number }) => Math.max(most, number + 1), 0)
    const { latest, passed, size: oldSize } = this
    this.size = size
    this.count = model.sensors.length
    this.#sensors = Array.from<Sensor | undefined>({ length: size })
    this.kind = new Uint8Array(size)
    this.band = new Uint8Array(size)
    this.bandAbsolute = new Float64Array(size)
    this.bandMaxInterval = new Float64Array(size).fill(Infinity)
    this.scale = Array.from<CompiledScale | undefined>({ length: size })
    this.countsAt = new Uint32Array(size)
    this.latest = new ReadingColumns(size)
    this.passed = new ReadingColumns(size)
    for (const sensor of model.sensors) {
      this.#set(sensor)
      if (sensor.number >= oldSize) continue
      this.latest.copyRow(latest, sensor.number)
      this.passed.copyRow(passed, sensor.number)
    }
    const counts = new Float64Array(this.#devices.size * GRADES)
    counts.set(this.counts)
    this.counts = counts
  }

  #set(sensor: Sensor): void {
    const { number, deadband, scale, device } = sensor
    this.#sensors[number] = sensor
    this.kind[number] = kindOf(sensor.valueType)
    if (deadband !== null) {
      this.band[number] = Band.set
      this.bandAbsolute[number] = deadband.absolute
      this.bandMaxInterval[number] = deadband.maxIntervalMs ?? Infinity
    }
    if (scale !== null) this.scale[number] = compileScale(scale)
    if (!this.#devices.has(device)) this.#devices.set(device, this.#devices.size)
    this.countsAt[number] = this.#devices.get(device)! * GRADES
  }
}

/** Value of a 64-bit sensor in one of the table's columns. */
export function integerOf(table: SensorTable, readings: ReadingColumns, sensor: SensorNumber): bigint {
  const bits = readings.bits[sensor]!
  return table.kind[sensor] === Kind.uint64 ? BigInt.asUintN(64, bits) : bits
}

function kindOf(valueType: ValueType): number {
  return Kind[valueType]
}
