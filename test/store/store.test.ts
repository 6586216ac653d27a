import fc from 'fast-check'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mean, sampleStandardDeviation } from 'simple-statistics'
import { describe, expect, it, vi } from 'vitest'
import type { AlarmEntry } from '#domain/alarm.ts'
import type { Bucket, Page, RangeQuery, StoredReading } from '#domain/history.ts'
import { JOURNAL_START, type Position } from '#domain/journal.ts'
import { Status } from '#domain/quality.ts'
import { ENTRY, NO_TIME } from '#domain/reading.ts'
import { valueAt } from '#kit/record-batch.ts'
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

describe('store', () => {
  it('shows a reading right after it was accepted, before its commit', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(folder.path, { flushIntervalMs: 60_000 })
    const [number] = await store.registerSensors([{ id: 'a.b', valueType: 'number' }])
    store.ring.pushNumber(number!, Status.Good, NO_TIME, START, 21.5)
    const page = await store.history.readings({ sensor: 'a.b', ...ALL })
    expect(page).toEqual({ items: [{ time: START, receivedAt: START, status: 0, value: 21.5 }], next: null })
    expect(store.journal.span().durable.seq).toBe(0)
    await store.close()
  })

  it('keeps every type exactly, over commit, compaction and a new start', async () => {
    using folder = temporaryFolder()
    let { store } = await openTestStore(folder.path)
    const sensors = (['number', 'boolean', 'int64', 'uint64', 'string'] as const).map((valueType) => ({
      id: `d.${valueType}`,
      valueType,
    }))
    const [number, boolean, int64, uint64, text] = await store.registerSensors(sensors)
    store.ring.pushNumber(number!, 0, START - 5, START, -0)
    store.ring.pushNumber(number!, Status.BadTimeout, NO_TIME, START + 1, 0)
    store.ring.pushNumber(boolean!, Status.UncertainLastUsableValue, NO_TIME, START, 1)
    store.ring.pushInteger(int64!, 0, NO_TIME, START, -(2n ** 63n))
    store.ring.pushInteger(uint64!, 0, NO_TIME, START, -1n)
    store.ring.pushText(text!, 0, NO_TIME, START, 'Grüße \u{1F600}')
    const expected = {
      'd.number': [-0, null],
      'd.boolean': [true],
      'd.int64': [-(2n ** 63n)],
      'd.uint64': [2n ** 64n - 1n],
      'd.string': ['Grüße \u{1F600}'],
    }
    const check = async (): Promise<void> => {
      for (const [sensor, values] of Object.entries(expected)) {
        const { items } = await store.history.readings({ sensor, ...ALL })
        expect(items.map(({ value }) => value)).toEqual(values)
      }
      const [first, second] = (await store.history.readings({ sensor: 'd.number', ...ALL })).items
      expect(first).toMatchObject({ time: START - 5, receivedAt: START, status: 0 })
      expect(second).toMatchObject({ time: START + 1, status: Status.BadTimeout })
    }
    await check()
    await store.flush()
    await check()
    await store.close()
    ;({ store } = await openTestStore(folder.path))
    await check()
    await store.compact()
    await check()
    await store.close()
    ;({ store } = await openTestStore(folder.path))
    await check()
    expect(await store.registerSensors(sensors.toReversed())).toEqual([text, uint64, int64, boolean, number])
    expect(await store.registerSensors([{ id: 'd.number', valueType: 'string' }])).toEqual([5])
    await store.close()
  })

  it('gives each start a greater epoch and refuses a second process with the pid of the first', async () => {
    using folder = temporaryFolder()
    const first = await openTestStore(folder.path)
    expect(first.store.epoch).toBe(1)
    await expect(openTestStore(folder.path)).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      context: { pid: process.pid },
    })
    await first.store.close()
    const second = await openTestStore(folder.path)
    expect(second.store.epoch).toBe(2)
    await second.store.close()
  })

  it('says why it cannot open', async () => {
    using folder = temporaryFolder()
    writeFileSync(join(folder.path, 'file'), '')
    await expect(openTestStore(join(folder.path, 'file'))).rejects.toMatchObject({ code: 'STORE_IO' })
    mkdirSync(join(folder.path, 'telemetryx.db'))
    await expect(openTestStore(folder.path)).rejects.toMatchObject({ code: 'STORE_IO' })
  })

  it('rejects what is asked after it was closed, and closes twice', async () => {
    using folder = temporaryFolder()
    const { store, registry } = await openTestStore(folder.path)
    store.ring.pushNumber(0, 0, NO_TIME, Date.now(), 1)
    await store.flush()
    const text = await registry.metrics()
    expect(text).toMatch(/telemetryx_pipeline_latency_seconds_count 1/)
    expect(text).toMatch(/telemetryx_store_bytes [1-9]/)
    expect(text).toMatch(/telemetryx_ring_fill_ratio 0/)
    await store.close()
    await store.close()
    await expect(store.flush()).rejects.toMatchObject({ code: 'STORE_IO' })
  })
})

describe('journal', () => {
  it('reads records from memory, from blocks and over epochs in one order', async () => {
    using folder = temporaryFolder()
    let { store } = await openTestStore(folder.path)
    await store.registerSensors([{ id: 'a.b', valueType: 'int64' }])
    const expected: string[] = []
    for (let epoch = 1; epoch <= 3; epoch++) {
      for (let n = 1; n <= 500; n++) {
        store.ring.pushInteger(0, 0, NO_TIME, START, BigInt(n))
        expected.push(`${epoch}/${n}:${n}`)
        if (n % 100 === 0) await store.flush()
      }
      store.ring.pushEntry(START, '{"kind":"event"}')
      expected.push(`${epoch}/501:{"kind":"event"}`)
      if (epoch === 3) break
      await store.close()
      ;({ store } = await openTestStore(folder.path))
    }
    const seen: string[] = []
    for (let after: Position = JOURNAL_START; ;) {
      const batch = await store.journal.read(after, 33)
      if (!batch) break
      for (let row = 0; row < batch.length; row++) {
        const value = batch.sensor[row] === ENTRY ? batch.texts.get(row) : valueAt(batch, row, 'int64')
        seen.push(`${batch.epoch}/${batch.firstSeq + row}:${value}`)
      }
      after = { epoch: batch.epoch, seq: batch.firstSeq + batch.length - 1 }
    }
    expect(seen).toEqual(expected)
    expect(await store.journal.count(JOURNAL_START, store.journal.span().head)).toBe(1503)
    expect(await store.journal.count({ epoch: 1, seq: 400 }, { epoch: 2, seq: 50 })).toBe(151)
    expect(await store.journal.count({ epoch: 3, seq: 500 }, { epoch: 3, seq: 501 })).toBe(1)
    await store.close()
  })

  it('keeps blocks as long as a reader needs them, and its cursor with its note', async () => {
    using folder = temporaryFolder()
    let { store } = await openTestStore(folder.path)
    expect(await store.journal.cursor('hq')).toBeNull()
    for (let block = 0; block < 10; block++) {
      for (let n = 0; n < 100; n++) store.ring.pushNumber(0, 0, NO_TIME, START + n, n)
      await store.flush()
    }
    await store.compact()
    expect(await store.journal.count(JOURNAL_START, store.journal.span().head)).toBe(1000)
    store.journal.settle('hq', { epoch: 1, seq: 550 }, '{"delivered":550}')
    store.journal.settle('hq', { epoch: 1, seq: 40 }, 'late')
    await store.compact()
    // A block goes as a whole; where it begins depends on when the thread committed.
    const kept = await store.journal.count(JOURNAL_START, store.journal.span().head)
    expect(kept).toBeGreaterThanOrEqual(450)
    expect(kept).toBeLessThanOrEqual(550)
    expect((await store.journal.read({ epoch: 1, seq: 550 }, 10))!.firstSeq).toBe(551)
    await store.close()
    ;({ store } = await openTestStore(folder.path))
    expect(await store.journal.cursor('hq')).toEqual({ epoch: 1, seq: 550, note: '{"delivered":550}' })
    store.journal.settle('hq', { epoch: 1, seq: 1000 })
    await store.compact()
    expect(await store.journal.count(JOURNAL_START, store.journal.span().head)).toBe(0)
    expect(await store.journal.read(JOURNAL_START, 10)).toBeNull()
    store.ring.pushNumber(0, 0, NO_TIME, START, 1)
    expect(await store.journal.read({ epoch: 1, seq: 1000 }, 10)).toMatchObject({ epoch: 2, firstSeq: 1, length: 1 })
    await store.close()
  })

  it('tells of new records once in a turn', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(folder.path)
    const listener = vi.fn<() => void>()
    const stop = store.journal.onAppend(listener)
    const push = (): boolean => store.ring.pushNumber(0, 0, NO_TIME, START, 1)
    push()
    push()
    expect(listener).not.toHaveBeenCalled()
    await vi.waitFor(() => expect(listener).toHaveBeenCalledTimes(1))
    push()
    await vi.waitFor(() => expect(listener).toHaveBeenCalledTimes(2))
    stop()
    push()
    await store.flush()
    expect(listener).toHaveBeenCalledTimes(2)
    await store.close()
  })

  it('says what dropOldest gave up, and skips it when reading and counting', async () => {
    using folder = temporaryFolder()
    const { store, events, registry } = await openTestStore(folder.path, {
      flushIntervalMs: 60_000,
      buffer: { capacity: 1024, whenFull: 'dropOldest' },
    })
    for (let n = 1; n <= 5000; n++) store.ring.pushNumber(0, 0, NO_TIME, START, n)
    await store.flush()
    const seqs: number[] = []
    for (let after: Position = JOURNAL_START; ;) {
      const batch = await store.journal.read(after, 10_000)
      if (!batch) break
      for (let row = 0; row < batch.length; row++) {
        expect(batch.value[row]).toBe(batch.firstSeq + row)
        seqs.push(batch.firstSeq + row)
      }
      after = { epoch: 1, seq: seqs.at(-1)! }
    }
    const dropped = Number(/telemetryx_dropped_total\{[^}]*\} (\d+)/.exec(await registry.metrics())![1])
    expect(dropped).toBeGreaterThan(0)
    expect(seqs.length).toBe(5000 - dropped)
    expect(seqs.at(-1)).toBe(5000)
    expect(await store.journal.count(JOURNAL_START, store.journal.span().head)).toBe(5000 - dropped)
    await vi.waitFor(() => expect(events.map(({ type }) => type)).toContain('ring-dropped'))
    await store.close()
  })
})

function alarm(id: string, n: number, over: Partial<AlarmEntry['alarm']>): AlarmEntry {
  const finding = { value: n, limit: 3 }
  const base = {
    id,
    sensor: 'a.b',
    check: 'high',
    checkType: 'threshold',
    level: 'high',
    severity: 'medium',
    shelvedUntil: null,
    message: '',
    finding,
  } as const
  const state = {
    active: true,
    acknowledged: false,
    raisedAt: n,
    clearedAt: null,
    acknowledgedAt: null,
    acknowledgedBy: null,
  }
  return {
    kind: 'alarm',
    change: 'raised',
    time: START + n,
    by: null,
    comment: null,
    alarm: { ...base, ...state, ...over },
  }
}

describe('entries', () => {
  it('are found by kind, sensor, check type and time, newest first, by pages', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(folder.path, { flushIntervalMs: 60_000 })
    for (let n = 0; n < 25; n++) {
      const entry = alarm(`1-${n}`, Math.floor(n / 2), n % 3 === 0 ? { sensor: 'a.c', checkType: 'zscore' } : {})
      store.ring.pushEntry(entry.time, JSON.stringify(entry))
    }
    store.ring.pushEntry(
      START,
      JSON.stringify({ kind: 'event', type: 'x', severity: 'info', time: START, message: 'm', source: 'gateway' }),
    )
    const query = {
      kind: 'alarm',
      sensor: 'a.b',
      checkTypes: ['threshold'],
      from: START,
      to: START + 12,
      limit: 5,
      cursor: null,
    } as const
    const seqs: number[] = []
    let page = await store.history.entries(query)
    for (;;) {
      seqs.push(...page.items.map(({ position }) => position.seq))
      if (page.next === null) break
      page = await store.history.entries({ ...query, cursor: page.next })
    }
    expect(seqs).toEqual(Array.from({ length: 24 }, (_, n) => 24 - n).filter((seq) => (seq - 1) % 3 !== 0))
    expect(
      (await store.history.entries({ ...query, kind: 'event', sensor: null, checkTypes: null })).items,
    ).toMatchObject([{ entry: { type: 'x' } }])
    await store.close()
  })

  it('leave the alarms that are active or unacknowledged for the next start', async () => {
    using folder = temporaryFolder()
    let { store } = await openTestStore(folder.path)
    const push = (entry: AlarmEntry): boolean => store.ring.pushEntry(entry.time, JSON.stringify(entry))
    push(alarm('1-1', 1, {}))
    push(alarm('1-2', 1, {}))
    push(alarm('1-3', 1, {}))
    push(alarm('1-1', 2, { active: false }))
    push(alarm('1-2', 2, { active: false, acknowledged: true }))
    push(alarm('1-3', 2, { acknowledged: true }))
    await store.close()
    ;({ store } = await openTestStore(folder.path))
    expect(
      (await store.history.openAlarms()).map(({ alarm: { id, active }, time }) => [id, active, time - START]),
    ).toEqual([
      ['1-1', false, 2],
      ['1-3', true, 2],
    ])
    await store.close()
  })
})

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
  }, 60_000)

  it('stops a query whose caller gave up', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(folder.path)
    await expect(store.history.readings({ sensor: 'x.y', ...ALL }, AbortSignal.abort())).rejects.toMatchObject({
      code: 'ABORTED',
    })
    await store.close()
  })
})

describe('a damaged database', () => {
  it('is set aside with its name told, and the numbers of starts go on', async () => {
    using folder = temporaryFolder()
    const file = join(folder.path, 'telemetryx.db')
    for (const damage of ['header', 'pages'] as const) {
      const before = await openTestStore(folder.path)
      for (let n = 0; n < 20_000; n++) before.store.ring.pushNumber(0, 0, NO_TIME, START + n, Math.sqrt(n))
      await before.store.close()
      const bytes = readFileSync(file)
      if (damage === 'header') bytes.fill(0x5a, 0, 100)
      else for (let at = 4096; at < bytes.length; at += 4096) bytes.fill(0xa5, at, at + 2000)
      writeFileSync(file, bytes)
      const after = await openTestStore(folder.path)
      expect(after.store.epoch).toBe(before.store.epoch + 1)
      const { quarantined, state } = after.store.history.status()
      expect(state).toBe('ok')
      expect(readdirSync(folder.path)).toContain(quarantined)
      await vi.waitFor(() =>
        expect(after.events.slice(0, 2)).toMatchObject([
          { type: 'store-quarantined', severity: 'error', data: { file: quarantined } },
          { type: 'store-salvaged', data: { file: quarantined } },
        ]),
      )
      after.store.ring.pushNumber(0, 0, NO_TIME, START, 1)
      await after.store.flush()
      await after.store.close()
    }
  })

  it('with the record of starts lost too still gives a greater epoch', async () => {
    using folder = temporaryFolder()
    const before = await openTestStore(folder.path)
    await before.store.close()
    for (const name of ['telemetryx.db', 'telemetryx.lock'])
      writeFileSync(join(folder.path, name), 'not a database, but long enough to be one?'.repeat(30))
    const after = await openTestStore(folder.path)
    expect(after.store.epoch).toBeGreaterThan(1_000_000_000)
    await after.store.close()
    const last = await openTestStore(folder.path)
    expect(last.store.epoch).toBe(after.store.epoch + 1)
    await last.store.close()
  })
})
