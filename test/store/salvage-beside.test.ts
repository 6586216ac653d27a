// What a salvage brings over beside readings: dead letters, and alarms and events, each of them once.

import Database from 'better-sqlite3'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import type { DeadLetter } from '#domain/dead-letter.ts'
import { ENTRY, NO_TIME } from '#domain/reading.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { bareEngine } from './bare-engine.ts'
import { openTestStore, temporaryFolder } from './open-test-store.ts'

const START = Date.UTC(2026, 0, 1)
const ENTRIES = 1203

const letter = (seq: number, over: Partial<DeadLetter> = {}): DeadLetter => ({
  epoch: 1,
  seq,
  sensor: 0,
  status: 0,
  sourceTime: null,
  receivedAt: START,
  bits: 5n,
  text: null,
  reason: 'Refused',
  rejectedAt: START + 1,
  ...over,
})

const event = (message: string): string =>
  JSON.stringify({ kind: 'event', type: 'x', severity: 'info', time: START, message, source: 'gateway' })

const EVENTS = {
  kind: 'event',
  sensor: null,
  checkTypes: null,
  from: 0,
  to: START * 2,
  limit: 5000,
  cursor: null,
} as const

/** An index is enough for SQLite to call the file damaged. */
function damageIndex(file: string): void {
  const db = new Database(file)
  const { rootpage } = db
    .prepare<[], { rootpage: number }>(`SELECT rootpage FROM sqlite_schema WHERE name = 'entry_by_time'`)
    .get()!
  db.close()
  const bytes = readFileSync(file)
  bytes.fill(0xa5, (rootpage - 1) * 4096, (rootpage - 1) * 4096 + 100)
  writeFileSync(file, bytes)
}

describe('salvage', () => {
  it('brings the dead letters over, with the new numbers of their sensors, and every event once', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(folder.path, { flushIntervalMs: 60_000 })
    await store.registerSensors([
      { id: 'a.first', valueType: 'number' },
      { id: 'a.second', valueType: 'number' },
    ])
    for (let n = 0; n < ENTRIES; n++) store.ring.pushEntry(START, event(`${n}`))
    await store.flush()
    await store.deadLetters.add('hq', [letter(1, { sensor: 1 }), letter(2, { sensor: ENTRY, text: event('m') })], 10)
    await store.deadLetters.add('scada', [letter(1, { bits: -1n })], 10)
    await store.deadLetters.add('scada', [letter(1)], 10)
    await store.close()
    const file = join(folder.path, 'telemetryx.db')
    const db = new Database(file)
    db.prepare(`UPDATE dead_letter SET bits = 'no number' WHERE uplink = 'hq' AND seq = 2`).run()
    db.close()
    damageIndex(file)

    const bed = await openTestStore(folder.path)
    const again = bed.store
    // The sensors come in another order: their numbers differ from those of the old file.
    const [second] = await again.registerSensors([{ id: 'a.second', valueType: 'number' }])
    await vi.waitFor(() => expect(bed.events.map(({ type }) => type)).toContain('store-salvaged'), EVENTUALLY)
    expect(bed.events.find(({ type }) => type === 'store-salvaged')!.data).toMatchObject({
      entries: ENTRIES,
      unreadable: 1,
    })
    const found = await again.history.entries(EVENTS)
    const messages = found.items.flatMap(({ entry }) =>
      entry.kind === 'event' && entry.type === 'x' ? [entry.message] : [],
    )
    expect(messages.toSorted((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({ length: ENTRIES }, (_, n) => `${n}`),
    )
    expect(await again.deadLetters.list('hq', { after: 0, limit: 10 })).toEqual([
      { ...letter(1, { sensor: second! }), id: 1, attempts: 1 },
    ])
    expect(await again.deadLetters.list('scada', { after: 0, limit: 10 })).toMatchObject([
      { epoch: 1, seq: 1, bits: -1n, attempts: 2 },
    ])
    await again.close()
  }, 120_000)

  it('doubles no event that is written anew from memory, when the damage shows while the store runs', async () => {
    using folder = temporaryFolder()
    const { engine, eventTypes, producer } = bareEngine(folder.path, START)
    engine.register([{ id: 'a.b', valueType: 'number' }])
    producer.pushEntry(START, event('in the history'))
    await engine.compactNow()
    producer.pushEntry(START, event('in memory'))
    await engine.flush()
    producer.pushNumber(0, 0, NO_TIME, START, 1)
    vi.spyOn(engine.tables.db, 'exec').mockImplementationOnce(() => {
      throw new Database.SqliteError('database disk image is malformed', 'SQLITE_CORRUPT')
    })
    await engine.flush()
    await vi.waitFor(() => expect(eventTypes()).toContain('store-salvaged'), EVENTUALLY)
    engine.commitEntries()
    const { items } = engine.tables.entries.query(EVENTS)
    expect(items.map(({ entry }) => (entry.kind === 'event' ? entry.message : '')).toSorted()).toEqual([
      'in memory',
      'in the history',
    ])
    engine.close()
  })
})
