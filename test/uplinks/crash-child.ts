// A process with a real store and an mqtt uplink that accepts readings as fast as they come, to be killed by its parent.
// Prints one JSON line for each flush (`durable`: everything up to there survives any crash); the word `finish` on its
// standard input makes it wait until nothing is pending, print its ledger and end.
//
//   node crash-child.ts DATA_FOLDER BROKER_URL

import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { openStore } from '#store/store.ts'
import { mqttUplink } from '#uplinks/mqtt/kind.ts'
import { createUplinks } from '#uplinks/uplinks.ts'
import { modelOf } from './model-journal.ts'

const [dataDir = '', url = ''] = process.argv.slice(2)
const ids = ['press-1.pressure', 'press-1.speed']
const shared = { clock: systemClock, log: silentLogger, registry: new Registry() }
const never = new AbortController().signal
const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

const store = await openStore({
  ...shared,
  dataDir,
  flushIntervalMs: 50,
  sync: 'normal',
  retention: { rawMs: 864e5, minuteMs: 864e5, hourMs: 864e5 },
  maxBytes: 1e9,
  buffer: { capacity: 65_536, whenFull: 'block' },
  onEvent: () => {},
})
const numbers = await store.registerSensors(ids.map((id) => ({ id, valueType: 'number' as const })))
if (numbers.some((number, index) => number !== index)) throw new Error(`The numbers changed: ${numbers.join()}`)
const model = modelOf(ids)
const uplinks = createUplinks({
  ...shared,
  random: () => 0.1,
  journal: store.journal,
  model: () => model,
  gateway: 'edge-01',
  factory: 'Plant A',
  uplinks: [{ id: 'hq', kind: mqttUplink, config: { url }, include: ['*'], exclude: [], maxRate: null }],
})
await uplinks.start(never)

const appending = setInterval(() => {
  for (let n = 0; n < 100; n++) {
    const seq = store.ring.written + 1
    store.ring.pushNumber(seq % 2, 0, Number.NaN, Date.now(), seq * 1000 + store.epoch)
  }
}, 5)

let isFinishing = false
process.stdin.once('data', () => (isFinishing = true))
while (!isFinishing) {
  const seq = store.ring.written
  await store.flush()
  print({ durable: { epoch: store.epoch, seq } })
}
clearInterval(appending)
while (uplinks.list()[0]!.pending > 0) await new Promise((resolve) => setTimeout(resolve, 10))
await uplinks.stop(never)
print({ ledger: uplinks.list()[0], written: store.ring.written })
await store.close()
process.exit(0)
