// Polls one device: watches its groups' deadlines, stands in line at the bus, runs polls and accounts for them. What an
// answer or a failure means for the device is its owner's affair.

import type { Device, DeviceSetup, PollOutcome } from '#domain/driver.ts'
import type { TelemetryError } from '#domain/errors.ts'
import type { Bus, BusMember } from './bus.ts'
import type { BusyTime } from './busy-time.ts'
import type { DeviceServices } from './device-services.ts'
import { PollSink } from './device-sinks.ts'
import type { DeviceStatistics } from './device-statistics.ts'
import { DriverCall } from './driver-call.ts'
import { driverError, errorKind, failureStatus, isConnectionGone, requestsOf } from './failure.ts'
import { POLL_DEADLINE_MS } from './limits.ts'
import { PollGroup } from './poll-group.ts'

export interface PollerOwner {
  /** The device answered a poll. */
  onAnswer(): void
  /** A poll failed; `isPartial`: some of its points had a value. */
  onFailure(error: TelemetryError, isPartial: boolean): void
  /** The driver hangs: the device object must not be used again. */
  onAbandoned(error: TelemetryError): void
  nudge(): void
}

interface RunningPoll {
  readonly group: PollGroup
  readonly sink: PollSink
  readonly call: DriverCall<PollOutcome>
  readonly startedAt: number
  isCancelled: boolean
}

/** off: nothing is polled · scheduled: at the deadlines · probing: only when asked. */
type Mode = 'off' | 'scheduled' | 'probing'

export class DevicePoller implements BusMember {
  isProven = false
  readonly #groups: readonly PollGroup[]
  readonly #services: DeviceServices
  readonly #statistics: DeviceStatistics
  readonly #owner: PollerOwner
  readonly #what: string
  #mode: Mode = 'off'
  #bus: Bus | null = null
  #device: Device | null = null
  #running: RunningPoll | null = null
  #idle: Promise<void> = Promise.resolve()

  constructor(setup: DeviceSetup, services: DeviceServices, statistics: DeviceStatistics, owner: PollerOwner) {
    this.#services = services
    this.#statistics = statistics
    this.#owner = owner
    this.#what = `Poll of ${setup.id}`
    const { phases, originMs, states } = services
    this.#groups = setup.groups.flatMap((group, index) =>
      group.intervalMs === null
        ? []
        : [
            new PollGroup({
              group,
              index,
              intervalMs: group.intervalMs,
              phases,
              originMs,
              states,
              onDue: (due) => this.#onDue(due),
            }),
          ],
    )
  }

  get busy(): BusyTime {
    return this.#statistics.busy
  }

  /** False for a device that only sends by itself. */
  get hasGroups(): boolean {
    return this.#groups.length > 0
  }

  get hasWork(): boolean {
    return this.#groups.some((group) => group.isQueued)
  }

  /** Settled while no poll runs. Never rejects. */
  get idle(): Promise<void> {
    return this.#idle
  }

  nudge(): void {
    this.#owner.nudge()
  }

  /** Polls at the deadlines from now on. */
  schedule(device: Device, bus: Bus): void {
    this.#device = device
    this.#bus = bus
    if (this.#mode === 'scheduled') return
    this.#mode = 'scheduled'
    const now = this.#services.timers.monotonic()
    for (const group of this.#groups) this.#services.timers.schedule(group.task, group.begin(now))
  }

  /** Leaves the deadlines alone until `schedule`; polls only when `probe` is called. */
  hold(device: Device, bus: Bus): void {
    this.#device = device
    this.#bus = bus
    this.#leaveSchedule('probing')
  }

  /** One poll of the fastest group, as soon as the bus allows. */
  probe(): void {
    const fastest = this.#groups.reduce((best, group) => (group.intervalMs < best.intervalMs ? group : best))
    if (this.#mode !== 'probing' || fastest.isQueued || fastest.isRunning) return
    if (this.#services.gate.check()) this.#enqueue(fastest, this.#services.timers.monotonic(), true)
    else this.#statistics.skippedPolls += 1
  }

  /** One poll of everything, as soon as the bus allows, beside the deadlines. */
  pollNow(): void {
    const now = this.#services.timers.monotonic()
    for (const group of this.#groups) if (!group.isQueued && !group.isRunning) this.#enqueue(group, now, true)
  }

  /** Stops polling. A poll under way is aborted; it has failed when `cause` is a failure of the device. */
  stop(cause: TelemetryError): void {
    this.#leaveSchedule('off')
    this.#device = null
    const running = this.#running
    if (running === null) return
    running.isCancelled = true
    running.sink.close()
    running.call.abort(cause)
    if (cause.code === 'ABORTED') return
    this.#account(running, requestsOf(cause))
    // The loss of the connection is counted where it is noticed; what else broke the poll is counted here.
    if (!isConnectionGone(cause)) this.#statistics.countError(errorKind(cause.code))
  }

  /** Gives back slots and sensors; after `stop`. */
  release(): void {
    for (const group of this.#groups) group.release()
  }

  runNext(): Promise<void> {
    const group = this.#takeQueued()
    if (group === null || this.#device === null) return Promise.resolve()
    if (!this.#services.gate.check()) {
      this.#statistics.skippedPolls += 1
      return Promise.resolve()
    }
    this.#idle = this.#poll(group, this.#device).catch((error: unknown) => {
      this.#services.log.error({ err: error, what: this.#what }, 'A poll could not be accounted for')
    })
    return this.#idle
  }

  #leaveSchedule(mode: Mode): void {
    this.#mode = mode
    this.isProven = false
    for (const group of this.#groups) {
      this.#services.timers.cancel(group.task)
      group.isQueued = false
      group.isFresh = false
    }
  }

  #onDue(group: PollGroup): void {
    const { timers, gate } = this.#services
    const dueAt = group.task.at
    const isExtra = group.isExtra
    group.isExtra = false
    if (!isExtra) this.#statistics.skippedPolls += group.grid.advance(timers.monotonic())
    timers.schedule(group.task, group.grid.deadline)
    if (!gate.check() || group.isQueued || group.isRunning) this.#statistics.skippedPolls += 1
    else this.#enqueue(group, dueAt, isExtra)
  }

  #enqueue(group: PollGroup, dueAt: number, isExtra: boolean): void {
    group.isQueued = true
    group.isQueuedExtra = isExtra
    group.dueAt = dueAt
    this.#bus?.enqueue(this)
  }

  /** The group that has waited longest. */
  #takeQueued(): PollGroup | null {
    let first: PollGroup | null = null
    for (const group of this.#groups) {
      if (group.isQueued && (first === null || group.dueAt < first.dueAt)) first = group
    }
    if (first !== null) first.isQueued = false
    return first
  }

  async #poll(group: PollGroup, device: Device): Promise<void> {
    const { timers, states } = this.#services
    const startedAt = timers.monotonic()
    // A suspect waits for a quiet moment on purpose: that is no lag.
    if (this.isProven && !group.isQueuedExtra) this.#statistics.recordLag(startedAt - group.dueAt)
    this.#statistics.polls += 1
    const sink = new PollSink(states, this.#statistics, group.owner, group.nextGeneration())
    const call = new DriverCall({
      timers,
      what: this.#what,
      timeoutMs: POLL_DEADLINE_MS,
      operation: (signal) => device.poll(group.index, sink, signal),
    })
    const poll: RunningPoll = { group, sink, call, startedAt, isCancelled: false }
    this.#running = poll
    group.isRunning = true
    let outcome: PollOutcome | undefined
    let failure: TelemetryError | null = null
    try {
      outcome = await call.run()
    } catch (thrown) {
      failure = driverError(thrown)
    }
    // Without a gap between this and the account: a loss of the connection must find the poll either under way or done.
    group.isRunning = false
    this.#running = null
    if (failure === null) this.#succeeded(poll, outcome)
    else this.#failed(poll, failure)
  }

  #succeeded(poll: RunningPoll, outcome: PollOutcome | undefined): void {
    if (poll.isCancelled) return
    this.#account(poll, outcome?.requests ?? 0)
    const forgotten = poll.sink.complete(poll.group.points)
    if (forgotten > 0) this.#statistics.countError('missing-result', forgotten)
    poll.group.isFresh = true
    this.isProven = true
    this.#owner.onAnswer()
  }

  #failed(poll: RunningPoll, error: TelemetryError): void {
    if (!poll.isCancelled) {
      this.#account(poll, requestsOf(error))
      this.#statistics.countError(errorKind(error.code))
      this.isProven = false
      poll.sink.fail(poll.group.points, failureStatus(error))
    }
    if (poll.call.isAbandoned) this.#owner.onAbandoned(error)
    else if (!poll.isCancelled) this.#owner.onFailure(error, poll.sink.values > 0)
  }

  #account(poll: RunningPoll, requests: number): void {
    this.#statistics.recordPoll(this.#services.timers.monotonic() - poll.startedAt)
    this.#statistics.requests += requests
    if (poll.sink.values > 0) this.#statistics.noteReading()
  }
}
