import fc from 'fast-check'
import { mean, sampleStandardDeviation } from 'simple-statistics'
import { describe, expect, it } from 'vitest'
import type { Bucket, Page, RangeQuery, StoredReading } from '#domain/history.ts'
import { Status } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'
import type { Store } from '#store/store.ts'
import { openTestStore, pushed, temporaryFolder } from './open-test-store.ts'

const START = Date.UTC(2026, 5, 1)
const ALL = { from: 0, to: 2 ** 43, limit: 10_000, cursor: null }

async function allReadings(store: Store, query: Omit<RangeQuery, 'cursor'>): Promise<StoredReading[]> {
  const items: StoredReading[] = []
  for (let cursor: string | null = null; ;) {
    const page: Page<StoredReading> = await store.history.readings({ ...query, cursor })
    items.push(...page.items)
    if (page.next === null) return items
    cursor = page.next
  }
}

/** A plain model of one sensor's history. */
interface Kept {
  readonly time: number
  readonly value: number
  readonly isBad: boolean
}

function bucketsOf(kept: readonly Kept[], from: number, to: number, everyMs: number): Bucket[] {
  const cells = new Map<number, Kept[]>()
  for (const reading of kept) {
    if (reading.isBad || reading.time < from || reading.time >= to) continue
    const start = Math.floor(reading.time / everyMs) * everyMs
    cells.set(start, [...(cells.get(start) ?? []), reading])
  }
  return [...cells]
    .sort((a, b) => a[0] - b[0])
    .map(([time, all]) => {
      const values = all.map(({ value }) => value)
      const latest = Math.max(...all.map((reading) => reading.time))
      const last = all.filter((reading) => reading.time === latest).at(-1)!.value
      return { time, count: all.length, min: Math.min(...values), max: Math.max(...values), mean: mean(values), last }
    })
}

function expectBuckets(actual: readonly Bucket[], expected: readonly Bucket[]): void {
  const exact = (bucket: Bucket): object => ({ ...bucket, mean: 0 })
  expect(actual.map(exact)).toEqual(expected.map(exact))
  actual.forEach((bucket, index) => expect(bucket.mean).toBeCloseTo(expected[index]!.mean, 9))
}

describe('history', () => {
  it('answers like a plain list for any readings, late ones included, wherever they are kept', async () => {
    const spans = fc.constantFrom(1, 700, 25_000, 600_000, 5_000_000)
    const reading = fc.record({
      ahead: fc.integer({ min: 0, max: 3000 }),
      late: fc.option(fc.nat(4_000_000), { freq: 8 }),
      value: fc.integer({ min: -50, max: 50 }),
      isBad: fc.boolean(),
    })
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ push: fc.array(reading, { maxLength: 60 }), pace: spans }) },
      { weight: 1, arbitrary: fc.constant('flush' as const) },
      { weight: 2, arbitrary: fc.constant('compact' as const) },
      { weight: 1, arbitrary: fc.constant('reopen' as const) },
    )
    const range = fc.record({
      a: fc.double({ min: 0, max: 1, noNaN: true }),
      b: fc.double({ min: 0, max: 1, noNaN: true }),
      limit: fc.integer({ min: 1, max: 40 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 12 }),
        range,
        fc.constantFrom(1000, 7000, 60_000, 300_000, 3_600_000, 7_200_000),
        async (steps, { a, b, limit }, everyMs) => {
          using folder = temporaryFolder()
          let { store } = await openTestStore(folder.path, { flushIntervalMs: 60_000 })
          await store.registerSensors([
            { id: 'x.other', valueType: 'number' },
            { id: 'x.y', valueType: 'number' },
          ])
          const kept: Kept[] = []
          let now = START + 59_000
          for (const one of steps) {
            if (one === 'flush') await store.flush()
            else if (one === 'compact') await store.compact()
            else if (one === 'reopen') {
              await store.close()
              ;({ store } = await openTestStore(folder.path, { flushIntervalMs: 60_000 }))
            } else
              for (const { ahead, late, value, isBad } of one.push) {
                now += Math.floor((ahead * one.pace) / 3000)
                const time = late === null ? now : now - late
                store.ring.pushNumber(0, 0, NO_TIME, now, 1)
                await pushed(() =>
                  store.ring.pushNumber(
                    1,
                    isBad ? Status.BadTimeout : 0,
                    late === null ? NO_TIME : time,
                    now,
                    value / 10,
                  ),
                )
                kept.push({ time, value: value / 10, isBad })
              }
          }
          const ordered = kept
            .map((entry, index) => ({ ...entry, index }))
            .sort((p, q) => p.time - q.time || p.index - q.index)
          const first = ordered[0]?.time ?? START
          const width = now - first + 10
          const from = first + Math.floor(Math.min(a, b) * width)
          const to = first + Math.floor(Math.max(a, b) * width)
          const expected = ordered.filter(({ time }) => time >= from && time < to)
          const query = { sensor: 'x.y', from, to, limit }
          const seen = (readings: readonly StoredReading[]): unknown => readings.map(({ time, value }) => [time, value])
          const model = expected.map(({ time, value, isBad }) => [time, isBad ? null : value])
          expect(seen(await allReadings(store, query))).toEqual(model)
          expect(seen(await allReadings(store, { ...query, order: 'newestFirst' }))).toEqual(model.toReversed())

          const wanted = bucketsOf(kept, from, to, everyMs)
          for (const order of ['oldestFirst', 'newestFirst'] as const) {
            const buckets: Bucket[] = []
            for (let cursor: string | null = null; ;) {
              const page: Page<Bucket> = await store.history.buckets({ ...query, everyMs, cursor, order })
              expect(page.items.length).toBeLessThanOrEqual(limit)
              buckets.push(...page.items)
              if (page.next === null) break
              cursor = page.next
            }
            expectBuckets(order === 'oldestFirst' ? buckets : buckets.toReversed(), wanted)
          }

          const values = expected.filter(({ isBad }) => !isBad).map(({ value }) => value)
          const statistics = await store.history.statistics('x.y', from, to)
          expect(statistics.count).toBe(values.length)
          expect(statistics.min).toBe(values.length === 0 ? null : Math.min(...values))
          expect(statistics.max).toBe(values.length === 0 ? null : Math.max(...values))
          if (values.length > 0) expect(statistics.mean).toBeCloseTo(mean(values), 9)
          if (values.length > 1) expect(statistics.standardDeviation).toBeCloseTo(sampleStandardDeviation(values), 8)
          expect(statistics.first?.value ?? null).toBe(values[0] ?? null)
          expect(statistics.last?.value ?? null).toBe(values.at(-1) ?? null)
          await store.close()
        },
      ),
      { numRuns: 40, endOnFailure: true, interruptAfterTimeLimit: 60_000 },
    )
  }, 120_000)

  it('never shifts a page by what arrives between two pages', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(folder.path)
    await store.registerSensors([{ id: 'x.y', valueType: 'number' }])
    const push = (time: number, value: number): boolean => store.ring.pushNumber(0, 0, time, START + 1000, value)
    for (let n = 0; n < 6; n++) push(START, n)
    for (const order of ['oldestFirst', 'newestFirst'] as const) {
      const query = { sensor: 'x.y', from: START, to: START + 10, limit: 3, order } as const
      const one = await store.history.readings({ ...query, cursor: null })
      push(START, 100)
      const two = await store.history.readings({ ...query, cursor: one.next })
      const values = [...one.items, ...two.items].map(({ value }) => value)
      if (order === 'oldestFirst') expect(values).toEqual([0, 1, 2, 3, 4, 5])
      else expect(values).toEqual([100, 5, 4, 3, 2, 1])
    }
    await store.close()
  })

  it('merges segments over all levels without changing an answer', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(folder.path)
    await store.registerSensors([{ id: 'x.y', valueType: 'number' }])
    const kept: Kept[] = []
    for (let round = 0; round < 300; round++) {
      for (let n = 0; n < 4; n++) {
        const time = START + (round * 4 + n) * 37_000
        store.ring.pushNumber(0, 0, NO_TIME, time, (round * 4 + n) % 17)
        kept.push({ time, value: (round * 4 + n) % 17, isBad: false })
      }
      await store.compact()
    }
    const end = START + 1200 * 37_000
    const readings = await allReadings(store, { sensor: 'x.y', from: START, to: end, limit: 1000 })
    expect(readings.map(({ time, value }) => [time, value])).toEqual(kept.map(({ time, value }) => [time, value]))
    for (const everyMs of [60_000, 3_600_000]) {
      const { items } = await store.history.buckets({
        sensor: 'x.y',
        from: START + 90_000,
        to: end - 90_000,
        limit: 10_000,
        cursor: null,
        everyMs,
      })
      expectBuckets(items, bucketsOf(kept, START + 90_000, end - 90_000, everyMs))
    }
    await store.close()
  }, 120_000)

  it('stops a query whose caller gave up', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(folder.path)
    await expect(store.history.readings({ sensor: 'x.y', ...ALL }, AbortSignal.abort())).rejects.toMatchObject({
      code: 'ABORTED',
    })
    await store.close()
  })
})
