import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isBad, Status } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'
import type { Registry } from '#kit/metrics.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { Series } from '#store/series.ts'
import { thinSeries } from '#store/thinning.ts'
import { DAY_MS, openTestStore, pushed, temporaryFolder } from './open-test-store.ts'

const START = Date.UTC(2026, 0, 1)
const MINUTE_MS = 60_000

interface Reading {
  readonly time: number
  readonly value: number
  readonly status: number
}

function seriesOf(readings: readonly Reading[]): Series {
  const columns = {
    sourceTime: Float64Array.from(readings, () => Number.NaN),
    receivedAt: Float64Array.from(readings, ({ time }) => time),
    status: Uint32Array.from(readings, ({ status }) => status),
    texts: new Map<number, string>(),
  }
  const words = new Uint32Array(Float64Array.from(readings, ({ value }) => value).buffer)
  const series = new Series()
  readings.forEach((_, row) => series.push(columns, row, words))
  return series
}

const readingsOf = (series: Series): Reading[] =>
  Array.from({ length: series.length }, (_, row) => ({
    time: series.timeAt(row),
    value: series.cells.value[row]!,
    status: series.status[row]!,
  }))

describe('thinning', () => {
  it('keeps the first, last, least and greatest of each minute and each change of quality, and invents nothing', () => {
    const step = fc.record({
      pause: fc.oneof({ weight: 5, arbitrary: fc.nat(4000) }, fc.nat(300_000)),
      value: fc.integer({ min: -20, max: 20 }),
      status: fc.oneof(
        { weight: 8, arbitrary: fc.constant<number>(Status.Good) },
        fc.constantFrom<number>(Status.BadTimeout, Status.UncertainLastUsableValue),
      ),
    })
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 200 }), (steps) => {
        let time = START
        const all = steps.map(({ pause, value, status }) => ({ time: (time += pause), value, status }))
        const kept = readingsOf(thinSeries(seriesOf(all), 'number'))
        let next = 0
        for (const reading of all) if (next < kept.length && same(reading, kept[next]!)) next += 1
        expect(next).toBe(kept.length) // a part of what was there, in its order
        const minutes = new Set(all.map((reading) => Math.floor(reading.time / MINUTE_MS)))
        for (const minute of minutes) {
          const within = (reading: Reading): boolean => Math.floor(reading.time / MINUTE_MS) === minute
          const [before, after] = [all.filter(within), kept.filter(within)]
          expect([after[0], after.at(-1)]).toEqual([before[0], before.at(-1)])
          expect(extremes(after)).toEqual(extremes(before))
        }
        all.forEach((reading, n) => {
          if (n > 0 && all[n - 1]!.status !== reading.status) expect(kept).toContainEqual(reading)
        })
      }),
    )
  })

  const same = (a: Reading, b: Reading): boolean => a.time === b.time && a.value === b.value && a.status === b.status

  function extremes(readings: readonly Reading[]): [number, number] {
    const values = readings.filter(({ status }) => !isBad(status)).map(({ value }) => value)
    return [Math.min(...values), Math.max(...values)]
  }
})

async function dropped(registry: Registry, reason: string): Promise<number> {
  const text = await registry.metrics()
  const match = new RegExp(`telemetryx_dropped_total\\{stage="store",reason="${reason}"\\} (\\d+)`).exec(text)
  return Number(match![1])
}

describe('disk budget', () => {
  it('takes fidelity before data, the oldest first, tells each loss, and accounts for every reading', async () => {
    using folder = temporaryFolder()
    const clock = new ManualClock(START)
    const maxBytes = 3 * 2 ** 20
    const { store, registry, events } = await openTestStore(folder.path, { clock, maxBytes })
    await store.registerSensors([{ id: 'a.b', valueType: 'number' }])
    let n = 0
    const grow = async (count: number): Promise<void> => {
      for (const end = n + count; n < end; n++) {
        await pushed(() => store.ring.pushNumber(0, 0, NO_TIME, START + n * 1000, Math.random()))
      }
      await store.compact()
      await clock.advance(60_000)
      await store.compact()
    }
    const storedRaw = async (): Promise<number[]> => {
      const times: number[] = []
      for (let cursor: string | null = null; ;) {
        const range = { sensor: 'a.b', from: START, to: START + 100 * DAY_MS, limit: 10_000, cursor }
        const page = await store.history.readings(range)
        times.push(...page.items.map(({ time }) => time))
        if (page.next === null) return times
        cursor = page.next
      }
    }
    const reasons = (): unknown[] =>
      events.filter(({ type }) => type === 'store-retention').map((e) => e.data?.['reason'])

    for (let round = 0; round < 8; round++) await grow(60_000)
    expect(new Set(reasons())).toEqual(new Set(['thinned']))
    let times = await storedRaw()
    expect(times.length + (await dropped(registry, 'thinned'))).toBe(n)
    expect(times[0]).toBe(START) // the oldest minute still shows its extremes
    expect(times.at(-1)).toBe(START + (n - 1) * 1000)
    const lastMinute = times.filter((time) => time >= START + (n - 60) * 1000)
    expect(lastMinute.length).toBe(60) // the newest readings are whole
    // Aggregates come from the minutes, which still count every reading.
    const { count } = await store.history.statistics('a.b', START, START + n * 1000)
    expect(count).toBe(n)
    const { items } = await store.history.buckets({
      sensor: 'a.b',
      from: START,
      to: START + 600_000,
      limit: 100,
      cursor: null,
      everyMs: 60_000,
    })
    expect(items.map((bucket) => bucket.count)).toEqual(Array.from({ length: 10 }, () => 60))

    for (let round = 0; round < 40 && !reasons().includes('size'); round++) await grow(200_000)
    expect(reasons()).toContain('size')
    times = await storedRaw()
    expect(times.length + (await dropped(registry, 'thinned')) + (await dropped(registry, 'size'))).toBe(n)
    expect(times[0]).toBeGreaterThan(START)
    await store.close()
  }, 120_000)

  it('forgets alarms and events after the longest retention, but no open alarm', async () => {
    using folder = temporaryFolder()
    const clock = new ManualClock(START)
    const retention = { rawMs: DAY_MS, minuteMs: DAY_MS, hourMs: 10 * DAY_MS }
    const { store, events } = await openTestStore(folder.path, { clock, retention })
    const event = { kind: 'event', type: 'x', severity: 'info', message: 'm', source: 'gateway' }
    for (const day of [0, 1, 9])
      store.ring.pushEntry(START + day * DAY_MS, JSON.stringify({ ...event, time: START + day * DAY_MS }))
    const alarm = { id: '1-1', sensor: 'a.b', checkType: 'threshold', active: true, acknowledged: false }
    store.ring.pushEntry(START, JSON.stringify({ kind: 'alarm', change: 'raised', time: START, alarm }))
    await store.flush()
    clock.step(11.5 * DAY_MS)
    await clock.advance(60_000)
    await store.compact()
    const query = { sensor: null, checkTypes: null, from: 0, to: 2 ** 43, limit: 10, cursor: null }
    const left = await store.history.entries({ kind: 'event', ...query })
    expect(left.items.map(({ entry }) => (entry.kind === 'event' ? entry.time : 0))).toEqual([START + 9 * DAY_MS])
    expect((await store.history.entries({ kind: 'alarm', ...query })).items).toEqual([])
    expect((await store.history.openAlarms()).length).toBe(1)
    expect(events.map(({ data }) => data)).toContainEqual({ kind: 'entry', reason: 'age', entries: 3 })
    await store.close()
  })
})
