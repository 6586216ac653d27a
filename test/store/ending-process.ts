// A process whose stores end in the middle of work. `close`: opens and closes N stores, four at a time, and tells whether
// SQLite's library is still in memory. `exit`: ends the process after N milliseconds while two stores commit and query.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { NO_TIME } from '#domain/reading.ts'
import type { Store } from '#store/store.ts'
import { openTestStore } from './open-test-store.ts'

const [mode, folder, number] = process.argv.slice(2)
const ALL = { sensor: 'a.b', from: 0, to: 2 ** 43, limit: 10_000, cursor: null }

async function open(name: string): Promise<Store> {
  const { store } = await openTestStore(join(folder!, name), { flushIntervalMs: 5 })
  await store.registerSensors([{ id: 'a.b', valueType: 'number' }])
  return store
}

function push(store: Store): void {
  for (let n = 0; n < 2000; n++) store.ring.pushNumber(0, 0, NO_TIME, Date.now(), n)
}

/** Begins work whose answer nobody waits for: closing stops it. */
function beginWork(store: Store): void {
  const ignore = (): void => {}
  store.compact().catch(ignore)
  store.history.readings(ALL).catch(ignore)
  store.history.statistics('a.b', 0, 2 ** 43).catch(ignore)
}

async function closeMany(lane: number): Promise<void> {
  for (let round = 0; round < Number(number) / 4; round++) {
    const store = await open(`${lane}-${round}`)
    push(store)
    if (round % 2 === 0) beginWork(store)
    await store.close()
  }
}

function workFor(store: Store): void {
  push(store)
  beginWork(store)
  setImmediate(() => workFor(store))
}

if (mode === 'close') {
  await Promise.all([0, 1, 2, 3].map(closeMany))
  process.stdout.write(`library mapped: ${readFileSync('/proc/self/maps', 'utf8').includes('better-sqlite3')}\n`)
} else {
  for (const store of [await open('a'), await open('b')]) workFor(store)
  setTimeout(() => process.exit(0), Number(number))
}
