// One HTTP device at run time: while it is subscribed it takes, through the gateway's inbox, what programs send.

import type { Device, DriverContext, Point, PollOutcome } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import { isId } from '#domain/ids.ts'
import type { AppearingSensor, InboxEndpoint, IngestProblem, IngestReading } from '#domain/ingest.ts'
import type { ReadingSink } from '#domain/reading.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { JsonValue } from '#domain/value.ts'
import type { HttpSensorConfig } from './schema.ts'
import { giveValue, typeOfFirst, VALUE_TYPES, valueFault, type HttpType } from './values.ts'

interface Field {
  readonly sensor: SensorNumber
  readonly type: HttpType
}

export interface HttpDeviceOptions {
  readonly id: string
  readonly points: readonly Point[]
  /** Most sensors, when what is not among `points` becomes one as it is sent; null: it does not. */
  readonly maxSensors: number | null
  readonly context: DriverContext
}

const MAX_NAME_LENGTH = 100

export class HttpDevice implements Device, InboxEndpoint {
  readonly bus: string
  readonly #id: string
  readonly #context: DriverContext
  readonly #maxSensors: number | null
  /** Ids of its sensors, within the device. */
  readonly #names = new Set<string>()
  readonly #fields = new Map<string, Field>()
  #sink: ReadingSink | null = null
  #leave: (() => void) | null = null

  constructor({ id, points, maxSensors, context }: HttpDeviceOptions) {
    this.bus = `http:${id}`
    this.#id = id
    this.#context = context
    this.#maxSensors = maxSensors
    for (const { sensor, config } of points) {
      const { field = sensor.name, type = 'number' } = config as HttpSensorConfig
      this.#fields.set(field, { sensor: sensor.number, type })
      this.#names.add(sensor.name)
    }
    // Elsewhere in the API a sensor has its full id: it is understood here as well.
    for (const { sensor, config } of points) {
      const { type = 'number' } = config as HttpSensorConfig
      if (!this.#fields.has(sensor.id)) this.#fields.set(sensor.id, { sensor: sensor.number, type })
    }
  }

  connect(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(new TelemetryError('ABORTED', 'Connecting was stopped'))
    return Promise.resolve()
  }

  poll(): Promise<PollOutcome> {
    return Promise.reject(new TelemetryError('CONNECTION_LOST', 'An HTTP device is sent to; it is never asked'))
  }

  subscribe(sink: ReadingSink): Promise<void> {
    const { inbox } = this.#context
    if (inbox === undefined)
      return Promise.reject(new TelemetryError('CONFIG_INVALID', 'Nobody passes on what programs send'))
    this.#leave?.()
    this.#sink = sink
    this.#leave = inbox.open(this.#id, this)
    return Promise.resolve()
  }

  check(readings: readonly IngestReading[]): readonly IngestProblem[] {
    const problems: IngestProblem[] = []
    const appearing = new Map<string, HttpType>()
    for (const [reading, { sensor, value }] of readings.entries()) {
      const type = this.#fields.get(sensor)?.type ?? appearing.get(sensor)
      const fault = type === undefined ? this.#firstFault(sensor, value, appearing) : valueFault(type, value)
      if (fault !== null) problems.push({ reading, message: type === undefined ? fault : `value ${fault}` })
    }
    return problems
  }

  appearing(readings: readonly IngestReading[]): readonly AppearingSensor[] {
    const appearing = new Map<string, AppearingSensor>()
    for (const { sensor, value } of readings) {
      const type = this.#fields.has(sensor) || appearing.has(sensor) ? null : typeOfFirst(value)
      if (type !== null)
        appearing.set(sensor, { name: sensor, valueType: VALUE_TYPES[type], config: { field: sensor, type } })
    }
    return [...appearing.values()]
  }

  /** What stands against a sensor that has not been heard of; without a fault it is added to `appearing`. */
  #firstFault(sensor: string, value: JsonValue, appearing: Map<string, HttpType>): string | null {
    const shown = JSON.stringify(sensor)
    if (this.#maxSensors === null) return `sensor ${shown} is unknown to ${this.#id}`
    if (sensor.length > MAX_NAME_LENGTH || !isId(sensor))
      return `sensor ${shown} cannot become a sensor: its name must be of a to z, 0 to 9, - and _, at most ${MAX_NAME_LENGTH}`
    if (this.#names.has(sensor)) return `sensor ${shown} cannot become a sensor: another one of ${this.#id} has this id`
    const type = typeOfFirst(value)
    if (type === null) return `sensor ${shown} is new, and its first value does not tell what it is`
    if (this.#names.size + appearing.size >= this.#maxSensors)
      return `sensor ${shown} is one too many: ${this.#id} has at most ${this.#maxSensors} sensors (maxSensors)`
    const fault = valueFault(type, value)
    if (fault !== null) return `value ${fault}`
    appearing.set(sensor, type)
    return null
  }

  take(readings: readonly IngestReading[]): void {
    const sink = this.#sink
    if (sink === null) return
    for (const { sensor, value, time } of readings) {
      const field = this.#fields.get(sensor)
      if (field !== undefined) giveValue(sink, { ...field, time }, value)
    }
  }

  close(): Promise<void> {
    this.#leave?.()
    this.#leave = null
    this.#sink = null
    return Promise.resolve()
  }
}
