// One HTTP device at run time: while it is subscribed it takes, through the gateway's inbox, what programs send.

import type { Device, DriverContext, Point, PollOutcome } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { InboxEndpoint, IngestProblem, IngestReading } from '#domain/ingest.ts'
import type { ReadingSink } from '#domain/reading.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { HttpSensorConfig } from './schema.ts'
import { giveValue, valueFault, type HttpType } from './values.ts'

interface Field {
  readonly sensor: SensorNumber
  readonly type: HttpType
}

export class HttpDevice implements Device, InboxEndpoint {
  readonly bus: string
  readonly #id: string
  readonly #context: DriverContext
  readonly #fields = new Map<string, Field>()
  #sink: ReadingSink | null = null
  #leave: (() => void) | null = null

  constructor(id: string, points: readonly Point[], context: DriverContext) {
    this.bus = `http:${id}`
    this.#id = id
    this.#context = context
    for (const { sensor, config } of points) {
      const { field = sensor.name, type = 'number' } = config as HttpSensorConfig
      this.#fields.set(field, { sensor: sensor.number, type })
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
    for (const [reading, { sensor, value }] of readings.entries()) {
      const field = this.#fields.get(sensor)
      if (field === undefined) {
        problems.push({ reading, message: `sensor ${JSON.stringify(sensor)} is unknown to ${this.#id}` })
        continue
      }
      const fault = valueFault(field.type, value)
      if (fault !== null) problems.push({ reading, message: `value ${fault}` })
    }
    return problems
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
