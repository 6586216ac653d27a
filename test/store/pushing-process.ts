// A process to be killed: pushes numbered readings as fast as they are taken, settles a reader's cursor after them, and
// tells on standard output what the store has acknowledged: `flushed EPOCH SEQ`.

import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { openStore } from '#store/store.ts'

const [dataDir, expectedEpoch] = process.argv.slice(2)
const YEAR_MS = 31_536_000_000

const store = await openStore({
  dataDir: dataDir!,
  flushIntervalMs: 10,
  sync: 'normal',
  retention: { rawMs: 100 * YEAR_MS, minuteMs: 100 * YEAR_MS, hourMs: 100 * YEAR_MS },
  maxBytes: 8 * 2 ** 30,
  buffer: { capacity: 65_536, whenFull: 'block' },
  clock: systemClock,
  log: silentLogger,
  registry: new Registry(),
  onEvent: () => {},
})
if (store.epoch !== Number(expectedEpoch)) throw new Error(`Epoch ${store.epoch}, expected ${expectedEpoch}`)
const [number] = await store.registerSensors([{ id: 'a.b', valueType: 'number' }])
await store.journal.cursor('hq')
process.stdout.write('started\n')
let value = 0
const start = Date.UTC(2026, 0, 1) + store.epoch * 10_000_000
for (let round = 0; ; round++) {
  for (let n = 0; n < 500; n++) {
    if (store.ring.pushNumber(number!, 0, Number.NaN, start + value, value)) value += 1
  }
  const seq = store.ring.written
  store.journal.settle('hq', { epoch: store.epoch, seq })
  // Every third round compacts, so that some kills fall into it.
  if (round % 3 === 2) await store.compact()
  await store.flush()
  process.stdout.write(`flushed ${seq}\n`)
}
