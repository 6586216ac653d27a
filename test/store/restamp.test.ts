import { describe, expect, it } from 'vitest'
import { NO_TIME } from '#domain/reading.ts'
import { openTestStore, temporaryFolder } from './open-test-store.ts'

const OLD = Date.UTC(2020, 0, 1) // where a Pi without a battery wakes up
const NEW = Date.UTC(2026, 5, 1)
const EVENT = { kind: 'event', type: 'x', severity: 'info', message: 'm', source: 'gateway' } as const

describe('stamping anew after the clock was set', () => {
  it('moves receive times and entries, not the sources own times, in memory, on disk and for undelivered uplinks', async () => {
    using folder = temporaryFolder()
    let { store } = await openTestStore(folder.path)
    await store.registerSensors([{ id: 'a.b', valueType: 'number' }])
    await store.journal.cursor('hq')
    store.setClockTrusted(false)
    const source = NEW - 5000
    for (let n = 0; n < 100; n++) store.ring.pushNumber(0, 0, n % 10 === 0 ? source + n : NO_TIME, OLD + n * 1000, n)
    store.ring.pushEntry(OLD + 100_000, JSON.stringify({ ...EVENT, time: OLD + 100_000 }))
    await store.compact() // does not take what may have to be stamped anew
    const sure = store.ring.written
    store.ring.pushNumber(0, 0, NO_TIME, OLD + 101_000, 101)
    store.ring.pushNumber(0, 0, NO_TIME, NEW, 102) // already by the new time
    const offsetMs = NEW - (OLD + 102_000)
    const moved = await store.restamp({ from: 1, sure, to: store.ring.written, offsetMs, now: NEW })
    expect(moved).toBe(102)
    store.setClockTrusted(true)

    const expected = Array.from({ length: 100 }, (_, n) =>
      n % 10 === 0 ? source + n : OLD + n * 1000 + offsetMs,
    ).concat(OLD + 101_000 + offsetMs, NEW)
    const times = async (): Promise<number[]> => {
      const range = { sensor: 'a.b', from: 0, to: 2 ** 43, limit: 1000, cursor: null }
      return (await store.history.readings(range)).items.map(({ time }) => time)
    }
    const sorted = expected.toSorted((a, b) => a - b)
    expect(await times()).toEqual(sorted)
    const delivered = await store.journal.read({ epoch: 1, seq: 1 }, 3) // from memory
    expect([...delivered!.receivedAt]).toEqual([1, 2, 3].map((n) => OLD + n * 1000 + offsetMs))

    await store.compact()
    expect(await times()).toEqual(sorted)
    await store.close()
    ;({ store } = await openTestStore(folder.path))
    expect(await times()).toEqual(sorted)
    const stored = await store.journal.read({ epoch: 1, seq: 1 }, 3) // from the block
    expect([...stored!.receivedAt]).toEqual([1, 2, 3].map((n) => OLD + n * 1000 + offsetMs))
    const query = { kind: 'event', sensor: null, checkTypes: null, from: NEW - 60_000, to: NEW, limit: 5, cursor: null }
    const { items } = await store.history.entries({ ...query, kind: 'event' })
    expect(items.map(({ entry }) => entry)).toEqual([{ ...EVENT, time: OLD + 100_000 + offsetMs }])
    await store.close()
  })

  it('lets readings that come late or out of order land in their place', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(folder.path)
    await store.registerSensors([{ id: 'a.b', valueType: 'number' }])
    const order = [5, 3, 9, 1, 0, 8, 2, 7, 4, 6]
    for (const [n, minute] of order.entries()) {
      store.ring.pushNumber(0, 0, NEW + minute * 60_000, NEW + 3_600_000 + n, minute)
      if (n % 3 === 2) await store.compact()
    }
    const range = { sensor: 'a.b', from: NEW, to: NEW + 600_000, limit: 100, cursor: null }
    const { items } = await store.history.readings(range)
    expect(items.map(({ value }) => value)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    const buckets = await store.history.buckets({ ...range, everyMs: 60_000 })
    expect(buckets.items.map(({ mean }) => mean)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    await store.close()
  })
})
