import { describe, expect, it } from 'vitest'
import { Pace } from '#checks/anomaly/pace.ts'

const MINUTE = 60_000

function paceOf(times: Iterable<number>): number {
  const pace = new Pace()
  for (const time of times) pace.take(time)
  return pace.readingsPerDay
}

function* every(intervalMs: number, count: number, start = 0): Generator<number> {
  for (let at = 0; at < count; at++) yield start + at * intervalMs
}

describe('pace', () => {
  it('learns how many readings make a day', () => {
    expect(paceOf(every(MINUTE, 100))).toBeCloseTo(1440)
  })

  it('follows a new pace', () => {
    expect(paceOf([...every(MINUTE, 500), ...every(1000, 20_000, 500 * MINUTE)])).toBeCloseTo(86_400, -1)
  })

  it('takes a gap for no slow polling', () => {
    const times = [...every(MINUTE, 1000), ...every(MINUTE, 1000, 365 * 1440 * MINUTE)]
    expect(paceOf(times)).toBeGreaterThan(1400)
  })

  it('counts readings that share a time, as in a batch, each', () => {
    const times = [...every(MINUTE, 500)].flatMap((time) => [time, time, time, time])
    expect(paceOf(times)).toBeCloseTo(4 * 1440, -2)
  })

  it('knows nothing where all readings have the same time, or the clock only steps back', () => {
    expect(paceOf(Array.from({ length: 100 }, () => 5))).toBe(0)
    expect(paceOf(every(-MINUTE, 100))).toBe(0)
  })
})
