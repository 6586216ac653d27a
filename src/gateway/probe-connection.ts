// One device of a look (probe.ts): connected once, every group polled or subscribed once, closed. What happened to which
// sensor, and how long it took, is kept; whatever the driver does, nothing here rejects and nothing waits past the deadline.

import type { AcquiredDevice } from '#acquisition/acquisition.ts'
import { DriverCall } from '#acquisition/driver-call.ts'
import { driverError, failureStatus, lossError } from '#acquisition/failure.ts'
import { CLOSE_DEADLINE_MS, CONNECT_DEADLINE_MS, POLL_DEADLINE_MS } from '#acquisition/limits.ts'
import type { Device, DriverServices, Point } from '#domain/driver.ts'
import type { TelemetryError } from '#domain/errors.ts'
import { Status, type StatusCode } from '#domain/quality.ts'
import { NO_TIME, type ReadingSink } from '#domain/reading.ts'
import type { Sensor, SensorNumber } from '#domain/sensor.ts'
import type { Clock, Timer } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'

/** A driver finds out step by step what a device refuses: it is asked again as long as that makes fewer sensors bad. */
const MAX_POLLS = 16

/** What failed for a whole device, and when. */
export interface ProbeFailure {
  readonly during: 'connecting' | 'reading'
  readonly error: TelemetryError
}

export interface ProbedConnectionOptions {
  readonly acquired: AcquiredDevice
  readonly services: DriverServices
  readonly sink: ReadingSink
  readonly clock: Clock
  readonly waitMs: number
  readonly deadline: AbortSignal
}

interface Result {
  readonly atMs: number
  readonly isBad: boolean
}

export class ProbedConnection {
  readonly id: string
  readonly driver: string
  readonly sensors: readonly Sensor[]
  readonly waitMs: number
  /** It sends by itself. */
  readonly isHeard: boolean
  readonly skipped: string | null
  connectMs: number | null = null
  readonly #options: ProbedConnectionOptions
  readonly #device: Device | null = null
  readonly #results = new Map<SensorNumber, Result>()
  readonly #failures = new Map<SensorNumber, ProbeFailure>()
  #askedAt = 0
  #lost: TelemetryError | null = null
  #onResult: () => void = () => {}

  constructor(options: ProbedConnectionOptions) {
    const { setup, driver } = options.acquired
    this.#options = options
    this.id = setup.id
    this.driver = driver.kind
    this.waitMs = options.waitMs
    this.sensors = setup.groups.flatMap(({ points }) => points.map(({ sensor }) => sensor))
    this.isHeard = setup.groups.some(({ intervalMs }) => intervalMs === null)
    this.skipped = skipReason(options.acquired)
    if (this.skipped !== null) return
    try {
      this.#device = this.#open()
    } catch (thrown) {
      this.#fail({ during: 'connecting', error: driverError(thrown) })
    }
  }

  get bus(): string {
    return this.#device?.bus ?? `${this.driver}:${this.id}`
  }

  /** Milliseconds from asking until its last result with a value; null when none came. */
  latencyOf(sensor: SensorNumber): number | null {
    const result = this.#results.get(sensor)
    return result === undefined || result.isBad ? null : result.atMs
  }

  failureOf(sensor: SensorNumber): ProbeFailure | null {
    return this.#failures.get(sensor) ?? null
  }

  /** Connects and reads everything once. Never rejects. */
  async read(): Promise<void> {
    const device = this.#device
    if (device === null) return
    const { clock, acquired } = this.#options
    const startedAt = clock.monotonic()
    const connected = await this.#call('Connecting', CONNECT_DEADLINE_MS, (signal) => device.connect(signal))
    if (connected !== null) return this.#fail({ during: 'connecting', error: connected })
    this.connectMs = clock.monotonic() - startedAt
    for (const [group, { intervalMs, points }] of acquired.setup.groups.entries()) {
      if (intervalMs === null) await this.#hear(device, points)
      else await this.#poll(device, group, points)
    }
  }

  /** Never rejects. */
  async close(): Promise<void> {
    const device = this.#device
    if (device !== null) await this.#call('Closing', CLOSE_DEADLINE_MS, () => device.close(), null)
  }

  #open(): Device {
    const { acquired, services, clock } = this.#options
    return acquired.driver.open(acquired.setup, {
      ...services,
      log: silentLogger,
      now: () => clock.now(),
      lost: (cause) => {
        this.#lost ??= lossError(cause)
        this.#onResult()
      },
      countError: () => {},
    })
  }

  async #poll(device: Device, group: number, points: readonly Point[]): Promise<void> {
    let bad = Number.POSITIVE_INFINITY
    for (let turn = 0; turn < MAX_POLLS; turn++) {
      this.#askedAt = this.#options.clock.monotonic()
      const error = await this.#call('Reading', POLL_DEADLINE_MS, async (signal) => {
        await device.poll(group, this.#sink(), signal)
      })
      if (error !== null) return this.#fail({ during: 'reading', error }, points)
      const left = points.filter(({ sensor }) => this.#results.get(sensor.number)?.isBad !== false).length
      if (left === 0 || left >= bad || device.plan === undefined) break
      bad = left
    }
    this.#giveNothing(points)
  }

  async #hear(device: Device, points: readonly Point[]): Promise<void> {
    this.#askedAt = this.#options.clock.monotonic()
    const error = await this.#call('Subscribing', CONNECT_DEADLINE_MS, async (signal) => {
      if (device.subscribe !== undefined) await device.subscribe(this.#sink(), signal)
    })
    if (error !== null) return this.#fail({ during: 'reading', error }, points)
    await this.#untilHeard(points)
    if (this.#lost !== null) this.#fail({ during: 'reading', error: this.#lost }, points)
    this.#giveNothing(points)
  }

  /** Until every point has a value, the wait or the deadline is over, or the connection is gone. */
  #untilHeard(points: readonly Point[]): Promise<void> {
    const { clock, waitMs, deadline } = this.#options
    return new Promise((resolve) => {
      let timer: Timer | null = null
      const done = (): void => {
        timer?.cancel()
        deadline.removeEventListener('abort', done)
        this.#onResult = () => {}
        resolve()
      }
      const look = (): void => {
        const isComplete = points.every(({ sensor }) => this.#results.get(sensor.number)?.isBad === false)
        if (isComplete || this.#lost !== null || deadline.aborted) done()
      }
      timer = clock.after(waitMs, done)
      deadline.addEventListener('abort', done, { once: true })
      this.#onResult = look
      look()
    })
  }

  /** A driver's call; null, or why it failed. */
  async #call(
    what: string,
    timeoutMs: number,
    operation: (signal: AbortSignal) => Promise<void>,
    deadline: AbortSignal | null = this.#options.deadline,
  ): Promise<TelemetryError | null> {
    const call = new DriverCall({ timers: this.#options.clock, what, timeoutMs, operation })
    const onAbort = (): void => call.abort(driverError(deadline?.reason))
    if (deadline?.aborted === true) return driverError(deadline.reason)
    deadline?.addEventListener('abort', onAbort, { once: true })
    try {
      await call.run()
      return null
    } catch (thrown) {
      return driverError(thrown)
    } finally {
      deadline?.removeEventListener('abort', onAbort)
    }
  }

  #sink(): ReadingSink {
    const { sink } = this.#options
    return {
      number: (sensor, value, status, time) =>
        this.#note(sensor, false, () => sink.number(sensor, value, status, time)),
      integer: (sensor, value, status, time) =>
        this.#note(sensor, false, () => sink.integer(sensor, value, status, time)),
      text: (sensor, value, status, time) => this.#note(sensor, false, () => sink.text(sensor, value, status, time)),
      bad: (sensor, status, time) => this.#note(sensor, true, () => sink.bad(sensor, status, time)),
    }
  }

  /** The first value of a sensor stays; until then the latest reason for having none. */
  #note(sensor: SensorNumber, isBad: boolean, give: () => void): void {
    if (this.#results.get(sensor)?.isBad === false) return
    this.#results.set(sensor, { atMs: this.#options.clock.monotonic() - this.#askedAt, isBad })
    give()
    this.#onResult()
  }

  /** Sensors without a value are bad with the error's status. */
  #fail(failure: ProbeFailure, points: readonly Point[] = this.#points()): void {
    for (const { sensor } of points) {
      if (this.#results.get(sensor.number)?.isBad === false) continue
      this.#failures.set(sensor.number, failure)
      this.#bad(sensor.number, failureStatus(failure.error))
    }
  }

  #giveNothing(points: readonly Point[]): void {
    for (const { sensor } of points) if (!this.#results.has(sensor.number)) this.#bad(sensor.number, Status.BadNoData)
  }

  #bad(sensor: SensorNumber, status: StatusCode): void {
    this.#options.sink.bad(sensor, status, NO_TIME)
  }

  #points(): readonly Point[] {
    return this.#options.acquired.setup.groups.flatMap(({ points }) => points)
  }
}

function skipReason({ driver, setup }: AcquiredDevice): string | null {
  if (driver.kind === 'http') return 'programs send to it by HTTP, to the running gateway: there is nobody to ask'
  if (driver.needsBroker?.(setup.config) === true) {
    return 'it is sent to through the embedded broker, which belongs to the running gateway: there is nobody to ask'
  }
  return null
}
