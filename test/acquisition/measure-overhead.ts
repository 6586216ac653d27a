// Measures what acquisition itself costs: 200 devices × 50 sensors at 1 s on the real clock, with a driver that answers at
// once and a sink that only counts. Run: node test/acquisition/measure-overhead.ts [seconds]
// Prints one line of JSON: CPU milliseconds for each second, with the idle process taken off, and for each poll.

import { setTimeout as wait } from 'node:timers/promises'
import { createAcquisition } from '#acquisition/acquisition.ts'
import type { Driver } from '#domain/driver.ts'
import { NO_TIME, type ReadingSink } from '#domain/reading.ts'
import { strictObject } from '#domain/schema.ts'
import { systemClock } from '#kit/clock.ts'
import { silentLogger } from '#kit/logger.ts'
import { Registry } from '#kit/metrics.ts'
import { aSensor } from './harness.ts'

const DEVICES = 200
const SENSORS = 50
const seconds = Number(process.argv[2] ?? 20)

let readings = 0
const sink: ReadingSink = {
  number: () => void (readings += 1),
  integer: () => {},
  text: () => {},
  bad: () => {},
}

const driver: Driver = {
  kind: 'instant',
  deviceSchema: strictObject({}),
  sensorSchema: strictObject({}),
  valueType: () => 'number',
  problems: () => [],
  open: (setup) => ({
    bus: setup.id,
    connect: () => Promise.resolve(),
    poll: (group, target) => {
      for (const { sensor } of setup.groups[group]!.points) target.number(sensor.number, 1, 0, NO_TIME)
      return Promise.resolve({ requests: 1 })
    },
    close: () => Promise.resolve(),
  }),
}

const devices = Array.from({ length: DEVICES }, (_, d) => ({
  driver,
  machine: 'm',
  setup: {
    id: `d${d}`,
    config: {},
    groups: [
      {
        intervalMs: 1000,
        points: Array.from({ length: SENSORS }, (_unused, s) => ({
          sensor: aSensor({ number: d * SENSORS + s }),
          config: {},
        })),
      },
    ],
  },
}))

async function cpuMsOf(durationMs: number): Promise<number> {
  const before = process.cpuUsage()
  await wait(durationMs)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

await wait(1000)
const idle = await cpuMsOf(3000)
const acquisition = createAcquisition({
  clock: systemClock,
  log: silentLogger,
  registry: new Registry(),
  random: Math.random,
  sink,
  hasRoom: () => true,
  sensorQuality: () => null,
  devices,
})
await acquisition.start(new AbortController().signal)
await wait(5000) // warm
const readingsBefore = readings
const busy = await cpuMsOf(seconds * 1000)
const perSecond = busy / seconds - idle / 3
const lag = acquisition.list().map(({ lagMs }) => lagMs?.p99 ?? 0)
const result = {
  devices: DEVICES,
  sensors: DEVICES * SENSORS,
  readingsPerSecond: (readings - readingsBefore) / seconds,
  cpuMsPerSecond: Number(perSecond.toFixed(2)),
  cpuMicrosecondsPerPoll: Number(((perSecond * 1000) / DEVICES).toFixed(1)),
  worstLagP99Ms: Number(Math.max(...lag).toFixed(2)),
  rssBytes: process.memoryUsage.rss(),
}
process.stdout.write(`${JSON.stringify(result)}\n`)
await acquisition.stop(new AbortController().signal)
