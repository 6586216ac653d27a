// A process that opens a data folder whose database is damaged, and kills itself with SIGKILL once the salvage has made so
// many segments visible: in the middle of its work.

import Database from 'better-sqlite3'
import { join } from 'node:path'
import { openTestStore } from './open-test-store.ts'

const [dataDir, count] = process.argv.slice(2)
const { events } = await openTestStore(dataDir!, { flushIntervalMs: 60_000 })
const db = new Database(join(dataDir!, 'telemetryx.db'), { readonly: true, timeout: 5000 })
const live = db.prepare<[], { n: number }>(`SELECT count(*) AS n FROM segment WHERE state = 'live'`)
for (;;) {
  if (live.get()!.n >= Number(count)) process.kill(process.pid, 'SIGKILL')
  if (events.some(({ type }) => type === 'store-salvaged')) process.exit(3)
  await new Promise((resolve) => setImmediate(resolve))
}
