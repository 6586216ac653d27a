// One device at run time: connects, lets its poller work, notices its end, closes, waits, and begins again, for ever.
//
//   connecting ──▶ up ──▶ down ──▶ up …      down: no connection, or BREAKER_FAILURES failed polls in a row
//        └──────▶ down                       the breaker: from then on single probes, ever more rarely
//
// While another device on the same bus answers, the wire is in order and a silent device keeps its connection; else it
// is closed before each probe: a half-open TCP connection would stay silent for ever.

import type { BlockRead, Log, Point, WireFrame } from '#domain/driver.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { Value } from '#domain/value.ts'
import type { DeviceLatency, DeviceStatus } from '#domain/views.ts'
import { Backoff } from '#kit/backoff.ts'
import type { AcquiredDevice } from './acquired-device.ts'
import { DeviceAsks } from './device-asks.ts'
import { DeviceConnector } from './device-connector.ts'
import { DeviceHandle } from './device-handle.ts'
import { DeviceHealth } from './device-health.ts'
import { DevicePoller, type PollerOwner } from './device-poller.ts'
import type { DeviceServices } from './device-services.ts'
import { DeviceStatistics } from './device-statistics.ts'
import { DeviceWriter, type WriteOrder } from './device-writer.ts'
import { driverError, errorKind, isConnectionGone, lossError } from './failure.ts'
import * as limits from './limits.ts'
import { withFields } from './log-fields.ts'
import { RetryPause } from './retry-pause.ts'
import { PAUSE_REASON } from './room-gate.ts'
import { Session } from './session.ts'
import { ScheduledTask } from './task-heap.ts'

type HeldStatus = Omit<DeviceStatus, 'badSensors'>

export class RunningDevice implements PollerOwner {
  readonly id: string
  #definition: AcquiredDevice
  readonly #services: DeviceServices
  readonly #log: Log
  readonly #statistics: DeviceStatistics
  readonly #health: DeviceHealth
  readonly #poller: DevicePoller
  readonly #writer: DeviceWriter
  readonly #asks: DeviceAsks
  readonly #handle: DeviceHandle
  readonly #backoff: Backoff
  readonly #connector: DeviceConnector
  readonly #pause: RetryPause
  readonly #probeTask: ScheduledTask
  #session: Session | null = null
  #loop: Promise<void> | null = null
  #restarting: PromiseWithResolvers<void> | null = null
  #isStopping = false
  /** The breaker is open. */
  #isProbing = false
  #failures = 0

  constructor(definition: AcquiredDevice, services: DeviceServices) {
    const { setup, driver } = definition
    const { timers, states } = services
    this.id = setup.id
    this.#definition = definition
    this.#services = services
    const log = withFields(services.log, { device: setup.id })
    this.#log = log
    const statistics = new DeviceStatistics(timers, services.metrics.device(setup.id))
    this.#statistics = statistics
    this.#health = new DeviceHealth({ timers, log, states, points: setup.groups.flatMap((group) => group.points) })
    this.#poller = new DevicePoller(setup, services, statistics, this)
    const onFailure = (session: Session, error: TelemetryError): void => {
      if (session === this.#session && isConnectionGone(error)) this.#end(error)
    }
    const onAbandoned = (session: Session, error: TelemetryError): void => {
      if (session === this.#session) this.onAbandoned(error)
    }
    this.#writer = new DeviceWriter({ driver, timers, log, states, statistics, onFailure, onAbandoned })
    this.#asks = new DeviceAsks({ id: setup.id, timers, statistics, onFailure, onAbandoned })
    const member = this.#poller
    const onLost = (cause: unknown): void => this.#fail(lossError(cause), 'connection-lost')
    const { buses, offered } = services
    this.#handle = new DeviceHandle({ setup, driver, timers, buses, member, log, statistics, onLost, offered })
    const handle = this.#handle
    const sending = setup.groups.filter((group) => group.intervalMs === null)
    const sent = sending.length === 0 ? null : sending.flatMap((group) => group.points)
    this.#connector = new DeviceConnector({ handle, timers, states, statistics, sent })
    this.#pause = new RetryPause(timers)
    this.#backoff = new Backoff({
      firstMs: limits.RETRY_FIRST_MS,
      random: services.random,
      get maxMs() {
        return handle.isShared ? limits.RETRY_MAX_SHARED_MS : limits.RETRY_MAX_ALONE_MS
      },
    })
    this.#probeTask = new ScheduledTask(() => this.#probe())
    try {
      handle.open() // does no I/O, and tells the bus
    } catch {
      // The first try to connect meets it again, and reports it.
    }
  }

  get isUp(): boolean {
    return this.#health.state === 'up'
  }

  /** Everything but `badSensors`. */
  status(): HeldStatus {
    const { gate } = this.#services
    const { setup, driver, machine } = this.#definition
    const isPolled = this.isUp && this.#poller.hasGroups
    const isPaused = isPolled && !gate.isOpen
    return {
      id: this.id,
      driver: driver.kind,
      machine,
      bus: this.#handle.busName,
      state: isPaused ? 'paused' : this.#health.state,
      since: isPolled ? Math.max(this.#health.since, gate.changedAt) : this.#health.since,
      reason: isPaused ? PAUSE_REASON : this.#health.reason,
      sensors: setup.groups.reduce((sum, group) => sum + group.points.length, 0),
      ...this.#statistics.view(),
      busUtilisation: this.#busUtilisation(),
      plan: this.#handle.plan,
    }
  }

  /** null for a device that is never asked. */
  #busUtilisation(): HeldStatus['busUtilisation'] {
    const bus = this.#handle.busShare
    if (bus === null || !this.#poller.hasGroups) return null
    return { bus, device: this.#statistics.busy.share(this.#services.timers.monotonic()) }
  }

  /** Seconds that it has kept its wire. */
  get busySeconds(): number {
    return this.#statistics.busy.totalMs(this.#services.timers.monotonic()) / 1000
  }

  get errors(): ReadonlyMap<string, number> {
    return this.#statistics.errors
  }

  readonly latency = (): DeviceLatency => this.#statistics.latency()

  readonly frames = (): readonly WireFrame[] | null => this.#handle.frames

  /** Begins to connect; does not wait for it. */
  start(): void {
    this.#loop ??= this.#live()
  }

  /** Ends it: what is under way is aborted, the connection closed. Never rejects. */
  async stop(): Promise<void> {
    this.#isStopping = true
    this.#end(new TelemetryError('ABORTED', `${this.id} was stopped`))
    this.#health.stopped()
    this.#pause.end()
    await this.#loop
  }

  /** Gives back everything that it holds in what devices share; after `stop`. */
  release(): void {
    this.#poller.release()
    this.#connector.release()
    this.#handle.leave()
    this.#services.metrics.remove(this.id)
  }

  /** Closes the connection and connects anew; resolves when it has been closed. Throws CONFLICT when it does not run. */
  async restart(): Promise<void> {
    if (this.#loop === null || this.#isStopping) throw new TelemetryError('CONFLICT', `${this.id} is not running`)
    this.#restarting ??= Promise.withResolvers<void>()
    const closed = this.#restarting.promise
    this.#backoff.reset()
    this.#failures = 0
    this.#isProbing = false
    this.#health.connecting('restarting')
    this.#end(new TelemetryError('ABORTED', `${this.id} is being restarted`))
    this.#pause.end()
    await closed
  }

  /** See DeviceWriter.write; CONNECTION_LOST while there is no connection. */
  async write(point: Point, order: WriteOrder, signal: AbortSignal): Promise<Value> {
    if (signal.aborted) throw new TelemetryError('ABORTED', 'The write was stopped', { cause: signal.reason })
    return this.#writer.write(this.#connected(), point, order, signal)
  }

  /** See DeviceAsks.readBlock; CONNECTION_LOST while there is no connection. */
  async readBlock(block: BlockRead, signal: AbortSignal): Promise<Uint8Array> {
    return this.#asks.readBlock(this.#connected(), block, signal)
  }

  /** Asks the device now, or tries to connect; resolves when it has answered. Throws CONFLICT when it does not run. */
  async probe(): Promise<void> {
    if (this.#loop === null || this.#isStopping) throw new TelemetryError('CONFLICT', `${this.id} is not running`)
    if (this.isUp && !this.#poller.hasGroups) return // it sends by itself, and its connection stands
    await this.#asks.probe(() => {
      if (this.isUp) this.#poller.pollNow()
      else this.nudge()
    })
  }

  #connected(): Session {
    const session = this.#session
    if (session !== null && !session.isEnded && session.isConnected) return session
    const reason = this.#health.reason ?? 'reconnecting'
    throw new TelemetryError('CONNECTION_LOST', `${this.id} is not connected: ${reason}`, { retryable: true })
  }

  onAnswer(): void {
    this.#failures = 0
    this.#asks.outcome(null)
    const session = this.#session
    if (session === null || session.isEnded) return
    const wasUp = this.isUp
    this.#health.up()
    if (wasUp) return
    this.#isProbing = false
    this.#services.timers.cancel(this.#probeTask)
    this.#poller.schedule(session.device, session.bus)
    if (!session.bus.hasProvenOther(this.#poller)) session.bus.nudgeOthers(this.#poller)
  }

  onFailure(error: TelemetryError, isPartial: boolean): void {
    if (!isPartial) this.#asks.outcome(error)
    if (isConnectionGone(error)) this.#end(error)
    else if (isPartial) this.onAnswer()
    else {
      this.#failures += 1
      if (this.#isProbing || this.#failures >= limits.BREAKER_FAILURES) this.#openBreaker(error)
      else if (!this.isUp) this.#goDown(error)
    }
  }

  onAbandoned(error: TelemetryError): void {
    this.#log.error({ reason: error.message }, 'The driver did not react to an abort; its device object is given up')
    this.#statistics.countError('driver-hung')
    this.#handle.retire()
    this.#end(error)
  }

  /** A good moment to try: called by the bus. */
  nudge(): void {
    const { timers } = this.#services
    if (!this.#pause.end() && this.#isProbing) timers.schedule(this.#probeTask, timers.monotonic())
  }

  async #live(): Promise<void> {
    while (!this.#isStopping) {
      this.#restarting?.resolve()
      this.#restarting = null
      try {
        await this.#runSession()
      } catch (error) {
        this.#log.error({ err: error }, 'A connection could not be supervised')
      }
      if (!this.#isStopping && this.#restarting === null) await this.#pause.wait(this.#backoff.next())
    }
    this.#restarting?.resolve()
  }

  async #runSession(): Promise<void> {
    const session = this.#open()
    if (session === null) return
    this.#session = session
    try {
      await this.#connect(session)
    } catch (thrown) {
      this.#fail(driverError(thrown))
    }
    await session.ended
    await this.#poller.idle
    await this.#writer.idle()
    await this.#asks.idle()
    await this.#handle.close(session.device)
  }

  /** null when the driver cannot make a device object; then the device is down. */
  #open(): Session | null {
    try {
      const { device, bus } = this.#handle.open()
      return new Session(device, bus)
    } catch (thrown) {
      const error = driverError(thrown)
      this.#statistics.countError(errorKind(error.code))
      this.#goDown(error)
      return null
    }
  }

  async #connect(session: Session): Promise<void> {
    const { device, bus } = session
    await this.#connector.connect(session)
    if (session.isEnded) return
    if (!this.#poller.hasGroups) this.onAnswer()
    else if (this.#isProbing) {
      this.#poller.hold(device, bus)
      this.#probe()
    } else this.#poller.schedule(device, bus)
  }

  #probe(): void {
    const { timers } = this.#services
    this.#poller.probe()
    // Looks again when the probe could not start; an answer or a failure replaces this.
    timers.schedule(this.#probeTask, timers.monotonic() + limits.RETRY_FIRST_MS)
  }

  #openBreaker(error: TelemetryError): void {
    const session = this.#session
    if (session === null || session.isEnded) return
    this.#goDown(error)
    this.#isProbing = true
    if (!session.bus.hasProvenOther(this.#poller)) {
      this.#end(error)
      return
    }
    this.#poller.hold(session.device, session.bus)
    this.#services.timers.schedule(this.#probeTask, this.#services.timers.monotonic() + this.#backoff.next())
  }

  /** Counts the error and ends the connection, unless it has ended. */
  #fail(error: TelemetryError, kind = errorKind(error.code)): void {
    const session = this.#session
    if (session === null || session.isEnded) return
    this.#statistics.countError(kind)
    this.#end(error)
  }

  #end(cause: TelemetryError): void {
    const session = this.#session
    if (session === null || session.isEnded) return
    session.end(cause)
    this.#services.timers.cancel(this.#probeTask)
    this.#poller.stop(cause)
    this.#connector.disconnect()
    this.#writer.abort(cause)
    this.#asks.abort(cause)
    if (this.#restarting === null) this.#goDown(cause)
  }

  #goDown(error: TelemetryError): void {
    this.#asks.outcome(error)
    if (this.#isStopping) return
    if (this.isUp && this.#health.ageMs >= limits.STABLE_MS) this.#backoff.reset()
    this.#health.down(error)
  }
}
