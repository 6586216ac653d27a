// What is asked of stored readings, against the same worked out from all of them; and what PostgreSQL reads for it.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Bucket } from '#domain/history.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { hasPostgres, startPostgres, type PostgresPeer } from '#test/sim/postgres.ts'
import {
  DAY_MS,
  dictionary,
  envelope,
  makeTenant,
  numbers,
  openStorage,
  RETENTION,
  type Fixture,
} from './central-fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'telemetryx-queries-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const NOW = Date.UTC(2026, 10, 20, 12)
const HOUR_MS = 3_600_000
const SENSOR = 'press-1.pressure'

interface Sample {
  readonly time: number
  readonly value: number
}

function bucketsOf(samples: readonly Sample[], everyMs: number): Bucket[] {
  const cells = new Map<number, Sample[]>()
  for (const sample of samples) {
    const cell = Math.floor(sample.time / everyMs) * everyMs
    cells.set(cell, [...(cells.get(cell) ?? []), sample])
  }
  return [...cells]
    .sort(([a], [b]) => a - b)
    .map(([time, all]) => {
      const values = all.map(({ value }) => value)
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length
      const last = all.toSorted((a, b) => a.time - b.time).at(-1)!.value
      return { time, count: values.length, min: Math.min(...values), max: Math.max(...values), mean, last }
    })
}

const near = (buckets: readonly Bucket[]) =>
  buckets.map((bucket) => ({ ...bucket, mean: expect.closeTo(bucket.mean, 6) as number }))

describe.skipIf(!hasPostgres)('Stored readings (needs postgresql)', () => {
  let peer: PostgresPeer
  let fixture: Fixture
  const clock = new ManualClock(NOW)
  let tenant = 0
  const samples: Sample[] = []
  let seq = 1

  /** Readings a second apart. */
  const take = async (at: number, values: readonly number[]): Promise<void> => {
    await fixture.storage.ingest.take(tenant, numbers({ firstSeq: seq, values, at }))
    seq += values.length
    values.forEach((value, index) => samples.push({ time: at + index * 1000, value }))
  }

  beforeAll(async () => {
    peer = await startPostgres({ fsync: 'off' })
    fixture = await openStorage({ url: peer.url, folder, clock })
    tenant = await makeTenant(fixture, 'mine')
    const wave = (length: number, start: number) =>
      Array.from({ length }, (_, index) => start + (index % 37) - index * 0.01)
    await take(NOW - 3 * DAY_MS - 1500, wave(9000, 10)) // over two hours, from within a minute
    await take(NOW - 5 * HOUR_MS, wave(4000, -50))
    await fixture.storage.rollups.run(NOW)
    await take(NOW - 4 * HOUR_MS + 500, wave(50, 1000)) // late: into what has been rolled up
    await take(NOW - 100_000, wave(90, 3)) // not quiet yet
  })
  afterAll(async () => {
    await fixture.close()
    await peer.stop()
  })

  it('are worked out ahead where they are quiet, and marked where they are not', async () => {
    const rolled = await fixture.database.query(
      'SELECT (SELECT count(*) FROM central.rollup_minute) AS minutes, (SELECT count(*) FROM central.rollup_hour) AS hours',
    )
    expect(rolled).toEqual([{ minutes: 218, hours: 6 }])
    const stale = await fixture.database.query('SELECT level, count(*) FROM central.stale_rollup GROUP BY level')
    expect(stale).toEqual([{ level: 'minute', count: 3 }])
  })

  it('come in buckets of any width, alike from rollups and readings', async () => {
    const width = fc.constantFrom(1000, 7000, 60_000, 5 * 60_000, HOUR_MS, 6 * HOUR_MS, DAY_MS)
    const moment = fc.integer({ min: NOW - 4 * DAY_MS, max: NOW + HOUR_MS })
    await fc.assert(
      fc.asyncProperty(width, moment, moment, fc.boolean(), async (everyMs, a, b, isNewest) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b) + 1]
        const order = isNewest ? 'newestFirst' : 'oldestFirst'
        const wanted = bucketsOf(
          samples.filter(({ time }) => time >= from && time < to),
          everyMs,
        )
        const found: Bucket[] = []
        let cursor: string | null = null
        do {
          const page = await fixture.storage.readings.buckets(tenant, {
            sensor: SENSOR,
            from,
            to,
            everyMs,
            limit: 3000,
            cursor,
            order,
          })
          found.push(...page.items)
          cursor = page.next
        } while (cursor !== null)
        expect(found).toEqual(near(isNewest ? wanted.toReversed() : wanted))
      }),
      { numRuns: Number(process.env['TELEMETRYX_QUERY_RUNS'] ?? 15) },
    )
  }, 120_000)

  it('give the statistics of any range', async () => {
    const moment = fc.integer({ min: NOW - 4 * DAY_MS, max: NOW + HOUR_MS })
    await fc.assert(
      fc.asyncProperty(moment, moment, async (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b) + 1]
        const within = samples.filter(({ time }) => time >= from && time < to).map(({ value }) => value)
        const mean = within.reduce((sum, value) => sum + value, 0) / within.length
        const squares = within.reduce((sum, value) => sum + (value - mean) ** 2, 0)
        const found = await fixture.storage.readings.statistics(tenant, SENSOR, from, to)
        expect(found.count).toBe(within.length)
        if (within.length === 0) {
          expect(found).toMatchObject({ min: null, mean: null, first: null, last: null })
          return
        }
        expect(found).toMatchObject({ min: Math.min(...within), max: Math.max(...within) })
        expect(found.mean).toBeCloseTo(mean, 6)
        if (within.length > 1) expect(found.standardDeviation).toBeCloseTo(Math.sqrt(squares / (within.length - 1)), 6)
        else expect(found.standardDeviation).toBeNull()
      }),
      { numRuns: 15 },
    )
  }, 120_000)

  it('come by pages, forwards and backwards, each once', async () => {
    const sorted = samples.toSorted((a, b) => a.time - b.time)
    for (const order of ['oldestFirst', 'newestFirst'] as const) {
      const found: Sample[] = []
      let cursor: string | null = null
      do {
        const range = { sensor: SENSOR, from: NOW - 4 * DAY_MS, to: NOW, limit: 4999, cursor, order }
        const page = await fixture.storage.readings.readings(tenant, range)
        found.push(...page.items.map(({ time, value }) => ({ time, value: value as number })))
        cursor = page.next
      } while (cursor !== null)
      expect(found).toEqual(order === 'oldestFirst' ? sorted : sorted.toReversed())
    }
  })

  it('keep readings of one moment apart from page to page', async () => {
    const t = await makeTenant(fixture, 'ties')
    for (let first = 1; first <= 5; first++)
      await fixture.storage.ingest.take(t, numbers({ firstSeq: first, values: [first], at: NOW - 5000 }))
    const values: unknown[] = []
    let cursor: string | null = null
    do {
      const range = { sensor: SENSOR, from: NOW - DAY_MS, to: NOW, limit: 2, cursor }
      const page = await fixture.storage.readings.readings(t, range)
      values.push(...page.items.map(({ value }) => value))
      cursor = page.next
    } while (cursor !== null)
    expect(values).toEqual([1, 2, 3, 4, 5])
    await expect(
      fixture.storage.readings.readings(t, { sensor: SENSOR, from: 0, to: NOW, limit: 2, cursor: 'x' }),
    ).rejects.toThrow('cursor')
    await expect(fixture.storage.readings.latestOf(t, 'press-1.none')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('read no partition and no table that they need not', async () => {
    const asked: string[] = []
    const { database } = fixture.storage
    const original = database.read.bind(database)
    // Every statement of the query by the server's own plan.
    database.read = (number, work) =>
      original(number, (queryable) =>
        work({
          query: async (text, values) => {
            const plan = await queryable.query(`EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) ${text}`, values)
            asked.push(
              plan
                .map((row) => String(row['QUERY PLAN']))
                .filter((line) => !line.includes('never executed'))
                .join('\n'),
            )
            return queryable.query(text, values)
          },
        }),
      )
    const tables = () =>
      [
        ...new Set(
          asked
            .splice(0)
            .join('\n')
            .match(/\b(reading|rollup_minute|rollup_hour)_\d{8}\b/g),
        ),
      ].toSorted()
    const { readings } = fixture.storage
    const query = { sensor: SENSOR, limit: 100, cursor: null }
    try {
      const day = NOW - 3 * DAY_MS
      await readings.readings(tenant, { ...query, from: NOW - HOUR_MS, to: NOW })
      expect(tables()).toEqual(['reading_20261120'])
      await readings.readings(tenant, { ...query, from: day - HOUR_MS, to: NOW, limit: 10 })
      expect(tables()).toEqual(['reading_20261117']) // the page is full before the other days are opened
      await readings.latestOf(tenant, SENSOR)
      expect(tables()).toEqual([])
      await readings.statistics(tenant, SENSOR, day, day + 2 * HOUR_MS)
      expect(tables()).toEqual(['reading_20261117', 'rollup_hour_20261022']) // readings: first and last
      await readings.buckets(tenant, { ...query, from: day, to: day + HOUR_MS, everyMs: 60_000 })
      expect(tables()).toContain('rollup_minute_20261112')
    } finally {
      database.read = original
    }
  })

  it('keep every bit and kind of a value, through a change of its type', async () => {
    const t = await makeTenant(fixture, 'kinds')
    const first = dictionary({ number: 1, id: 'm.x', valueType: 4 })
    await fixture.storage.ingest.take(
      t,
      envelope('edge-1', first, {
        epoch: 1,
        lastSeq: 1n,
        blocks: [{ firstSeq: 1n, sensors: [1], receivedAtMs: BigInt(NOW - 2000), unsignedIntegers: [2n ** 64n - 1n] }],
      }),
    )
    const second = dictionary({ number: 2, id: 'm.x', valueType: 2 })
    await fixture.storage.ingest.take(
      t,
      envelope('edge-1', second, {
        epoch: 2,
        lastSeq: 2n,
        blocks: [
          {
            firstSeq: 1n,
            sensors: [2, 2],
            statuses: [0, 0x80050000],
            receivedAtMs: BigInt(NOW - 1000),
            booleans: [true],
          },
        ],
      }),
    )
    const page = await fixture.storage.readings.readings(t, {
      sensor: 'm.x',
      from: NOW - DAY_MS,
      to: NOW,
      limit: 10,
      cursor: null,
    })
    expect(page.items.map(({ value }) => value)).toEqual([2n ** 64n - 1n, true, null])
    expect(await fixture.storage.readings.latestOf(t, 'm.x')).toMatchObject({
      sensor: { id: 'm.x', valueType: 'boolean' },
      reading: { value: null, quality: 'bad', status: 0x80050000 },
    })
    expect((await fixture.storage.model.sensors(t, { limit: 10, cursor: null })).items).toHaveLength(1)
  })

  it('cannot make the rollups fail by being enormous', async () => {
    const t = await makeTenant(fixture, 'huge')
    await fixture.storage.ingest.take(
      t,
      numbers({ firstSeq: 1, values: [1e308, 1e308, -1e308], at: NOW - 10 * 60_000 }),
    )
    await fixture.storage.rollups.run(NOW)
    expect(await fixture.storage.readings.statistics(t, SENSOR, NOW - HOUR_MS, NOW)).toMatchObject({
      count: 3,
      max: 1e308,
      min: -1e308,
    })
  })

  it('go with their partitions when their time is over, and rollups stay', async () => {
    const before = await fixture.database.query(`SELECT to_regclass('central.reading_20261117')::text AS name`)
    expect(before).toEqual([{ name: 'central.reading_20261117' }])
    await fixture.storage.rollups.run(NOW + DAY_MS)
    await fixture.storage.times.maintain(NOW + RETENTION.rawMs)
    const after = await fixture.database.query(`SELECT to_regclass('central.reading_20261117')::text AS name`)
    expect(after).toEqual([{ name: null }])
    const day = await fixture.storage.readings.statistics(tenant, SENSOR, NOW - 4 * DAY_MS, NOW - 2 * DAY_MS)
    expect(day).toMatchObject({ count: 9000, first: null, last: null })
  })
})
