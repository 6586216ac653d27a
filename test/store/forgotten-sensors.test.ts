import Database from 'better-sqlite3'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { NO_TIME } from '#domain/reading.ts'
import { ManualClock } from '#kit/manual-clock.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { DAY_MS, openTestStore, temporaryFolder, YEAR_MS, type TestStore } from './open-test-store.ts'

const START = Date.UTC(2026, 0, 1)
const retention = { rawMs: DAY_MS, minuteMs: 2 * DAY_MS, hourMs: 10 * DAY_MS }

function sensor(id: string): { id: string; valueType: 'number' } {
  return { id, valueType: 'number' }
}

it('the id of a sensor that was removed goes with its last reading, and no number is given to another meanwhile', async () => {
  using folder = temporaryFolder()
  const clock = new ManualClock(START)
  const open = (): Promise<TestStore> => openTestStore(folder.path, { clock, retention, flushIntervalMs: 60_000 })
  const known = (): string[] => {
    const db = new Database(join(folder.path, 'telemetryx.db'), { readonly: true })
    const rows = db.prepare<[], { number: number; id: string }>('SELECT number, id FROM sensor ORDER BY number').all()
    db.close()
    return rows.map(({ number, id }) => `${number} ${id}`)
  }
  const first = (await open()).store
  await first.registerSensors([sensor('a.removed'), sensor('a.kept'), sensor('a.idle')])
  for (let n = 0; n < 100; n++) {
    first.ring.pushNumber(0, 0, NO_TIME, START + n * 600_000, n)
    first.ring.pushNumber(1, 0, NO_TIME, START + n * 600_000, n)
  }
  await first.compact()
  await first.close()

  const { store, events } = await open()
  await store.registerSensors([sensor('a.kept')])
  await store.compact()
  const told = (): unknown[] => events.flatMap(({ data }) => (data?.['kind'] === 'sensor' ? [data['sensors']] : []))
  await clock.advance(60_000)
  await vi.waitFor(() => expect(told()).toEqual([1]), EVENTUALLY) // nothing was ever kept of it
  expect(known()).toEqual(['0 a.removed', '1 a.kept'])
  const range = { from: 0, to: START * 2, limit: 1000, cursor: null }
  expect((await store.history.readings({ sensor: 'a.removed', ...range })).items).toHaveLength(100)
  clock.step(YEAR_MS)
  await clock.advance(60_000)
  await vi.waitFor(() => expect(told()).toEqual([1, 1]), EVENTUALLY)
  expect(known()).toEqual(['1 a.kept'])
  expect(await store.registerSensors([sensor('a.removed'), sensor('a.kept')])).toEqual([3, 1])
  store.ring.pushNumber(3, 0, NO_TIME, clock.now(), 7)
  await store.flush()
  expect((await store.history.readings({ sensor: 'a.removed', ...range })).items).toMatchObject([{ value: 7 }])
  await store.close()

  const again = (await open()).store
  expect(await again.registerSensors([sensor('a.new'), sensor('a.kept')])).toEqual([4, 1])
  expect((await again.history.readings({ sensor: 'a.removed', ...range })).items).toMatchObject([{ value: 7 }])
  await again.close()
})
