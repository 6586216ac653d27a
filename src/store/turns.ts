// Long work on the store thread in slices, so that a commit that falls due never waits long. Work is a generator that
// yields often; between slices, timers and messages get their turn. Queries go before background work.

import { TelemetryError } from '#domain/errors.ts'

/** Work that yields wherever it can be interrupted; at least every few milliseconds. */
export type Steps<T> = Generator<void, T, void>

const SLICE_MS = 8

interface Task {
  advance(until: number): boolean
  abandon(): void
}

export class Turns {
  #queries: Task[] = []
  #background: Task[] = []
  #scheduled = false
  #stopped = false

  /** Nothing runs any more: called before the files are closed. Unfinished work is dropped, its callers hear ABORTED. */
  stop(): void {
    this.#stopped = true
    for (const task of [...this.#queries, ...this.#background]) task.abandon()
    this.#queries = []
    this.#background = []
  }

  /** Runs a query; its first slice at once. Rejects with ABORTED when `signal` aborts. */
  query<T>(steps: Steps<T>, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const task = taskOf(steps, resolve, reject, signal)
      if (this.#stopped) return task.abandon()
      if (task.advance(performance.now() + SLICE_MS)) return
      this.#queries.push(task)
      this.#schedule()
    })
  }

  /** Runs work that nobody waits for, one after another. */
  background<T>(steps: Steps<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const task = taskOf(steps, resolve, reject)
      if (this.#stopped) return task.abandon()
      this.#background.push(task)
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
  const abandon = (): void => {
    try {
      steps.return(undefined as never) // runs the work's finally blocks
    } finally {
      reject(new TelemetryError('ABORTED', 'The query was stopped'))
    }
  }
  return {
    abandon,
    /** True when the work has ended. */
    advance: (until) => {
      try {
        do {
          if (signal?.aborted) {
            abandon()
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
