// The one owner of timers in acquisition: a heap of tasks behind a single timer of the clock. It is a Clock itself, so
// that deadlines and delays of the room land in the same heap.

import type { Clock, Timer } from '#kit/clock.ts'
import type { Log } from '#domain/driver.ts'
import { ScheduledTask, TaskHeap } from './task-heap.ts'

/** Timers of Node.js may fire up to 1 ms early by the fractional clock; without slack that costs a second wake-up. */
const SLACK_MS = 1
/** Longest delay given to the clock: setTimeout overflows at 2^31 ms. */
const MAX_DELAY_MS = 2 ** 30

export class Scheduler implements Clock {
  readonly #clock: Clock
  readonly #log: Log
  readonly #heap = new TaskHeap()
  #timer: Timer | null = null
  #armedAt = Number.POSITIVE_INFINITY
  #isFiring = false

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  now(): number {
    return this.#clock.now()
  }

  monotonic(): number {
    return this.#clock.monotonic()
  }

  /** Tasks that wait. */
  get size(): number {
    return this.#heap.size
  }

  /** How long the first task has been due, ms; 0: none is. */
  get lateMs(): number {
    const next = this.#heap.peek()
    return next === undefined ? 0 : Math.max(0, this.#clock.monotonic() - next.at)
  }

  after(delayMs: number, fire: () => void): Timer {
    const task = new ScheduledTask(fire)
    this.schedule(task, this.#clock.monotonic() + Math.max(0, delayMs))
    return { cancel: () => this.#heap.remove(task) }
  }

  /** Runs `task` once at the monotonic time `at`; replaces the time given before. */
  schedule(task: ScheduledTask, at: number): void {
    this.#heap.put(task, at)
    if (!this.#isFiring) this.#arm()
  }

  cancel(task: ScheduledTask): void {
    // The timer stays armed: a wake-up for nothing is rarer and cheaper than re-arming at each cancel.
    this.#heap.remove(task)
  }

  /** Forgets all tasks. */
  close(): void {
    for (let task = this.#heap.peek(); task !== undefined; task = this.#heap.peek()) this.#heap.remove(task)
    this.#timer?.cancel()
    this.#timer = null
    this.#armedAt = Number.POSITIVE_INFINITY
  }

  #arm(): void {
    const next = this.#heap.peek()
    if (next === undefined || next.at >= this.#armedAt) return
    this.#timer?.cancel()
    this.#armedAt = next.at
    const delay = Math.min(MAX_DELAY_MS, Math.max(0, Math.ceil(next.at - this.#clock.monotonic())))
    this.#timer = this.#clock.after(delay, () => this.#wake())
  }

  #wake(): void {
    this.#timer = null
    this.#armedAt = Number.POSITIVE_INFINITY
    this.#isFiring = true
    const due = this.#clock.monotonic() + SLACK_MS
    for (let task = this.#heap.peek(); task !== undefined && task.at <= due; task = this.#heap.peek()) {
      this.#heap.remove(task)
      try {
        task.fire()
      } catch (error) {
        this.#log.error({ err: error }, 'A scheduled task failed')
      }
    }
    this.#isFiring = false
    this.#arm()
  }
}
