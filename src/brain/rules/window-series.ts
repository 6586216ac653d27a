// The latest values of one key, by time or by count, with one aggregate: each value costs a constant time on average.
//
// Values stand in the order of their times in a growing ring; one that comes late is put where it belongs when it still lies
// within the window. Sums are compensated (Neumaier, 1974) and worked out anew after as many removals as there are values, so
// that they do not drift. Minimum and maximum are kept by a monotonic queue, made anew after a late value.

export type WindowFunction = 'count' | 'sum' | 'avg' | 'min' | 'max' | 'rate'

export type Extent = { readonly kind: 'time'; readonly ms: number } | { readonly kind: 'count'; readonly count: number }

/** A time window holds at most so many of its latest values. */
export const MAX_SERIES_LENGTH = 65_536
const FIRST_CAPACITY = 8 // a power of two, as all that follow

export class WindowSeries {
  readonly #extent: Extent
  readonly #what: WindowFunction
  #times = new Float64Array(FIRST_CAPACITY)
  #values = new Float64Array(FIRST_CAPACITY)
  /** Absolute index of the oldest value; cells are taken modulo the capacity. */
  #first = 0
  #length = 0
  readonly #sum = new CompensatedSum()
  #removals = 0
  /** Absolute indices of candidates for the extreme, best first; null: to be made anew. */
  #queue: number[] | null = []
  #queueStart = 0

  constructor(extent: Extent, what: WindowFunction) {
    this.#extent = extent
    this.#what = what
  }

  get length(): number {
    return this.#length
  }

  /** Values that the memory has room for. */
  get capacity(): number {
    return this.#values.length
  }

  /** @param time Unix milliseconds. `value` is finite. */
  add(time: number, value: number): void {
    if (this.#extent.kind === 'time') {
      const newest = this.#length === 0 ? time : Math.max(time, this.#timeAt(this.#first + this.#length - 1))
      if (time <= newest - this.#extent.ms) return
      this.#forgetUntil(newest - this.#extent.ms)
      if (this.#length === MAX_SERIES_LENGTH) this.#removeFirst()
    } else if (this.#length === this.#extent.count) {
      if (time < this.#timeAt(this.#first)) return
      this.#removeFirst()
    }
    if (this.#length === this.capacity) this.#grow()
    this.#insert(time, value)
    this.#sum.add(value)
  }

  /** null when there is nothing to tell: no value, or for `rate` not two times. `now`: the time of the record that is judged. */
  read(now: number): number | null {
    if (this.#extent.kind === 'time') this.#forgetUntil(now - this.#extent.ms)
    if (this.#length === 0) return this.#what === 'count' || this.#what === 'sum' ? 0 : null
    switch (this.#what) {
      case 'count':
        return this.#length
      case 'sum':
        return this.#sum.value
      case 'avg':
        return this.#sum.value / this.#length
      case 'min':
      case 'max':
        return this.#extreme()
      case 'rate':
        return this.#rate()
    }
  }

  /** Times and values, oldest first. */
  toJSON(): [times: number[], values: number[]] {
    const indices = Array.from({ length: this.#length }, (_, offset) => this.#first + offset)
    return [indices.map((index) => this.#timeAt(index)), indices.map((index) => this.#valueAt(index))]
  }

  #rate(): number | null {
    const last = this.#first + this.#length - 1
    const seconds = (this.#timeAt(last) - this.#timeAt(this.#first)) / 1000
    return seconds > 0 ? (this.#valueAt(last) - this.#valueAt(this.#first)) / seconds : null
  }

  #extreme(): number {
    if (this.#queue === null) {
      this.#queue = []
      this.#queueStart = 0
      for (let index = this.#first; index < this.#first + this.#length; index++) this.#enqueue(index)
    }
    return this.#valueAt(this.#queue[this.#queueStart]!)
  }

  #enqueue(index: number): void {
    const queue = this.#queue
    if (queue === null) return
    const value = this.#valueAt(index)
    while (queue.length > this.#queueStart && !this.#beats(this.#valueAt(queue.at(-1)!), value)) queue.pop()
    queue.push(index)
  }

  #beats(a: number, b: number): boolean {
    return this.#what === 'min' ? a < b : a > b
  }

  #forgetUntil(time: number): void {
    while (this.#length > 0 && this.#timeAt(this.#first) <= time) this.#removeFirst()
  }

  #removeFirst(): void {
    this.#sum.add(-this.#valueAt(this.#first))
    this.#removals += 1
    if (this.#queue?.[this.#queueStart] === this.#first) {
      this.#queueStart += 1
      if (this.#queueStart > 64 && this.#queueStart * 2 > this.#queue.length) {
        this.#queue.splice(0, this.#queueStart)
        this.#queueStart = 0
      }
    }
    this.#first += 1
    this.#length -= 1
    if (this.#removals > this.#length) this.#sumAnew()
  }

  #sumAnew(): void {
    this.#removals = 0
    this.#sum.clear()
    for (let index = this.#first; index < this.#first + this.#length; index++) this.#sum.add(this.#valueAt(index))
  }

  #insert(time: number, value: number): void {
    let at = this.#first + this.#length
    this.#length += 1
    const isLate = at > this.#first && this.#timeAt(at - 1) > time
    while (at > this.#first && this.#timeAt(at - 1) > time) {
      this.#put(at, this.#timeAt(at - 1), this.#valueAt(at - 1))
      at -= 1
    }
    this.#put(at, time, value)
    if (this.#what !== 'min' && this.#what !== 'max') return
    if (isLate) this.#queue = null
    else this.#enqueue(at)
  }

  #grow(): void {
    const [times, values] = this.toJSON()
    this.#times = new Float64Array(this.capacity * 2)
    this.#values = new Float64Array(this.#times.length)
    for (const [offset, time] of times.entries()) this.#put(this.#first + offset, time, values[offset]!)
  }

  #timeAt(index: number): number {
    return this.#times[index % this.capacity]!
  }

  #valueAt(index: number): number {
    return this.#values[index % this.capacity]!
  }

  #put(index: number, time: number, value: number): void {
    this.#times[index % this.capacity] = time
    this.#values[index % this.capacity] = value
  }
}

/** A. Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen", ZAMM 54 (1974). */
class CompensatedSum {
  #sum = 0
  #correction = 0

  get value(): number {
    return this.#sum + this.#correction
  }

  add(value: number): void {
    const sum = this.#sum + value
    this.#correction += Math.abs(this.#sum) >= Math.abs(value) ? this.#sum - sum + value : value - sum + this.#sum
    this.#sum = sum
  }

  clear(): void {
    this.#sum = 0
    this.#correction = 0
  }
}
