import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { Status } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { openTestStore, temporaryFolder } from './open-test-store.ts'

const START = Date.UTC(2026, 5, 1)
const ALL = { from: 0, to: 2 ** 43, limit: 10_000, cursor: null }

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
      const told = [
        { type: 'store-quarantined', severity: 'error', data: { file: quarantined } },
        { type: 'store-salvaged', data: { file: quarantined } },
      ]
      await vi.waitFor(() => expect(after.events.slice(0, 2)).toMatchObject(told), EVENTUALLY)
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
