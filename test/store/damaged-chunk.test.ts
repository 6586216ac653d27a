// A chunk whose bytes have changed on the disk: SQLite does not see it, the chunk's own checksum does. It can never be read
// again, and must hold up nothing else.

import Database from 'better-sqlite3'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Log } from '#domain/driver.ts'
import { NO_TIME } from '#domain/reading.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { silentLogger } from '#kit/logger.ts'
import type { SegmentKind } from '#store/segments.ts'
import type { Store, StoreOptions } from '#store/store.ts'
import { SENSORS } from '#store/segments.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { openTestStore, temporaryFolder } from './open-test-store.ts'

const START = Date.UTC(2026, 0, 1)
const MINUTE_MS = 60_000
const ROUNDS = 16
const ROWS = 60

let folder: ReturnType<typeof temporaryFolder>
let said: string[]
let log: Log
beforeEach(() => {
  folder = temporaryFolder()
  said = []
  log = { ...silentLogger, error: (fields) => void said.push(String((fields as { what?: unknown }).what)) }
})
afterEach(() => folder[Symbol.dispose]())

const open = async (options: Partial<StoreOptions> = {}): Promise<Store> => {
  const { store } = await openTestStore(folder.path, { flushIntervalMs: 60_000, log, ...options })
  await store.registerSensors([
    { id: 'a.bad', valueType: 'number' },
    { id: 'a.good', valueType: 'number' },
  ])
  return store
}

/** One round of readings for both sensors as a segment of its own. */
async function fill(store: Store, round: number): Promise<void> {
  for (let n = 0; n < ROWS; n++) {
    const time = START + (round * ROWS + n) * 1000
    store.ring.pushNumber(0, 0, NO_TIME, time, n)
    store.ring.pushNumber(1, 0, NO_TIME, time, n)
  }
  await store.compact()
}

/** Turns one bit in the chunk of sensor 0 in the oldest segment of a kind. */
function damage(kind: SegmentKind): void {
  const db = new Database(join(folder.path, 'telemetryx.db'))
  const { id } = db
    .prepare<[string], { id: number }>(`SELECT id FROM segment WHERE kind = ? AND state = 'live' ORDER BY id LIMIT 1`)
    .get(kind)!
  const { data } = db.prepare<[number], { data: Buffer }>('SELECT data FROM chunk WHERE id = ?').get(id * SENSORS)!
  data[data.length - 1]! ^= 1
  db.prepare('UPDATE chunk SET data = ? WHERE id = ?').run(data, id * SENSORS)
  db.close()
}

function stored(): { segments: Record<string, number>; blocks: number; dead: number } {
  const db = new Database(join(folder.path, 'telemetryx.db'), { readonly: true })
  const rows = db
    .prepare<[], { name: string; n: number }>(
      `SELECT kind || ' ' || level AS name, count(*) AS n FROM segment WHERE state = 'live' GROUP BY kind, level`,
    )
    .all()
  const count = (sql: string): number => db.prepare<[], { n: number }>(sql).get()!.n
  const segments = Object.fromEntries(rows.map(({ name, n }) => [name, n]))
  const blocks = count('SELECT count(*) AS n FROM journal')
  const dead = count(`SELECT count(*) AS n FROM segment WHERE state <> 'live'`)
  db.close()
  return { segments, blocks, dead }
}

async function readings(store: Store, sensor: string): Promise<number> {
  const range = { sensor, from: 0, to: START * 2, limit: 10_000, cursor: null }
  return (await store.history.readings(range)).items.length
}

describe('a chunk that has changed on the disk', () => {
  it('is left out of the merges, told, and holds up neither them nor what follows them', async () => {
    const first = await open()
    for (let round = 0; round < ROUNDS - 1; round++) await fill(first, round)
    await first.close()
    damage('raw')
    damage('minute')
    const store = await open()
    await fill(store, ROUNDS - 1)
    expect(said).toEqual([expect.stringMatching(/^chunk \d+\/0$/), expect.stringMatching(/^chunk \d+\/0$/)])
    expect(await readings(store, 'a.good')).toBe(ROUNDS * ROWS)
    expect(await readings(store, 'a.bad')).toBe((ROUNDS - 1) * ROWS)
    await store.close()
    const { segments, blocks, dead } = stored()
    expect(segments).toEqual({ 'raw 1': 1, 'minute 1': 1, 'hour 0': 1 })
    expect({ blocks, dead }).toEqual({ blocks: 0, dead: 0 })
  }, 120_000)

  it('is left out of the thinning, so that the disk budget holds', async () => {
    const clock = new ManualClock(START)
    const first = await open()
    for (let round = 0; round < 3; round++) await fill(first, round)
    await first.close()
    damage('raw')
    const store = await open({ clock, maxBytes: 4096 })
    await clock.advance(MINUTE_MS)
    await vi.waitFor(() => expect(stored().segments['raw 0']).toBeUndefined(), EVENTUALLY)
    expect(said).toContainEqual(expect.stringMatching(/^chunk \d+\/0$/))
    await store.close()
  }, 120_000)
})
