// Long work on the store thread in slices, so that a commit that falls due never waits long. Work is a generator that
// yields often; between slices, timers and messages get their turn. Queries go before background work.

import { TelemetryError } from '#domain/errors.ts'

/** Work that yields wherever it can be interrupted; at least every few milliseconds. */
export type Steps<T> = Generator<void, T, void>

const SLICE_MS = 8

interface Task {
  advance(until: number): boolean
}

export class Turns {
  #queries: Task[] = []
  #background: Task[] = []
  #scheduled = false

  /** Runs a query; its first slice at once. Rejects with ABORTED when `signal` aborts. */
  query<T>(steps: Steps<T>, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const task = taskOf(steps, resolve, reject, signal)
      if (task.advance(performance.now() + SLICE_MS)) return
      this.#queries.push(task)
      this.#schedule()
    })
  }

  /** Runs work that nobody waits for, one after another. */
  background<T>(steps: Steps<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#background.push(taskOf(steps, resolve, reject))
      this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#turn()
    })
  }

  #turn(): void {
    const queue = this.#queries.length > 0 ? this.#queries : this.#background
    const task = queue.shift()
    if (!task) return
    if (!task.advance(performance.now() + SLICE_MS)) {
      if (queue === this.#queries) queue.push(task) // one slice each in turn
      else queue.unshift(task)
    }
    if (this.#queries.length > 0 || this.#background.length > 0) this.#schedule()
  }
}

function taskOf<T>(
  steps: Steps<T>,
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
  signal?: AbortSignal,
): Task {
  return {
    /** True when the work has ended. */
    advance: (until) => {
      try {
        do {
          if (signal?.aborted) {
            steps.return(undefined as never) // runs the work's finally blocks
            reject(new TelemetryError('ABORTED', 'The query was stopped'))
            return true
          }
          const step = steps.next()
          if (step.done) {
            resolve(step.value)
            return true
          }
        } while (performance.now() < until)
        return false
      } catch (error) {
        reject(error)
        return true
      }
    },
  }
}

/** Runs work to its end at once. */
export function runAll<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}
