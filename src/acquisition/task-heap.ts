// Binary heap of scheduled tasks, earliest first; tasks due at the same moment keep the order in which they were put in.

/** A function that is to run at a monotonic time. Reusable: one object for each poll group, for its whole life. */
export class ScheduledTask {
  readonly fire: () => void
  /** Monotonic milliseconds. */
  at = 0
  /** Tie-breaker, given by the heap. */
  order = 0
  /** Index in the heap; -1 when not in it. */
  position = -1

  constructor(fire: () => void) {
    this.fire = fire
  }
}

export class TaskHeap {
  readonly #tasks: ScheduledTask[] = []
  #order = 0

  get size(): number {
    return this.#tasks.length
  }

  /** The earliest task, or undefined. */
  peek(): ScheduledTask | undefined {
    return this.#tasks[0]
  }

  /** Puts `task` in, or moves it when it is in already. */
  put(task: ScheduledTask, at: number): void {
    if (task.position !== -1) this.remove(task)
    task.at = at
    task.order = this.#order++
    task.position = this.#tasks.length
    this.#tasks.push(task)
    this.#rise(task)
  }

  /** Takes `task` out; nothing happens when it is not in. */
  remove(task: ScheduledTask): void {
    const position = task.position
    if (position === -1) return
    task.position = -1
    const last = this.#tasks.pop()!
    if (last === task) return
    this.#tasks[position] = last
    last.position = position
    this.#rise(last)
    this.#sink(last)
  }

  #rise(task: ScheduledTask): void {
    while (task.position > 0) {
      const parent = this.#tasks[(task.position - 1) >> 1]!
      if (isBefore(parent, task)) return
      this.#swap(parent, task)
    }
  }

  #sink(task: ScheduledTask): void {
    for (;;) {
      const left = this.#tasks[task.position * 2 + 1]
      const right = this.#tasks[task.position * 2 + 2]
      const child = right !== undefined && isBefore(right, left!) ? right : left
      if (child === undefined || isBefore(task, child)) return
      this.#swap(task, child)
    }
  }

  #swap(a: ScheduledTask, b: ScheduledTask): void {
    const position = a.position
    a.position = b.position
    b.position = position
    this.#tasks[a.position] = a
    this.#tasks[b.position] = b
  }
}

function isBefore(a: ScheduledTask, b: ScheduledTask): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
