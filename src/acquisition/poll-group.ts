// One group of a device's points at run time: its deadlines and what is under way.

import type { PointGroup } from '#domain/driver.ts'
import type { SensorStates } from './sensor-states.ts'
import type { Phases } from './phases.ts'
import { CATCH_UP_MS } from './limits.ts'
import { PollGrid } from './poll-grid.ts'
import { ScheduledTask } from './task-heap.ts'

export interface PollGroupOptions {
  readonly group: PointGroup
  /** Place in DeviceSetup.groups. */
  readonly index: number
  readonly intervalMs: number
  readonly phases: Phases
  /** Monotonic time from which all deadlines are counted. */
  readonly originMs: number
  readonly states: SensorStates
  readonly onDue: (group: PollGroup) => void
}

export class PollGroup {
  readonly index: number
  readonly points: PointGroup['points']
  readonly grid: PollGrid
  readonly task: ScheduledTask
  /** Id in SensorStates. */
  readonly owner: number
  /** Waits for the bus. */
  isQueued = false
  isRunning = false
  /** Answered since the device came up. */
  isFresh = false
  /** What the task waits for is no deadline but a catch-up. */
  isExtra = false
  /** The poll that waits for the bus belongs to no deadline: a probe or a catch-up. */
  isQueuedExtra = false
  /** Monotonic time at which the waiting poll should have begun. */
  dueAt = 0
  /** Counts polls; generation stamp of their sinks. */
  generation = 0
  readonly #options: PollGroupOptions
  readonly #phaseMs: number

  constructor(options: PollGroupOptions) {
    const { group, index, intervalMs, phases, originMs, states } = options
    this.#options = options
    this.index = index
    this.points = group.points
    this.owner = states.claim(group.points)
    this.#phaseMs = phases.take(intervalMs)
    this.grid = new PollGrid(originMs + this.#phaseMs, intervalMs)
    this.task = new ScheduledTask(() => options.onDue(this))
  }

  get intervalMs(): number {
    return this.grid.intervalMs
  }

  /** Sets the grid to `now` and returns when to poll next: a group that is stale and has long to wait gets an extra poll. */
  begin(now: number): number {
    this.grid.seek(now)
    this.isExtra = !this.isFresh && this.grid.deadline - now > CATCH_UP_MS
    return this.isExtra ? now + (this.#phaseMs % CATCH_UP_MS) : this.grid.deadline
  }

  nextGeneration(): number {
    this.generation = (this.generation + 1) >>> 0
    return this.generation
  }

  /** Gives back its slot and its sensors. */
  release(): void {
    this.#options.phases.release(this.intervalMs, this.#phaseMs)
    this.#options.states.release(this.points, this.owner)
  }
}
