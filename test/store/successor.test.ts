// A damaged database whose place cannot be taken at once: the disk refuses for a while.

import Database from 'better-sqlite3'
import { mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { NO_TIME } from '#domain/reading.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { bareEngine } from './bare-engine.ts'
import { temporaryFolder } from './open-test-store.ts'

const START = Date.UTC(2026, 0, 1)

afterEach(() => vi.restoreAllMocks())

it('is tried again until the disk lets it, and nothing is lost or doubled by that', async () => {
  using folder = temporaryFolder()
  const { engine, eventTypes, producer } = bareEngine(folder.path, START)
  engine.register([
    { id: 'a.a', valueType: 'number' },
    { id: 'a.b', valueType: 'number' },
  ])
  engine.tables.readers.settle('hq', { epoch: 1, seq: 1 }, 'note')
  producer.pushNumber(1, 0, NO_TIME, START, 1)
  await engine.compactNow()
  producer.pushNumber(1, 0, NO_TIME, START + 1, 2)
  await engine.flush()
  producer.pushNumber(1, 0, NO_TIME, START + 2, 3)

  // The file gets its new name, its log does not: in that place stands a folder.
  const file = join(folder.path, 'telemetryx.db')
  const obstacle = `${file}.corrupt-2026-01-01T00-00-00.000Z-wal`
  mkdirSync(obstacle)
  vi.spyOn(Date, 'now').mockReturnValue(START)
  const { db } = engine.tables
  vi.spyOn(db, 'exec').mockImplementationOnce(() => {
    throw new Database.SqliteError('database disk image is malformed', 'SQLITE_CORRUPT')
  })
  const close = db.close.bind(db)
  vi.spyOn(db, 'close').mockImplementationOnce(() => {
    close()
    writeFileSync(`${file}-wal`, '')
    return db
  })
  const flushed = engine.flush()
  expect(engine.figures()).toMatchObject({ state: 'failing', reason: expect.stringContaining('damaged database') })
  expect(eventTypes()).toEqual(['store-failing'])
  rmdirSync(obstacle)
  await flushed // with the next try

  expect(engine.figures().state).toBe('ok')
  await vi.waitFor(() => expect(eventTypes()).toContain('store-salvaged'), EVENTUALLY)
  expect(eventTypes()).toEqual(['store-failing', 'store-recovered', 'store-quarantined', 'store-salvaged'])
  expect(readdirSync(folder.path).filter((name) => /corrupt-[^Z]*Z(?:-\d+)?$/.test(name))).toHaveLength(1)
  expect(engine.tables.sensors.numbersOf('a.b')).toEqual([1])
  expect(engine.tables.readers.open('hq')).toEqual({ epoch: 1, seq: 1, note: 'note' })
  await engine.compactNow()
  const readings = engine.tables.segments.live.filter(({ kind }) => kind === 'raw')
  expect(readings.reduce((sum, segment) => sum + segment.readings, 0)).toBe(3)
  engine.close()
})
