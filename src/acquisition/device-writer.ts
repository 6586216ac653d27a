// Writes of one device: from engineering units to the driver and back. The read-back is a reading like any other.

import type { Driver, Log, Point } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import { Status } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'
import type { Sensor, SensorNumber } from '#domain/sensor.ts'
import type { Value } from '#domain/value.ts'
import type { Clock } from '#kit/clock.ts'
import type { DeviceStatistics } from './device-statistics.ts'
import { DeviceWrite } from './device-write.ts'
import { driverError, errorKind } from './failure.ts'
import type { SensorStates } from './sensor-states.ts'
import type { Session } from './session.ts'
import { isOfType, toEngineering, toRaw } from './write-value.ts'

const NOT_OF_THE_DEVICE: ReadonlySet<string> = new Set(['ABORTED', 'EXPIRED', 'OUT_OF_RANGE'])

export interface DeviceWriterOptions {
  readonly driver: Driver
  readonly timers: Clock
  /** Adds the device's id to each line. */
  readonly log: Log
  readonly states: SensorStates
  readonly statistics: DeviceStatistics
  /** A write failed on a connection that stands. */
  readonly onFailure: (session: Session, error: TelemetryError) => void
  /** The driver hangs. */
  readonly onAbandoned: (session: Session, error: TelemetryError) => void
}

/** What is to be written. */
export interface WriteOrder {
  /** In engineering units. */
  readonly value: Value
  /** Longest wait for its turn, in milliseconds. */
  readonly validMs: number
  /** Called when the driver is about to send it: from then on it may have been done, whatever the outcome says. */
  onSent(): void
}

export class DeviceWriter {
  readonly #options: DeviceWriterOptions
  readonly #writes = new Set<DeviceWrite<Value>>()

  constructor(options: DeviceWriterOptions) {
    this.#options = options
  }

  /**
   * Writes a value and resolves with what was read back. Throws NOT_WRITABLE, OUT_OF_RANGE, BUFFER_FULL, EXPIRED,
   * TIMEOUT, ABORTED and what the driver throws.
   */
  async write(session: Session, point: Point, order: WriteOrder, signal: AbortSignal): Promise<Value> {
    const { sensor } = point
    const rawType = this.#options.driver.valueType(point.config)
    const raw = toRaw(order.value, sensor, rawType)
    const readBack = await this.#send(session, sensor, { ...order, value: raw }, signal)
    if (!isOfType(readBack, rawType)) {
      this.#options.statistics.countError('protocol')
      throw new TelemetryError('PROTOCOL', `${sensor.id} was written, but what was read back is no ${rawType}`)
    }
    // After the end of the connection its sensors are bad, and stay so until the next poll.
    if (!session.isEnded) this.#pass(sensor.number, readBack)
    return toEngineering(readBack, sensor)
  }

  /** Resolves when no write is under way any more; after `abort`. */
  async idle(): Promise<void> {
    await Promise.all([...this.#writes].map((write) => write.ended))
  }

  /** Calls off all writes. */
  abort(cause: TelemetryError): void {
    for (const write of this.#writes) write.abort(cause)
  }

  async #send(session: Session, sensor: Sensor, order: WriteOrder, signal: AbortSignal): Promise<Value> {
    const { device, bus } = session
    const { timers, onAbandoned, onFailure } = this.#options
    if (device.write === undefined) throw new TelemetryError('NOT_WRITABLE', 'Devices of this kind cannot be written')
    const write = new DeviceWrite<Value>({
      timers,
      what: `The write to ${sensor.id}`,
      signal,
      validMs: order.validMs,
      busy: this.#options.statistics.busy,
      operation: (callSignal) => {
        order.onSent()
        return device.write!(sensor.number, order.value, callSignal)
      },
    })
    this.#writes.add(write)
    void write.ended.then(() => {
      this.#writes.delete(write)
      bus.dropWrite(write)
      if (write.isAbandoned) onAbandoned(session, new TelemetryError('TIMEOUT', 'The driver hangs in a write'))
    })
    try {
      bus.enqueueWrite(write)
    } catch (refusal) {
      write.abort(driverError(refusal))
    }
    try {
      return await write.result
    } catch (thrown) {
      const error = driverError(thrown)
      // A command that was never sent says nothing about the device, nor does a value that no device could take.
      if (!session.isEnded && !NOT_OF_THE_DEVICE.has(error.code)) {
        this.#options.statistics.countError(errorKind(error.code))
        onFailure(session, error)
      }
      throw error
    }
  }

  #pass(sensor: SensorNumber, raw: Value): void {
    const { states, statistics } = this.#options
    states.isMarked[sensor] = 0
    if (typeof raw === 'bigint') states.sink.integer(sensor, raw, Status.Good, NO_TIME)
    else if (typeof raw === 'string') states.sink.text(sensor, raw, Status.Good, NO_TIME)
    else states.sink.number(sensor, Number(raw), Status.Good, NO_TIME)
    statistics.noteReading()
  }
}
