import Database from 'better-sqlite3'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { describe, expect, it, vi } from 'vitest'
import { JOURNAL_START } from '#domain/journal.ts'
import { NO_TIME } from '#domain/reading.ts'
import { silentLogger } from '#kit/logger.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { RingProducer } from '#kit/record-ring.ts'
import { allocateRing } from '#kit/ring-memory.ts'
import { StoreEngine } from '#store/engine.ts'
import type { FromStore } from '#store/protocol.ts'
import { QueryFiles } from '#store/query-files.ts'
import { queryReadings } from '#store/query-readings.ts'
import { StoreThread } from '#store/store-thread.ts'
import { runAll } from '#store/turns.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { DAY_MS, openTestStore, pushed, temporaryFolder, YEAR_MS } from './open-test-store.ts'

const START = Date.UTC(2026, 0, 1)

describe('retention', () => {
  it('drops raw readings, minutes and hours each at their age, and says so', async () => {
    using folder = temporaryFolder()
    const clock = new ManualClock(START)
    const retention = { rawMs: DAY_MS, minuteMs: 10 * DAY_MS, hourMs: YEAR_MS }
    const { store, events } = await openTestStore(folder.path, { clock, retention })
    await store.registerSensors([{ id: 'a.b', valueType: 'number' }])
    for (let n = 0; n < 1000; n++) store.ring.pushNumber(0, 0, NO_TIME, START + n * 60_000, n)
    await store.compact()
    const ask = async (): Promise<number[]> => {
      const range = { sensor: 'a.b', from: START, to: START + YEAR_MS, limit: 10_000, cursor: null }
      const raw = await store.history.readings(range)
      const minutes = await store.history.buckets({ ...range, everyMs: 60_000 })
      const hours = await store.history.buckets({ ...range, everyMs: 3_600_000 })
      return [raw.items.length, minutes.items.length, hours.items.length]
    }
    expect(await ask()).toEqual([1000, 1000, 17])
    const kinds = (): unknown[] =>
      events.filter(({ type }) => type === 'store-retention').map(({ data }) => data?.['kind'])
    clock.step(2 * DAY_MS)
    await clock.advance(60_000)
    await vi.waitFor(() => expect(kinds()).toEqual(['raw']), EVENTUALLY)
    expect(await ask()).toEqual([0, 1000, 17])
    clock.step(10 * DAY_MS)
    await clock.advance(60_000)
    await vi.waitFor(() => expect(kinds()).toEqual(['raw', 'minute']), EVENTUALLY)
    expect(await ask()).toEqual([0, 17, 17]) // hours answer by the start of their cells
    clock.step(YEAR_MS)
    await clock.advance(60_000)
    await vi.waitFor(() => expect(kinds()).toEqual(['raw', 'minute', 'hour']), EVENTUALLY)
    expect(await ask()).toEqual([0, 0, 0])
    await store.close()
  })

  it('keeps the file near its budget, gives up the oldest, and says so', async () => {
    using folder = temporaryFolder()
    const clock = new ManualClock(START)
    const maxBytes = 4 * 2 ** 20
    const { store, events } = await openTestStore(folder.path, { clock, maxBytes })
    await store.registerSensors([{ id: 'a.b', valueType: 'number' }])
    await store.journal.cursor('dead-uplink') // holds the whole journal
    let n = 0
    for (let round = 0; round < 12; round++) {
      for (let k = 0; k < 50_000; k++) {
        await pushed(() => store.ring.pushNumber(0, 0, NO_TIME, START + n, Math.random()))
        n += 1
      }
      await store.compact()
      await clock.advance(60_000)
      await store.compact()
    }
    expect(statSync(join(folder.path, 'telemetryx.db')).size).toBeLessThan(maxBytes * 1.6)
    const kinds = new Set(events.filter(({ type }) => type === 'store-retention').map(({ data }) => data?.['kind']))
    expect(kinds).toEqual(new Set(['raw', 'journal']))
    const newest = await store.history.readings({
      sensor: 'a.b',
      from: START,
      to: START + n,
      limit: 1,
      cursor: null,
      order: 'newestFirst',
    })
    expect(newest.items[0]!.time).toBe(START + n - 1)
    const oldest = await store.history.readings({ sensor: 'a.b', from: START, to: START + n, limit: 1, cursor: null })
    expect(oldest.items[0]!.time).toBeGreaterThan(START)
    const left = await store.journal.count(JOURNAL_START, store.journal.span().head)
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThan(n)
    expect((await store.journal.read(JOURNAL_START, 1))!.firstSeq).toBe(n - left + 1)
    await store.close()
  }, 120_000)
})

describe('store engine', () => {
  it('sets a file that is found damaged while running aside and carries on with what it still knows', async () => {
    using folder = temporaryFolder()
    const ring = allocateRing(4096)
    const told: FromStore[] = []
    const retention = { rawMs: YEAR_MS, minuteMs: YEAR_MS, hourMs: YEAR_MS }
    const settings = {
      dataDir: folder.path,
      flushIntervalMs: 60_000,
      sync: 'normal',
      retention,
      maxBytes: 2 ** 30,
      ring,
      now: START,
    } as const
    const engine = new StoreEngine(settings, (message) => told.push(message))
    const producer = new RingProducer({ memory: ring, epoch: engine.epoch, whenFull: 'block' })
    engine.register([
      { id: 'a.a', valueType: 'number' },
      { id: 'a.b', valueType: 'number' },
    ])
    engine.tables.readers.settle('hq', { epoch: 1, seq: 1 }, undefined)
    producer.pushNumber(1, 0, NO_TIME, START, 1)
    await engine.flush()
    producer.pushNumber(1, 0, NO_TIME, START + 1, 2)
    const { db } = engine.tables
    vi.spyOn(db, 'exec').mockImplementationOnce(() => {
      throw new Database.SqliteError('database disk image is malformed', 'SQLITE_CORRUPT')
    })
    await engine.flush()
    expect(engine.tables.db).not.toBe(db)
    expect(readdirSync(folder.path).some((name) => name.startsWith('telemetryx.db.corrupt-'))).toBe(true)
    expect(told).toContainEqual(
      expect.objectContaining({ type: 'event', event: expect.objectContaining({ type: 'store-quarantined' }) }),
    )
    const range = { sensor: 'a.b', from: START, to: START + 10, limit: 10, cursor: null }
    const files = new QueryFiles(folder.path, () => {})
    const page = runAll(files.using(engine.see('a.b'), (view) => queryReadings(view, range)))
    files.close()
    expect([...page.values]).toEqual([1, 2])
    expect(engine.figures()).toMatchObject({ state: 'ok', durableSeq: 2, durableRecords: 2 })
    engine.close()
    const again = new StoreEngine({ ...settings, ring: allocateRing(4096) }, () => {})
    expect(again.epoch).toBe(2)
    expect(again.register([{ id: 'a.b', valueType: 'number' }])).toEqual([1])
    expect(again.tables.readers.open('hq')).toEqual({ epoch: 1, seq: 1 })
    again.close()
  })
})

describe('store thread', () => {
  it('fails its callers and tells when it ends unexpectedly', async () => {
    const script = `
      const { parentPort } = require('node:worker_threads')
      parentPort.postMessage({ type: 'ready', epoch: 1, quarantined: null, figures: {} })
      parentPort.on('message', () => { throw new Error('out of luck') })`
    const thread = new StoreThread(new Worker(script, { eval: true }), silentLogger)
    const onDeath = vi.fn<(reason: string) => void>()
    await thread.ready()
    thread.onDeath(onDeath)
    await expect(thread.call('flush', {})).rejects.toMatchObject({
      code: 'STORE_IO',
      message: expect.stringContaining('out of luck'),
    })
    await expect(thread.call('flush', {})).rejects.toMatchObject({ code: 'STORE_IO' })
    expect(onDeath).toHaveBeenCalledTimes(1)
    await thread.end()
  })
})
