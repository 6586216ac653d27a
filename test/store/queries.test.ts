import { readdirSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { describe, expect, it } from 'vitest'
import { NO_TIME } from '#domain/reading.ts'
import { RingProducer } from '#kit/record-ring.ts'
import { allocateRing } from '#kit/ring-memory.ts'
import { StoreEngine } from '#store/engine.ts'
import { QueryFiles } from '#store/query-files.ts'
import { queryReadings } from '#store/query-readings.ts'
import { runAll } from '#store/turns.ts'
import { openTestStore, pushed, temporaryFolder, YEAR_MS } from './open-test-store.ts'

const START = Date.UTC(2026, 0, 1)

function openEngine(dataDir: string): { engine: StoreEngine; ring: RingProducer } {
  const memory = allocateRing(4096)
  const engine = new StoreEngine(
    {
      dataDir,
      flushIntervalMs: 60_000,
      sync: 'normal',
      retention: { rawMs: YEAR_MS, minuteMs: YEAR_MS, hourMs: YEAR_MS },
      maxBytes: 2 ** 30,
      ring: memory,
      now: START,
    },
    () => {},
  )
  engine.register([
    { id: 'a.other', valueType: 'number' },
    { id: 'a.b', valueType: 'number' },
  ])
  return { engine, ring: new RingProducer({ memory, epoch: engine.epoch, whenFull: 'block' }) }
}

describe('queries', () => {
  it('keep nothing from being committed, compacted and merged, and see what was there when they were asked', async () => {
    using folder = temporaryFolder()
    const { engine, ring } = openEngine(folder.path)
    let n = 0
    const push = (): boolean => ring.pushNumber(n % 10 === 0 ? 0 : 1, 0, NO_TIME, START + n, n++)
    for (; n < 100;) push()
    await engine.compactNow()
    for (; n < 200;) push()
    await engine.flush()
    for (; n < 300;) push()
    const sight = engine.see('a.b') // a segment, a block, and records that wait for their commit
    // While nobody answers the query, the store goes on: sixteen segments become one, the old blocks are compacted.
    for (let round = 0; round < 16; round++) {
      for (let more = 0; more < 100; more++) push()
      await engine.flush()
      expect(engine.figures().durableSeq).toBe(n)
      await engine.compactNow()
    }
    const chunks = (): number => engine.tables.db.prepare<[], { n: number }>('SELECT count(*) AS n FROM chunk').get()!.n
    const held = chunks()
    const files = new QueryFiles(folder.path, (what) => expect.fail(what))
    const range = { sensor: 'a.b', from: 0, to: START * 2, limit: 10_000, cursor: null }
    const { values } = runAll(files.using(sight, (view) => queryReadings(view, range)))
    const seen = Array.from({ length: 300 }, (_, value) => value).filter((value) => value % 10 !== 0)
    expect([...values]).toEqual(seen)
    // What only the query still needed goes once it is over.
    engine.release({ sight: sight.number, file: sight.file })
    await engine.compactNow()
    expect(chunks()).toBeLessThan(held)
    const later = engine.see('a.b')
    expect(runAll(files.using(later, (view) => queryReadings(view, range))).values).toHaveLength(n * 0.9)
    files.close()
    engine.close()
  })

  it('run beside the commits: what is asked for durability does not wait behind hundreds of them', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(folder.path, { flushIntervalMs: 60_000 })
    await store.registerSensors([{ id: 'a.b', valueType: 'number' }])
    for (let n = 0; n < 50_000; n++) await pushed(() => store.ring.pushNumber(0, 0, NO_TIME, START + n * 1000, n))
    await store.compact()
    const range = { sensor: 'a.b', from: START, to: START * 2, limit: 1, cursor: null, everyMs: 1000 }
    let answered = 0
    const queries = Array.from({ length: 300 }, async () => {
      await store.history.buckets(range) // works out 10,000 buckets
      answered += 1
    })
    store.ring.pushNumber(0, 0, NO_TIME, START + YEAR_MS, 1)
    await store.flush()
    expect(store.journal.span().durable.seq).toBe(50_001)
    expect(answered).toBeLessThan(300)
    await Promise.all(queries)
    await store.close()
  }, 120_000)

  it.skipIf(process.platform !== 'linux')('leave the processor to everything else', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(folder.path)
    const niceness = (): number[] =>
      readdirSync('/proc/self/task').map((id) =>
        Number(
          readFileSync(`/proc/self/task/${id}/stat`, 'utf8')
            .replace(/^.*\) /, '')
            .split(' ')[16],
        ),
      )
    const before = niceness().filter((nice) => nice > getPriority()).length
    await store.history.statistics('a.b', 0, 1)
    expect(niceness().filter((nice) => nice > getPriority())).toHaveLength(before + 1)
    await store.close()
  })

  it('that are given up give back what they held', async () => {
    using folder = temporaryFolder()
    const { store } = await openTestStore(folder.path, { flushIntervalMs: 60_000 })
    await store.registerSensors([{ id: 'a.b', valueType: 'number' }])
    const range = { sensor: 'a.b', from: 0, to: START, limit: 10, cursor: null }
    const abort = new AbortController()
    const given = Array.from({ length: 20 }, () => store.history.readings(range, abort.signal))
    abort.abort()
    for (const query of given) await expect(query).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(store.history.readings(range, abort.signal)).rejects.toMatchObject({ code: 'ABORTED' })
    expect((await store.history.readings(range)).items).toEqual([])
    // Each round leaves a dead segment and a compacted block behind, which go only when no query holds them.
    for (let n = 0; n < 40; n++) {
      store.ring.pushNumber(0, 0, NO_TIME, START + n, n)
      await store.compact()
    }
    const { default: Database } = await import('better-sqlite3')
    const db = new Database(`${folder.path}/telemetryx.db`, { readonly: true })
    const count = (sql: string): number => db.prepare<[], { n: number }>(sql).get()!.n
    expect(count('SELECT count(*) AS n FROM journal')).toBe(0)
    expect(count(`SELECT count(*) AS n FROM segment WHERE state = 'dead'`)).toBe(0)
    db.close()
    await store.close()
  })
})
