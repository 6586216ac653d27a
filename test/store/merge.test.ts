import Database from 'better-sqlite3'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { NO_TIME } from '#domain/reading.ts'
import { ChunkCodec } from '#store/chunk-codec.ts'
import { SENSORS } from '#store/segments.ts'
import { openTestStore, pushed, temporaryFolder } from './open-test-store.ts'

const START = Date.UTC(2026, 0, 1)
const ROUND = 60_000
const MAX_CHUNK_READINGS = 262_144

describe('merging', () => {
  it('keeps chunks of a very fast sensor small enough for the memory, and every reading in its place', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(folder.path, { flushIntervalMs: 60_000 })
    await store.registerSensors([
      { id: 'a.slow', valueType: 'number' },
      { id: 'a.fast', valueType: 'number' },
    ])
    let n = 0
    for (let round = 0; round < 16; round++) {
      store.ring.pushNumber(0, 0, NO_TIME, START + round, round)
      // Seven readings for each time: some of them come to stand on both sides of a chunk's end.
      for (const end = n + ROUND; n < end; n++)
        await pushed(() => store.ring.pushNumber(1, 0, NO_TIME, START + Math.floor(n / 7), n))
      await store.compact()
    }
    const range = { sensor: 'a.fast', from: 0, to: START * 2, limit: 10_000 }
    let seen = 0
    for (let cursor: string | null = null; ;) {
      const { items, next } = await store.history.readings({ ...range, cursor })
      for (const { value } of items)
        if (value !== seen++) expect.fail(`${String(value)} stands in the place of ${seen - 1}`)
      if (next === null) break
      cursor = next
    }
    expect(seen).toBe(n)
    expect((await store.history.readings({ ...range, sensor: 'a.slow', cursor: null })).items).toHaveLength(16)
    await store.close()

    const db = new Database(join(folder.path, 'telemetryx.db'), { readonly: true })
    const raw = `SELECT chunk.data, chunk.id % ${SENSORS} AS sensor FROM chunk JOIN segment ON segment.id = chunk.id / ${SENSORS} WHERE segment.kind = 'raw' AND segment.level = 1`
    const chunks = db.prepare<[], { data: Buffer; sensor: number }>(raw).all()
    const lengths = (sensor: number): number[] =>
      chunks.filter((chunk) => chunk.sensor === sensor).map(({ data }) => new ChunkCodec().decode(data).length)
    expect(lengths(0)).toEqual([16])
    expect(lengths(1)).toEqual([ROUND * 4, ROUND * 4, ROUND * 4, ROUND * 4])
    expect(Math.max(...lengths(1))).toBeLessThanOrEqual(MAX_CHUNK_READINGS)
    db.close()
  }, 120_000)
})
