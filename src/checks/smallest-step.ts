// The grain of a sensor: differences that its own resolution, or the float64's, can make are no findings.

import type { StateReader, StateWriter } from './learnt-state.ts'

/** Differences below this share of the value are the float64's own grain, not the process. */
const GRAIN = 2 ** -48

/** The smallest step that a sensor has ever made between two readings. */
export class SmallestStep {
  #step = Infinity
  #last = Number.NaN

  take(value: number): void {
    const step = Math.abs(value - this.#last)
    if (step > 0 && step < this.#step) this.#step = step
    this.#last = value
  }

  save(writer: StateWriter): void {
    writer.add(this.#step, this.#last)
  }

  restore(reader: StateReader): void {
    this.#step = reader.numberOr(Infinity)
    this.#last = reader.numberOr(Number.NaN)
  }

  /** True when `deviation` from `centre` is larger than one such step. */
  isExceededBy(deviation: number, centre: number): boolean {
    const step = this.#step === Infinity ? 0 : this.#step
    return Math.abs(deviation) > Math.max(step, Math.abs(centre) * GRAIN)
  }
}
