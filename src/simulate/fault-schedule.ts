// When which fault of a device begins and ends. Pure: asked with the time, in milliseconds from the start.

export interface FaultTimes {
  readonly at: number
  /** How long; null: to the end. */
  readonly for: number | null
  /** From one beginning to the next; null: once. */
  readonly every: number | null
}

export interface FaultChange<F> {
  readonly fault: F
  readonly isActive: boolean
}

export class FaultSchedule<F extends FaultTimes> {
  readonly #faults: readonly F[]
  readonly #active = new Set<F>()

  constructor(faults: readonly F[]) {
    this.#faults = faults
  }

  /** What has changed since the last time. */
  changes(nowMs: number): readonly FaultChange<F>[] {
    const changes: FaultChange<F>[] = []
    for (const fault of this.#faults) {
      const isActive = isActiveAt(fault, nowMs)
      if (isActive === this.#active.has(fault)) continue
      if (isActive) this.#active.add(fault)
      else this.#active.delete(fault)
      changes.push({ fault, isActive })
    }
    return changes
  }
}

function isActiveAt({ at, for: duration, every }: FaultTimes, nowMs: number): boolean {
  const since = every === null ? nowMs - at : nowMs < at ? -1 : (nowMs - at) % every
  return since >= 0 && (duration === null || since < duration)
}
