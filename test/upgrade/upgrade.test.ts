import Database from 'better-sqlite3'
import { cpSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { mean } from 'simple-statistics'
import { describe, expect, it } from 'vitest'
import { JOURNAL_START } from '#domain/journal.ts'
import type { ValueType } from '#domain/value.ts'
import { SCHEMA_VERSION } from '#store/schema.ts'
import { openTestStore, temporaryFolder } from '#test/store/open-test-store.ts'
import { fixtureAlarm, FIXTURE_EVENT, fixtureReading, READINGS_PER_SENSOR, SENSORS, START } from './fixture-content.ts'

const versions = readdirSync(new URL('./', import.meta.url)).filter((name) => name.startsWith('version-'))
const ALL = { from: START - 60_000, to: START + 10_000_000, limit: 10_000, cursor: null }

/** Every reading of a sensor as a query gives it: by time, then by arrival. */
function expected(valueType: ValueType): { time: number; receivedAt: number; status: number; value: unknown }[] {
  return Array.from({ length: READINGS_PER_SENSOR }, (_, n) => fixtureReading(valueType, n))
    .map(({ sourceTime, receivedAt, status, value }) => ({
      time: Number.isNaN(sourceTime) ? receivedAt : sourceTime,
      receivedAt,
      status,
      value,
    }))
    .sort((a, b) => a.time - b.time)
}

function versionOf(dataDir: string): unknown {
  const db = new Database(join(dataDir, 'telemetryx.db'), { readonly: true })
  const version = db.pragma('user_version', { simple: true })
  db.close()
  return version
}

describe.each(versions)('a database of %s', (version) => {
  it('opens in this version with all that it holds', async () => {
    using folder = temporaryFolder()
    cpSync(new URL(version, import.meta.url), folder.path, { recursive: true })
    expect(versionOf(folder.path)).toBe(Number(version.slice('version-'.length)))
    const { store } = await openTestStore(folder.path)
    expect(store.epoch).toBe(2)
    expect(store.history.status().quarantined).toBeNull()
    expect(await store.registerSensors(SENSORS)).toEqual([0, 1, 2, 3, 4])

    const journalled = await store.journal.count(JOURNAL_START, { epoch: 2, seq: 0 })
    expect(journalled).toBeGreaterThanOrEqual(150)
    expect(await store.journal.cursor('hq')).toEqual({ epoch: 1, seq: 3000, note: 'ledger' })
    const batch = await store.journal.read({ epoch: 1, seq: 3000 }, 10)
    expect(batch?.firstSeq).toBe(3001)

    for (const { id, valueType } of SENSORS) {
      const { items } = await store.history.readings({ sensor: id, ...ALL })
      expect(items).toEqual(expected(valueType))
    }
    // 16 compactions were merged and have hours; the rest is minutes and blocks.
    const values = expected('number').filter(({ value }) => value !== null)
    const hours = await store.history.buckets({ sensor: 'f.number', ...ALL, everyMs: 3_600_000 })
    expect(hours.items.length).toBe(3)
    for (const hour of hours.items) {
      const within = values.filter(({ time }) => time >= hour.time && time < hour.time + 3_600_000)
      const numbers = within.map(({ value }) => Number(value))
      expect(hour).toMatchObject({
        count: numbers.length,
        min: Math.min(...numbers),
        max: Math.max(...numbers),
        last: numbers.at(-1),
      })
      expect(hour.mean).toBeCloseTo(mean(numbers), 10)
    }
    expect(await store.history.openAlarms()).toEqual([fixtureAlarm(1)])
    const entries = { sensor: null, checkTypes: null, ...ALL }
    const alarms = await store.history.entries({ kind: 'alarm', ...entries })
    expect(alarms.items.map(({ entry }) => entry)).toEqual([fixtureAlarm(2), fixtureAlarm(1)])
    const events = await store.history.entries({ kind: 'event', ...entries })
    expect(events.items.map(({ entry }) => entry)).toEqual([FIXTURE_EVENT])

    await store.compact() // rewrites old chunks in today's form
    for (const { id, valueType } of SENSORS) {
      const { items } = await store.history.readings({ sensor: id, ...ALL })
      expect(items).toEqual(expected(valueType))
    }
    await store.close()
    expect(versionOf(folder.path)).toBe(SCHEMA_VERSION)
  })
})

it('there is a fixture of each version of the schema that was ever written', () => {
  const numbers = versions.map((name) => Number(name.slice('version-'.length))).sort((a, b) => a - b)
  expect(numbers).toEqual(Array.from({ length: SCHEMA_VERSION }, (_, n) => n + 1))
})
