// The windows of all rules: one series for each window and key, bounded in keys and in values. The keys that were unused
// longest are forgotten first.

import { WindowSeries, type Extent, type WindowFunction } from './window-series.ts'

export interface WindowLimits {
  readonly maxKeys: number
  readonly maxValues: number
}

/** Times and values by key; plain JSON. */
export type WindowState = readonly (readonly [key: string, times: readonly number[], values: readonly number[]])[]

/** Series of one window by key. */
export class KeyedWindow {
  readonly #memory: WindowMemory
  readonly #extent: Extent
  readonly #what: WindowFunction
  /** In the order of their last use. */
  readonly #series = new Map<string, WindowSeries>()
  #isDirty = false

  constructor(memory: WindowMemory, extent: Extent, what: WindowFunction) {
    this.#memory = memory
    this.#extent = extent
    this.#what = what
  }

  get size(): number {
    return this.#series.size
  }

  /** Adds a value, and answers the aggregate with it. */
  push(key: string, time: number, value: number): number | null {
    const series = this.#use(key)
    const before = series.capacity
    series.add(time, value)
    this.#memory.changed(series.capacity - before)
    this.#isDirty = true
    return series.read(time)
  }

  /** The aggregate as it would be with the value; nothing is kept. `value` null: without one. */
  peek(key: string, time: number, value: number | null): number | null {
    const trial = new WindowSeries(this.#extent, this.#what)
    const known = this.#series.get(key)
    if (known) restore(trial, known.toJSON())
    if (value !== null) trial.add(time, value)
    return trial.read(time)
  }

  read(key: string, time: number): number | null {
    return (this.#series.get(key) ?? new WindowSeries(this.#extent, this.#what)).read(time)
  }

  /** Forgets the key that was unused longest; false when there is none. */
  evict(): boolean {
    for (const [key, series] of this.#series) {
      this.#series.delete(key)
      this.#memory.changed(-series.capacity)
      return true
    }
    return false
  }

  /** Gives up its values, when its rule is gone. */
  clear(): void {
    while (this.evict());
    this.#memory.unregister(this)
  }

  /** Has anything been pushed since the last call? */
  takeDirty(): boolean {
    const isDirty = this.#isDirty
    this.#isDirty = false
    return isDirty
  }

  /** Values that its keys hold together. */
  get values(): number {
    let values = 0
    for (const { length } of this.#series.values()) values += length
    return values
  }

  /** Keys with their values, the one used last at the end. */
  toJSON(): WindowState {
    return [...this.#series].map(([key, series]) => [key, ...series.toJSON()])
  }

  /** Takes up values of an earlier run, unless there are some by now. */
  restore(state: WindowState): void {
    for (const [key, times, values] of state) {
      if (this.#series.has(key)) continue
      const series = this.#use(key)
      const before = series.capacity
      restore(series, [times, values])
      this.#memory.changed(series.capacity - before)
    }
  }

  #use(key: string): WindowSeries {
    let series = this.#series.get(key)
    if (series) this.#series.delete(key)
    else {
      if (this.#series.size >= this.#memory.limits.maxKeys) {
        this.evict()
        this.#memory.evicted += 1
      }
      series = new WindowSeries(this.#extent, this.#what)
      this.#memory.register(this) // only now: of a rule that is refused nothing stays
      this.#memory.changed(series.capacity)
    }
    this.#series.set(key, series)
    return series
  }
}

function restore(series: WindowSeries, [times, values]: readonly [readonly number[], readonly number[]]): void {
  for (const [index, time] of times.entries()) series.add(time, values[index]!)
}

/** What all windows take up together. */
export class WindowMemory {
  readonly limits: WindowLimits
  /** Keys that were forgotten for want of room. */
  evicted = 0
  readonly #windows = new Set<KeyedWindow>()
  #values = 0

  constructor(limits: WindowLimits) {
    this.limits = limits
  }

  /** Values that there is room for. */
  get values(): number {
    return this.#values
  }

  get keys(): number {
    let keys = 0
    for (const { size } of this.#windows) keys += size
    return keys
  }

  register(window: KeyedWindow): void {
    this.#windows.add(window)
  }

  unregister(window: KeyedWindow): void {
    this.#windows.delete(window)
  }

  changed(values: number): void {
    this.#values += values
    if (values <= 0 || this.#values <= this.limits.maxValues) return
    for (const window of this.#windows) {
      while (this.#values > this.limits.maxValues && window.evict()) this.evicted += 1
      if (this.#values <= this.limits.maxValues) return
    }
  }
}
