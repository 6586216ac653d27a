import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { Status } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'
import { openTestBed } from './test-bed.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: unknown = runInNewContext('gc')

function collect(): void {
  if (typeof collectGarbage !== 'function') throw new TypeError('The garbage collector cannot be called')
  collectGarbage()
}

function heapUsed(): number {
  return process.memoryUsage().heapUsed
}

/** Sends readings of 100 sensors through scale, deadband, both checks and the ring. */
function openFlow(): (rounds: number) => void {
  const sensors = Array.from({ length: 100 }, () => ({
    scale: { factor: 0.1, offset: -40 },
    deadband: { absolute: 0.2, maxIntervalMs: 60_000 },
    checks: [
      { type: 'threshold' as const, low: -30, high: 900, hysteresis: 2 },
      { type: 'zscore' as const, sigma: 50 },
    ],
  }))
  const { pipeline } = openTestBed({ sensors, whenFull: 'dropOldest' })
  return (rounds) => {
    for (let round = 0; round < rounds; round++) {
      for (let sensor = 0; sensor < 100; sensor++) {
        pipeline.sink.number(sensor, 600 + ((round * 7 + sensor) % 50), Status.Good, NO_TIME)
      }
    }
  }
}

describe('memory of the path of a reading', () => {
  it('does not grow over a million readings', () => {
    const flow = openFlow()
    flow(1000) // fills the windows and lets the compiler finish
    collect()
    const before = heapUsed()
    flow(10_000)
    collect()
    expect(heapUsed() - before).toBeLessThan(300_000)
  })

  it('leaves only a few boxed numbers behind a reading, where the compiler did not inline a call', () => {
    const flow = openFlow()
    flow(5000)
    collect()
    const before = heapUsed()
    // Too few for a collection in between, which would hide what was allocated.
    flow(1000)
    expect((heapUsed() - before) / 100_000).toBeLessThan(100)
  })
})
