// What a sensor usually reads at this time of the day, or of the week: one running mean for each slot of the cycle.

import type { StateReader, StateWriter } from '../learnt-state.ts'

/**
 * Mean value by slot of a clock cycle (UTC). The readings of one visit to a slot count as one: they are averaged, and
 * enter the slot's mean only when it is left, so that a reading is always compared with earlier cycles, never with
 * its own neighbours. Memory: 12 bytes × slots.
 */
export class SeasonalProfile {
  readonly #periodMs: number
  readonly #slots: number
  readonly #minGain: number
  readonly #means: Float64Array
  readonly #visits: Uint32Array
  #slot = -1
  #sum = 0
  #readings = 0

  /** @param minGain weight of the newest visit once a slot has had 1 / minGain of them, 0 … 1. */
  constructor(periodMs: number, slots: number, minGain: number) {
    this.#periodMs = periodMs
    this.#slots = slots
    this.#minGain = minGain
    this.#means = new Float64Array(slots)
    this.#visits = new Uint32Array(slots)
  }

  /** Goes to the slot of `time` (Unix milliseconds). Answers its mean, or NaN before it has been left once. */
  expect(time: number): number {
    const slot = this.#slotOf(time)
    if (slot !== this.#slot) {
      this.#leave()
      this.#slot = slot
    }
    return this.#visits[slot] === 0 ? Number.NaN : this.#means[slot]!
  }

  /** Learns a reading in the slot of the last `expect`. */
  learn(value: number): void {
    this.#sum += value
    this.#readings += 1
  }

  save(writer: StateWriter): void {
    writer.all(this.#means).all(this.#visits).add(this.#slot, this.#sum, this.#readings)
  }

  restore(reader: StateReader): void {
    reader.fill(this.#means)
    for (let slot = 0; slot < this.#slots; slot++) this.#visits[slot] = reader.whole(0, 0xff_ff_ff_ff)
    this.#slot = reader.whole(-1, this.#slots - 1)
    this.#sum = reader.number()
    this.#readings = reader.whole(0, Number.MAX_SAFE_INTEGER)
  }

  #leave(): void {
    if (this.#readings === 0) return
    const slot = this.#slot
    const visits = this.#visits[slot]! + 1
    const mean = this.#sum / this.#readings
    // A counter that stays at 2^32 − 1 would still be right: only its start matters.
    if (visits < 0xff_ff_ff_ff) this.#visits[slot] = visits
    this.#means[slot]! += (mean - this.#means[slot]!) * Math.max(this.#minGain, 1 / visits)
    this.#sum = 0
    this.#readings = 0
  }

  #slotOf(time: number): number {
    const phase = (((time % this.#periodMs) + this.#periodMs) % this.#periodMs) / this.#periodMs
    return Math.min(this.#slots - 1, Math.floor(phase * this.#slots))
  }
}
