import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kit/manual-clock.ts'
import { ReplayThrottle } from '#uplinks/replay-throttle.ts'

/** Replays until the throttle lets everything through; answers how many records it held back and the milliseconds that took. */
async function replay(
  throttle: ReplayThrottle,
  clock: ManualClock,
  head: () => number,
  from = 0,
): Promise<{ seq: number; ms: number }> {
  let seq = from
  const began = clock.monotonic()
  while (seq < head()) {
    const rows = throttle.allowance({ epoch: 1, seq }, { epoch: 1, seq: head() }, 500)
    if (rows === 500) break // far more than the burst of these tests: not throttled any more
    if (rows === 0) await clock.advance(throttle.waitMs())
    throttle.took(rows)
    seq = Math.min(head(), seq + rows)
  }
  return { seq, ms: clock.monotonic() - began }
}

describe('The replay throttle', () => {
  it('replays a backlog at the configured rate', async () => {
    const clock = new ManualClock()
    const throttle = new ReplayThrottle(clock, 1000)
    throttle.begin({ epoch: 1, seq: 5000 }, 5000)
    const { seq, ms } = await replay(throttle, clock, () => 5000)
    expect(seq).toBe(5000)
    expect(ms).toBeGreaterThan(4800)
    expect(ms).toBeLessThan(5200)
  })

  it('does not hold back live records once the backlog is through', async () => {
    const clock = new ManualClock()
    const throttle = new ReplayThrottle(clock, 1000)
    throttle.begin({ epoch: 1, seq: 2000 }, 2000)
    await replay(throttle, clock, () => 2000)
    expect(throttle.allowance({ epoch: 1, seq: 2000 }, { epoch: 1, seq: 2050 }, 500)).toBe(500)
  })

  it('takes what came meanwhile into the replay while that shrinks', async () => {
    const clock = new ManualClock()
    const throttle = new ReplayThrottle(clock, 1000)
    throttle.begin({ epoch: 1, seq: 4000 }, 4000)
    const liveRate = 0.25 // of maxRate: 1000 come during the first part, 250 during the second, …
    const { seq } = await replay(throttle, clock, () => 4000 + Math.floor(clock.monotonic() * liveRate))
    expect(seq).toBeGreaterThan(5200)
  })

  it('gives up when records come faster than it may replay', async () => {
    const clock = new ManualClock()
    const throttle = new ReplayThrottle(clock, 1000)
    throttle.begin({ epoch: 1, seq: 1000 }, 1000)
    const { seq } = await replay(throttle, clock, () => 1000 + Math.floor(clock.monotonic() * 2))
    expect(seq).toBe(1000)
  })

  it('holds nothing back without a limit', () => {
    const throttle = new ReplayThrottle(new ManualClock(), null)
    throttle.begin({ epoch: 1, seq: 1e6 }, 1e6)
    expect(throttle.allowance({ epoch: 1, seq: 0 }, { epoch: 1, seq: 1e6 }, 500)).toBe(500)
  })

  it('lets a rate below ten a second through one by one', async () => {
    const clock = new ManualClock()
    const throttle = new ReplayThrottle(clock, 2)
    throttle.begin({ epoch: 1, seq: 20 }, 20)
    const { ms } = await replay(throttle, clock, () => 20)
    expect(ms).toBeGreaterThan(9000)
    expect(ms).toBeLessThan(10_500)
  })
})
