import fc from 'fast-check'
import { appendFileSync, copyFileSync, mkdirSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, afterAll, describe, expect, it } from 'vitest'
import { NO_TIME } from '#domain/reading.ts'
import { openTestStore, temporaryFolder } from './open-test-store.ts'

const START = Date.UTC(2026, 0, 1)
const RUNS = Number(process.env['TELEMETRYX_TORN_RUNS'] ?? 12)
const folder = temporaryFolder()
const image = join(folder.path, 'image')

/** After each flush: how long the write-ahead log was, and how many readings were acknowledged. */
const acknowledged: { logBytes: number; count: number }[] = []

/** The files as a power cut leaves them, in a folder of their own. */
function copyOfImage(n: number): string {
  const copy = join(folder.path, `cut-${n}`)
  mkdirSync(copy)
  for (const file of ['telemetryx.db', 'telemetryx.db-wal', 'telemetryx.lock'])
    copyFileSync(join(image, file), join(copy, file))
  return copy
}

beforeAll(async () => {
  const live = join(folder.path, 'live')
  const { store } = await openTestStore(live, { flushIntervalMs: 60_000 })
  await store.registerSensors([{ id: 'a.b', valueType: 'number' }])
  for (let flush = 0; flush < 12; flush++) {
    for (let n = 0; n < 400; n++) {
      const value = flush * 400 + n
      store.ring.pushNumber(0, 0, NO_TIME, START + value, value % 3 === 0 ? Math.sqrt(value) : value)
    }
    await store.flush()
    if (flush === 6) await store.compact()
    acknowledged.push({ logBytes: statSync(join(live, 'telemetryx.db-wal')).size, count: (flush + 1) * 400 })
  }
  mkdirSync(image)
  for (const file of ['telemetryx.db', 'telemetryx.db-wal', 'telemetryx.lock'])
    copyFileSync(join(live, file), join(image, file))
  await store.close() // moves the whole log into the database
  copyFileSync(join(live, 'telemetryx.db'), join(folder.path, 'whole.db'))
})
afterAll(() => folder[Symbol.dispose]())

async function storedValues(dataDir: string): Promise<number[]> {
  const { store } = await openTestStore(dataDir)
  expect(store.history.status().state).toBe('ok')
  const values: number[] = []
  for (let cursor: string | null = null; ;) {
    const page = await store.history.readings({ sensor: 'a.b', from: START, to: START + 1e9, limit: 10_000, cursor })
    values.push(...page.items.map(({ value }) => Number(value)))
    if (page.next === null) break
    cursor = page.next
  }
  store.ring.pushNumber(0, 0, NO_TIME, START + 2e9, 1)
  await store.flush() // it takes new readings
  await store.close()
  return values
}

describe('store after a power cut', () => {
  it('loses nothing acknowledged whose log reached the disk, wherever the log is torn', async () => {
    const total = statSync(join(image, 'telemetryx.db-wal')).size
    let n = 0
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: total }),
        fc.uint8Array({ maxLength: 5000 }),
        async (length, garbage) => {
          const cut = copyOfImage(n++)
          const log = join(cut, 'telemetryx.db-wal')
          truncateSync(log, length)
          appendFileSync(log, garbage)
          const values = await storedValues(cut)
          const kept = acknowledged.filter(({ logBytes }) => logBytes <= length).at(-1)?.count ?? 0
          expect(values.length).toBeGreaterThanOrEqual(kept)
          expect(values).toEqual(values.map((_, k) => (k % 3 === 0 ? Math.sqrt(k) : k)))
        },
      ),
      { numRuns: RUNS, endOnFailure: true },
    )
  }, 180_000)

  it('runs on and tells nothing false when the database itself is torn', async () => {
    const whole = statSync(join(folder.path, 'whole.db')).size
    let n = 10_000
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole }), async (length) => {
        const cut = copyOfImage(n++)
        truncateSync(join(cut, 'telemetryx.db-wal'), 0)
        copyFileSync(join(folder.path, 'whole.db'), join(cut, 'telemetryx.db'))
        truncateSync(join(cut, 'telemetryx.db'), length)
        const truth = new Set(Array.from({ length: 4800 }, (_, k) => (k % 3 === 0 ? Math.sqrt(k) : k)))
        for (const value of await storedValues(cut)) expect(truth.has(value)).toBe(true)
      }),
      { numRuns: RUNS, endOnFailure: true },
    )
  }, 180_000)
})
