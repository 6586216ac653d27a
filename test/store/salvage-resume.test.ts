import Database from 'better-sqlite3'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { NO_TIME } from '#domain/reading.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { openTestStore, temporaryFolder } from './open-test-store.ts'

const START = Date.UTC(2026, 0, 1)
const PROCESS = new URL('./salvaging-process.ts', import.meta.url).pathname
const BLOCKS = 600
const ROWS = 40
const ENTRIES = 30

/** Readings in a segment and in many blocks, and events; then an index of the file is damaged, which makes all of it suspect. */
async function makeDamaged(dataDir: string): Promise<void> {
  const { store } = await openTestStore(dataDir, { flushIntervalMs: 60_000 })
  await store.registerSensors([{ id: 'a.b', valueType: 'number' }])
  for (let block = 0; block < BLOCKS; block++) {
    for (let n = block * ROWS; n < (block + 1) * ROWS; n++)
      store.ring.pushNumber(0, 0, NO_TIME, START + n * 1000, Math.sqrt(n))
    if (block < ENTRIES) {
      const event = { kind: 'event', type: 'x', severity: 'info', time: START, message: `${block}`, source: 'gateway' }
      store.ring.pushEntry(START, JSON.stringify(event))
    }
    if (block === 50) await store.compact()
    else await store.flush()
  }
  await store.close()
  const file = join(dataDir, 'telemetryx.db')
  const db = new Database(file)
  const root = `SELECT rootpage FROM sqlite_schema WHERE name = 'entry_by_time'`
  const { rootpage } = db.prepare<[], { rootpage: number }>(root).get()!
  db.close()
  const bytes = readFileSync(file)
  bytes.fill(0xa5, (rootpage - 1) * 4096, (rootpage - 1) * 4096 + 100)
  writeFileSync(file, bytes)
}

it('a salvage that is killed again and again goes on where it was, and brings everything over once', async () => {
  using folder = temporaryFolder()
  await makeDamaged(folder.path)
  for (const segments of [1, 100, 400]) {
    const { signal, stderr } = spawnSync(process.execPath, [PROCESS, folder.path, String(segments)], {
      encoding: 'utf8',
    })
    expect([signal, stderr]).toEqual(['SIGKILL', ''])
  }
  const { store, events } = await openTestStore(folder.path)
  expect(store.history.status().quarantined).toBeNull() // what the kills left is sound
  const salvaged = (): boolean => events.some(({ type }) => type === 'store-salvaged')
  await vi.waitFor(() => expect(salvaged()).toBe(true), EVENTUALLY)
  const { data } = events.find(({ type }) => type === 'store-salvaged')!
  expect(data).toMatchObject({ readings: BLOCKS * ROWS, entries: ENTRIES, unreadable: 0 })
  const range = { sensor: 'a.b', from: 0, to: START * 2, limit: 10_000 }
  const values: unknown[] = []
  for (let cursor: string | null = null; ;) {
    const page = await store.history.readings({ ...range, cursor })
    values.push(...page.items.map(({ value }) => value))
    if (page.next === null) break
    cursor = page.next
  }
  expect(values).toEqual(Array.from({ length: BLOCKS * ROWS }, (_, n) => Math.sqrt(n)))
  const entries = {
    kind: 'event',
    sensor: null,
    checkTypes: null,
    from: 0,
    to: START * 2,
    limit: 100,
    cursor: null,
  } as const
  const found = await store.history.entries(entries)
  expect(found.items.filter(({ entry }) => entry.kind === 'event' && entry.type === 'x')).toHaveLength(ENTRIES)
  await store.close()
  // Once it is over, it is over.
  const again = await openTestStore(folder.path)
  expect((await again.store.history.statistics('a.b', 0, START * 2)).count).toBe(BLOCKS * ROWS)
  expect(again.events).toEqual([])
  await again.store.close()
}, 120_000)
