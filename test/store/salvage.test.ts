import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { NO_TIME } from '#domain/reading.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { openTestStore, temporaryFolder, type TestStore } from './open-test-store.ts'

const START = Date.UTC(2026, 0, 1)
const COUNT = 30_000

/** Two sensors in segments and blocks, and an event; closed. */
async function fill(dataDir: string): Promise<void> {
  const { store } = await openTestStore(dataDir, { flushIntervalMs: 60_000 })
  await store.registerSensors([
    { id: 'a.other', valueType: 'number' },
    { id: 'a.b', valueType: 'number' },
  ])
  const event = { kind: 'event', type: 'x', severity: 'info', time: START, message: 'm', source: 'gateway' }
  store.ring.pushEntry(START, JSON.stringify(event))
  for (let n = 0; n < COUNT; n++) {
    store.ring.pushNumber(1, 0, NO_TIME, START + n * 1000, Math.sqrt(n))
    if (n % 10 === 0) store.ring.pushNumber(0, 0, NO_TIME, START + n * 1000, n)
    if (n === COUNT / 2) await store.compact()
    if (n % 1000 === 999) await store.flush()
  }
  await store.close()
}

/** Overwrites the inside of pages, here and there; the pages of the schema and the first tables stay. */
function damage(file: string, every: number): void {
  const bytes = readFileSync(file)
  for (let at = 4096 * 25; at < bytes.length; at += 4096 * every) bytes.fill(0xa5, at, at + 3000)
  writeFileSync(file, bytes)
}

async function salvaged({ events }: TestStore): Promise<Readonly<Record<string, unknown>>> {
  await vi.waitFor(() => expect(events.map(({ type }) => type)).toContain('store-salvaged'), EVENTUALLY)
  return events.find(({ type }) => type === 'store-salvaged')!.data!
}

describe('salvage', () => {
  it('brings what can be read of a damaged database into the new one, while the store runs', async () => {
    using folder = temporaryFolder()
    await fill(folder.path)
    damage(join(folder.path, 'telemetryx.db'), 20)
    const bed = await openTestStore(folder.path)
    const { store } = bed
    expect(store.history.status().quarantined).not.toBeNull()
    // The sensors come in another order: their numbers differ from those of the old file.
    const [number] = await store.registerSensors([{ id: 'a.b', valueType: 'number' }])
    const now = START + COUNT * 1000
    store.ring.pushNumber(number!, 0, NO_TIME, now, -1)
    await store.flush()

    const data = await salvaged(bed)
    expect(data['readings']).toBeGreaterThan(COUNT / 10)
    expect(data['unreadable']).toBeGreaterThan(0)
    expect(data['entries']).toBe(1)
    const range = { sensor: 'a.b', from: START, to: now + 1, limit: 10_000 }
    let count = 0
    for (let cursor: string | null = null; ;) {
      const { items, next } = await store.history.readings({ ...range, cursor })
      for (const { time, value } of items) expect(value).toBe(time === now ? -1 : Math.sqrt((time - START) / 1000))
      count += items.length
      if (next === null) break
      cursor = next
    }
    const other = await store.history.readings({ ...range, sensor: 'a.other', cursor: null })
    for (const { time, value } of other.items) expect(value).toBe((time - START) / 1000)
    expect(count + other.items.length).toBe(Number(data['readings']) + 1)
    await store.close()
  }, 120_000)

  it('recovers everything when only something beside the readings is damaged', async () => {
    using folder = temporaryFolder()
    await fill(folder.path)
    const file = join(folder.path, 'telemetryx.db')
    const bytes = readFileSync(file)
    // An index is enough for SQLite to call the file damaged.
    const { default: Database } = await import('better-sqlite3')
    const db = new Database(file)
    const page = db
      .prepare<[], { rootpage: number }>(`SELECT rootpage FROM sqlite_schema WHERE name = 'entry_by_time'`)
      .get()!.rootpage
    db.close()
    bytes.fill(0xa5, (page - 1) * 4096, (page - 1) * 4096 + 100)
    writeFileSync(file, bytes)
    const bed = await openTestStore(folder.path)
    const data = await salvaged(bed)
    expect(data).toMatchObject({ readings: COUNT * 1.1, entries: 1, unreadable: 0 })
    const { count, min, max } = await bed.store.history.statistics('a.b', START, START + COUNT * 1000)
    expect({ count, min, max }).toEqual({ count: COUNT, min: 0, max: Math.sqrt(COUNT - 1) })
    await bed.store.close()
  }, 120_000)

  it('says that nothing could be recovered when nothing can be read', async () => {
    using folder = temporaryFolder()
    await fill(folder.path)
    writeFileSync(join(folder.path, 'telemetryx.db'), 'this was a database once'.repeat(1000))
    const bed = await openTestStore(folder.path)
    expect(await salvaged(bed)).toMatchObject({ readings: 0, entries: 0 })
    await bed.store.close()
  })
})
