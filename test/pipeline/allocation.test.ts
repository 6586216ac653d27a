import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { Status } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'
import { openTestBed } from './test-bed.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: unknown = runInNewContext('gc')

/** Bytes that `work` leaves on the heap before any collection, as young objects or old ones. */
function heapGrowth(work: () => void): number {
  if (typeof collectGarbage === 'function') collectGarbage()
  const before = process.memoryUsage().heapUsed
  work()
  return process.memoryUsage().heapUsed - before
}

it('allocates less than a byte for a reading through scale, deadband, both checks and the ring', () => {
  const sensors = Array.from({ length: 100 }, () => ({
    scale: { factor: 0.1, offset: -40 },
    deadband: { absolute: 0.2, maxIntervalMs: 60_000 },
    checks: [
      { type: 'threshold' as const, low: -30, high: 900, hysteresis: 2 },
      { type: 'zscore' as const, sigma: 50 },
    ],
  }))
  const { pipeline } = openTestBed({ sensors, capacity: 262_144 })
  const readings = (rounds: number): void => {
    for (let round = 0; round < rounds; round++) {
      for (let sensor = 0; sensor < 100; sensor++) {
        pipeline.sink.number(sensor, 600 + ((round * 7 + sensor) % 50), Status.Good, NO_TIME)
      }
    }
  }
  readings(1000) // warms the compiler up and fills the windows
  // Small enough a share that no collection falls into the middle and hides what was allocated.
  const growth = heapGrowth(() => readings(1000))
  expect(growth).toBeLessThan(100_000)
  expect(pipeline.hasRoom()).toBe(true)
})
