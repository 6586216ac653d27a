// A process with a real store and one uplink that accepts readings and events as fast as told, to be killed by its parent.
// Prints one JSON line for each flush (`durable`: everything up to there survives any crash); the word `finish` on its
// standard input makes it wait until nothing is pending, print its ledger and end.
//
//   node kill-child.ts '{"dataDir":…,"module":…,"name":…,"config":…,"order":…,"perTurn":…}'

import type { UplinkKind } from '#domain/uplink.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { openStore } from '#store/store.ts'
import { createUplinks } from '#uplinks/uplinks.ts'
import { modelOf } from '../uplinks/model-journal.ts'
import type { KillChildSetup } from './uplink-kills.ts'

const setup = JSON.parse(process.argv[2]!) as KillChildSetup
const exported = (await import(setup.module)) as Readonly<Record<string, UplinkKind>>
const kind = exported[setup.name]!
const ids = ['press-1.pressure', 'press-1.speed']
const shared = { clock: systemClock, log: silentLogger, registry: new Registry() }
const never = new AbortController().signal
const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)
const TURN_MS = 5
/** One event among so many records. */
const EVENT_EVERY = 97

const store = await openStore({
  ...shared,
  dataDir: setup.dataDir,
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
  random: () => 0.05,
  journal: store.journal,
  model: () => model,
  gateway: 'edge-01',
  factory: 'Plant A',
  uplinks: [{ id: 'hq', kind, config: setup.config, include: ['*'], exclude: [], maxRate: null, order: setup.order }],
  ports: {
    configDir: setup.dataDir,
    stateDir: `${setup.dataDir}/uplinks`,
    epoch: store.epoch,
    version: '0.0.0',
    deadLetters: store.deadLetters,
    latest: () => null,
    record: () => {},
    commands: {
      write: () => Promise.reject(new Error('Nobody writes')),
      acknowledge: () => {},
      check: () => Promise.resolve([]),
    },
  },
})
await uplinks.start(never)

const appending = setInterval(() => {
  for (let n = 0; n < setup.perTurn; n++) {
    const seq = store.ring.written + 1
    if (seq % EVENT_EVERY === 0) store.ring.pushEntry(Date.now(), eventOf(seq))
    else store.ring.pushNumber(seq % 2, 0, Number.NaN, Date.now(), seq * 1000 + store.epoch)
  }
}, TURN_MS)

function eventOf(seq: number): string {
  const time = Date.now()
  return JSON.stringify({ kind: 'event', type: 'tick', severity: 'info', time, message: `${seq}`, source: 'gateway' })
}

let isFinishing = false
process.stdin.once('data', () => (isFinishing = true))
while (!isFinishing) {
  const seq = store.ring.written
  await store.flush()
  print({ durable: { epoch: store.epoch, seq }, status: uplinks.list()[0] })
}
clearInterval(appending)
while (uplinks.list()[0]!.pending > 0) await new Promise((resolve) => setTimeout(resolve, 10))
await uplinks.stop(never)
print({ ledger: uplinks.list()[0], written: store.ring.written })
await store.close()
process.exit(0)
