import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WindowSeries, type Extent, type WindowFunction } from '#brain/rules/window-series.ts'
import { KeyedWindow, WindowMemory } from '#brain/rules/windows.ts'

const FUNCTIONS = ['count', 'sum', 'avg', 'min', 'max', 'rate'] as const

/** The same by the definition, from all values that ever came. */
class Model {
  #values: { time: number; value: number }[] = []
  readonly #extent: Extent
  readonly #what: WindowFunction

  constructor(extent: Extent, what: WindowFunction) {
    this.#extent = extent
    this.#what = what
  }

  add(time: number, value: number): void {
    const { length } = this.#values.filter((one) => one.time <= time)
    this.#values.splice(length, 0, { time, value })
    const newest = this.#values.at(-1)!.time
    this.#values =
      this.#extent.kind === 'count'
        ? this.#values.slice(-this.#extent.count)
        : this.#values.filter((one) => one.time > newest - (this.#extent.kind === 'time' ? this.#extent.ms : 0))
  }

  read(now: number): number | null {
    const { kind } = this.#extent
    if (this.#extent.kind === 'time') {
      const { ms } = this.#extent
      this.#values = this.#values.filter(({ time }) => time > now - ms)
    }
    const values = this.#values.map(({ value }) => value)
    const sum = values.reduce((a, b) => a + b, 0)
    const [first] = this.#values
    const last = this.#values.at(-1)
    if (first === undefined || last === undefined) return this.#what === 'count' || this.#what === 'sum' ? 0 : null
    const seconds = (last.time - first.time) / 1000
    const rate = seconds > 0 ? (last.value - first.value) / seconds : null
    const results = {
      count: values.length,
      sum,
      avg: sum / values.length,
      min: Math.min(...values),
      max: Math.max(...values),
      rate,
    }
    return kind === 'count' || kind === 'time' ? results[this.#what] : null
  }
}

describe('A window', () => {
  it('tells the same as its definition, whatever comes in whatever order', () => {
    const extent = fc.oneof(
      fc.record({ kind: fc.constant('count' as const), count: fc.integer({ min: 1, max: 20 }) }),
      fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 1, max: 50 }) }),
    )
    // Distinct times: of two values of one time the definition does not say which is older.
    const values = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 300 }), fc.integer({ min: -1000, max: 1000 })), {
      maxLength: 120,
      selector: ([time]) => time,
    })
    fc.assert(
      fc.property(extent, fc.constantFrom(...FUNCTIONS), values, fc.boolean(), (size, what, given, isSorted) => {
        const series = new WindowSeries(size, what)
        const model = new Model(size, what)
        let newest = Number.NEGATIVE_INFINITY
        for (const [time, value] of isSorted ? given.toSorted(([a], [b]) => a - b) : given) {
          newest = Math.max(newest, time)
          series.add(time, value)
          model.add(time, value)
          const [told, expected] = [series.read(newest), model.read(newest)]
          if (expected === null || told === null) expect(told).toBe(expected)
          else expect(told).toBeCloseTo(expected, 9)
        }
      }),
      { numRuns: 400 },
    )
  })

  it('does not drift over a million values of very different size', () => {
    const series = new WindowSeries({ kind: 'count', count: 100 }, 'sum')
    for (let time = 0; time < 1_000_000; time++) series.add(time, time % 3 === 0 ? 1e15 : 0.1)
    for (let time = 1_000_000; time < 1_000_100; time++) series.add(time, 0.1)
    expect(series.read(1_000_100)).toBeCloseTo(10, 12)
  })

  it('gives its values back after a restart', () => {
    const memory = new WindowMemory({ maxKeys: 10, maxValues: 1000 })
    const before = new KeyedWindow(memory, { kind: 'count', count: 5 }, 'avg')
    for (const [time, value] of [1, 2, 3, 4, 5, 6].entries()) before.push('a', time, value)
    const after = new KeyedWindow(memory, { kind: 'count', count: 5 }, 'avg')
    after.restore(before.toJSON())
    expect(after.read('a', 10)).toBe(4)
  })
})

describe('Windows together', () => {
  it('forget the key that was unused longest when there are too many', () => {
    const memory = new WindowMemory({ maxKeys: 2, maxValues: 1000 })
    const window = new KeyedWindow(memory, { kind: 'count', count: 5 }, 'count')
    for (const key of ['a', 'b', 'a', 'c']) window.push(key, 0, 1)
    expect(['a', 'b', 'c'].map((key) => window.read(key, 0))).toEqual([2, 0, 1])
    expect(memory.evicted).toBe(1)
  })

  it('hold no more values than they may, and count them right', () => {
    const memory = new WindowMemory({ maxKeys: 1000, maxValues: 256 })
    const windows = FUNCTIONS.map((what) => new KeyedWindow(memory, { kind: 'time', ms: 1000 }, what))
    for (let time = 0; time < 5000; time++) windows[time % windows.length]!.push(`key-${time % 50}`, time, time)
    expect(memory.values).toBeLessThanOrEqual(256)
    for (const window of windows) window.clear()
    expect([memory.values, memory.keys]).toEqual([0, 0])
  })
})
