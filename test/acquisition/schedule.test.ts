import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kit/manual-clock.ts'
import type { Timer } from '#kit/clock.ts'
import { Harness } from './harness.ts'

const DAY_MS = 86_400_000

/** Timers of a busy machine: each fires up to 9 ms late. */
class LateClock extends ManualClock {
  #seed = 1
  override after(delayMs: number, fire: () => void): Timer {
    this.#seed = (this.#seed * 48_271) % 2_147_483_647
    return super.after(delayMs + (this.#seed % 10), fire)
  }
}

/** A machine that can be suspended: time jumps, timers do not. */
class StallingClock extends ManualClock {
  stalledMs = 0
  override monotonic(): number {
    return super.monotonic() + this.stalledMs
  }
}

describe('the schedule', () => {
  it('makes 86,400 polls of a 1 s poll in a day, with timers that fire late', async () => {
    const h = new Harness({
      clock: new LateClock(),
      devices: [{ id: 'a', groups: [{ intervalMs: 1000, sensors: 1 }], script: { answerMs: 0 } }],
    })
    h.onReading = () => void (h.passed.length = 0)
    await h.start()
    await h.clock.advance(DAY_MS)
    expect(h.status('a')).toMatchObject({ polls: 86_400, skippedPolls: 0 })
    const polls = h.polls('a')
    const phase = Math.min(...polls.map((at) => at % 1000))
    expect(Math.max(...polls.map((at) => (at % 1000) - phase))).toBeLessThan(10)
  }, 120_000)

  it('counts deadlines from when it is told, so that a device that connects before does not wait for an interval', async () => {
    const script = { connectMs: 60, answerMs: 0 }
    const devices = [{ id: 'a', groups: [{ intervalMs: 1000, sensors: 1 }], script }]
    const h = new Harness({ devices, originMs: 100 })
    await h.start()
    await h.clock.advance(2000)
    expect(h.polls('a')).toEqual([100, 1100])
  })

  it('spreads polls over the interval in at most 20 slots', async () => {
    const devices = Array.from({ length: 100 }, (_, n) => ({ id: `d${n}`, groups: [{ intervalMs: 1000, sensors: 1 }] }))
    const h = new Harness({ devices })
    await h.start()
    await h.clock.advance(999)
    const bySlot = Map.groupBy(
      devices.flatMap(({ id }) => h.polls(id)),
      (at) => at,
    )
    expect(bySlot.size).toBe(20)
    expect([...bySlot.values()].map((polls) => polls.length)).toEqual(Array.from({ length: 20 }, () => 5))
  })

  it('lets the first few devices lie far apart', async () => {
    const devices = ['a', 'b', 'c'].map((id) => ({ id, groups: [{ intervalMs: 1000, sensors: 1 }] }))
    const h = new Harness({ devices })
    await h.start()
    await h.clock.advance(999)
    const at = devices.flatMap(({ id }) => h.polls(id)).toSorted((a, b) => a - b)
    expect(Math.min(at[1]! - at[0]!, at[2]! - at[1]!, 1000 - at[2]! + at[0]!)).toBeGreaterThanOrEqual(250)
  })

  it('skips and counts the deadlines that pass while a poll is under way, and never queues them up', async () => {
    const h = new Harness({
      devices: [{ id: 'a', groups: [{ intervalMs: 1000, sensors: 1 }], script: { answerMs: 2500 } }],
    })
    await h.start()
    await h.clock.advance(11_999)
    expect(h.polls('a')).toEqual([0, 3000, 6000, 9000])
    expect(h.status('a')).toMatchObject({ polls: 4, skippedPolls: 8 })
    h.script('a').answerMs = 10
    await h.clock.advance(3000)
    expect(h.polls('a').slice(4)).toEqual([12_000, 13_000, 14_000])
  })

  it('skips and counts what passed while the process stood still', async () => {
    const clock = new StallingClock()
    const h = new Harness({ clock, devices: [{ id: 'a', groups: [{ intervalMs: 1000, sensors: 1 }] }] })
    await h.start()
    await h.clock.advance(2500)
    expect(h.polls('a')).toEqual([0, 1000, 2000])
    clock.stalledMs = 5100 // a suspended machine: now 7600
    await h.clock.advance(500) // the timer for 3000 fires at 8100
    expect(h.polls('a').length).toBe(4)
    expect(h.status('a').skippedPolls).toBe(5)
    await h.clock.advance(1000)
    expect(h.polls('a').at(-1)).toBeGreaterThanOrEqual(9000)
    expect(h.polls('a').at(-1)! % 1000).toBeLessThan(110)
  })

  it('measures the lag from the deadline to the begin of the poll, waiting for the bus included', async () => {
    const groups = [{ intervalMs: 1000, sensors: 1 }]
    const h = new Harness({
      devices: [
        { id: 'slow', groups, script: { bus: 'serial:x', answerMs: 700 } },
        { id: 'fast', groups, script: { bus: 'serial:x', answerMs: 10 } },
      ],
    })
    await h.start()
    await h.clock.advance(10_000)
    // slow begins at 0, fast is due at 650 and waits until 700.
    expect(h.polls('fast')[1]).toBe(1700)
    expect(h.status('fast').lagMs?.max).toBe(50)
    expect(h.status('slow').lagMs?.max).toBe(0)
    expect(h.status('slow').pollMs?.max).toBe(700)
  })

  it('polls groups of one device at their own intervals', async () => {
    const h = new Harness({
      devices: [
        {
          id: 'a',
          groups: [
            { intervalMs: 500, sensors: 2 },
            { intervalMs: 5000, sensors: 3 },
          ],
        },
      ],
    })
    await h.start()
    await h.clock.advance(59_999)
    expect(h.polls('a', 0).length).toBe(120)
    expect(h.polls('a', 1).length).toBe(12)
  })

  it('polls a slow group soon after the connection, not only at its first deadline', async () => {
    const hourly = [{ intervalMs: 3_600_000, sensors: 1 }]
    const devices = ['a', 'b', 'c', 'd'].map((id) => ({ id, groups: hourly }))
    const h = new Harness({ devices })
    await h.start()
    await h.clock.advance(1100)
    for (const { id } of devices) expect(h.polls(id).length, id).toBe(1)
    await h.clock.advance(3_600_000)
    for (const { id } of devices) expect(h.polls(id).length, id).toBe(2)
  })
})
