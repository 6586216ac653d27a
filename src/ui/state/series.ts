// The last minutes of one sensor for its sparkline: a ring of times and values. NaN is a gap.

export class Series {
  readonly #times: Float64Array
  readonly #values: Float64Array
  #written = 0
  #version = 0

  /** @param capacity points that are kept. */
  constructor(capacity: number) {
    this.#times = new Float64Array(capacity)
    this.#values = new Float64Array(capacity)
  }

  get length(): number {
    return Math.min(this.#written, this.#times.length)
  }

  /** Time of the oldest point; infinite when empty. */
  get firstTime(): number {
    return this.length === 0 ? Number.POSITIVE_INFINITY : this.timeAt(0)
  }

  /** Grows with every change. */
  get version(): number {
    return this.#version
  }

  /** Index 0 is the oldest point. */
  timeAt(index: number): number {
    return this.#times[this.#cell(index)]!
  }

  valueAt(index: number): number {
    return this.#values[this.#cell(index)]!
  }

  push(time: number, value: number): void {
    const cell = this.#written % this.#times.length
    this.#times[cell] = time
    this.#values[cell] = value
    this.#written += 1
    this.#version += 1
  }

  /** Puts older points before the present ones, as far as there is room; both are oldest first. */
  prepend(times: readonly number[], values: readonly number[]): void {
    const kept = Array.from({ length: this.length }, (_, index) => [this.timeAt(index), this.valueAt(index)] as const)
    const before = this.firstTime
    const room = this.#times.length - kept.length
    const older = times.map((time, index) => [time, values[index]!] as const).filter(([time]) => time < before)
    this.#written = 0
    for (const [time, value] of [...older.slice(Math.max(0, older.length - room)), ...kept]) this.push(time, value)
  }

  /** Puts points into a gap: they take the place of those from `from` on and before `to`. All are oldest first. */
  fill(from: number, to: number, times: readonly number[], values: readonly number[]): void {
    const all = Array.from({ length: this.length }, (_, index) => [this.timeAt(index), this.valueAt(index)] as const)
    const within = times
      .map((time, index) => [time, values[index]!] as const)
      .filter(([time]) => time >= from && time < to)
    this.#written = 0
    const parts = [...all.filter(([time]) => time < from), ...within, ...all.filter(([time]) => time >= to)]
    for (const [time, value] of parts) this.push(time, value)
  }

  #cell(index: number): number {
    return (Math.max(0, this.#written - this.#times.length) + index) % this.#times.length
  }
}
