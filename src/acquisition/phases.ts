// Spreads polls over their interval: each new poll gets the slot of its interval that holds the fewest. Slots, not a
// continuous spread: polls that share a slot share a wake-up of the CPU.

import { MIN_SLOT_MS, SLOTS_PER_INTERVAL } from './limits.ts'

/** Coprime to 20 and near its golden section: the first few polls already lie far apart. */
const STRIDE = 13

export class Phases {
  readonly #loads = new Map<number, Uint32Array>()

  /** Milliseconds after the start of each interval, in [0, intervalMs). */
  take(intervalMs: number): number {
    const loads = this.#loadsOf(intervalMs)
    let best = 0
    for (let step = 1; step < loads.length; step++) {
      const slot = (step * STRIDE) % loads.length
      if (loads[slot]! < loads[best]!) best = slot
    }
    loads[best]! += 1
    return (best * intervalMs) / loads.length
  }

  /** Gives back what `take` gave. */
  release(intervalMs: number, phaseMs: number): void {
    const loads = this.#loadsOf(intervalMs)
    const slot = Math.round((phaseMs * loads.length) / intervalMs)
    if (loads[slot]! > 0) loads[slot]! -= 1
  }

  #loadsOf(intervalMs: number): Uint32Array {
    let loads = this.#loads.get(intervalMs)
    if (loads === undefined) {
      loads = new Uint32Array(Math.max(1, Math.min(SLOTS_PER_INTERVAL, Math.floor(intervalMs / MIN_SLOT_MS))))
      this.#loads.set(intervalMs, loads)
    }
    return loads
  }
}
