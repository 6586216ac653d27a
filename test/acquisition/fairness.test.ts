import { describe, expect, it } from 'vitest'
import { Harness, type DeviceSpec } from './harness.ts'

const UNITS = 20

/** Twenty units on one wire at 500 ms, those in `dead` silent with a time limit of 500 ms. */
function busOfTwenty(dead: readonly number[]): Harness {
  const devices = Array.from({ length: UNITS }, (_, unit): DeviceSpec => {
    const poll = dead.includes(unit) ? 'silent' : 'answer'
    return {
      id: `u${unit}`,
      groups: [{ intervalMs: 500, sensors: 3 }],
      script: { bus: 'tcp://gateway:502', poll, answerMs: 5, timeoutMs: 500 },
    }
  })
  return new Harness({ devices })
}

/** Longest time from one poll's begin to the next, from the first poll on; what exceeds the interval was waiting. */
function longestGap(polls: readonly number[], until: number): number {
  return Math.max(...[...polls, until].map((at, n, all) => (n === 0 ? 0 : at - all[n - 1]!)))
}

describe('one bus', () => {
  for (const dead of [
    [0, 1, 2],
    [3, 9, 15],
    [17, 18, 19],
    [0, 13, 6],
  ]) {
    it(`lets no healthy unit wait more than 1 s while units ${dead.join(', ')} of 20 are dead`, async () => {
      const h = busOfTwenty(dead)
      await h.start()
      await h.clock.advance(120_000)
      for (let unit = 0; unit < UNITS; unit++) {
        if (dead.includes(unit)) continue
        const id = `u${unit}`
        expect(h.status(id).lagMs!.max, id).toBeLessThanOrEqual(1000)
        expect(longestGap(h.polls(id), 120_000), id).toBeLessThanOrEqual(1500)
        expect(h.polls(id)[0], id).toBeLessThanOrEqual(2000)
        expect(h.status(id).polls, id).toBeGreaterThan(225)
        expect(h.status(id).badSensors, id).toBe(0)
      }
      expect(h.driver.violations).toEqual([])
    })
  }

  it('probes dead units ever more rarely, and healthy ones keep their pace', async () => {
    const h = busOfTwenty([4, 5, 6])
    await h.start()
    await h.clock.advance(60_000)
    const before = new Map(Array.from({ length: UNITS }, (_, unit) => [unit, h.polls(`u${unit}`).length]))
    await h.clock.advance(600_000)
    for (const unit of [4, 5, 6]) {
      const probes = h.polls(`u${unit}`).length - before.get(unit)!
      expect(probes).toBeGreaterThan(8)
      expect(probes).toBeLessThan(40)
      expect(h.status(`u${unit}`)).toMatchObject({ state: 'down', badSensors: 3 })
    }
    for (const unit of [0, 10, 19]) expect(h.polls(`u${unit}`).length - before.get(unit)!).toBeGreaterThan(1180)
  })

  it('keeps the connection of a dead unit while its neighbours answer', async () => {
    const h = busOfTwenty([4])
    await h.start()
    await h.clock.advance(120_000)
    expect(h.count('u4', 'close')).toBe(0)
    expect(h.count('u4', 'connect')).toBe(1)
  })

  it('takes a unit back with its first answer to a probe', async () => {
    const h = busOfTwenty([4])
    await h.start()
    await h.clock.advance(30_000)
    h.script('u4').poll = 'answer'
    await h.clock.advance(60_000)
    expect(h.status('u4')).toMatchObject({ state: 'up', badSensors: 0, reason: null })
    const polls = h.polls('u4')
    await h.clock.advance(10_000)
    expect(h.polls('u4').length - polls.length).toBe(20)
  })

  it('tries all units at once when the whole wire comes back', async () => {
    const h = busOfTwenty(Array.from({ length: UNITS }, (_, unit) => unit))
    await h.start()
    await h.clock.advance(600_000)
    for (let unit = 0; unit < UNITS; unit++) h.script(`u${unit}`).poll = 'answer'
    const isUp = (): number => h.acquisition.list().filter(({ state }) => state === 'up').length
    while (isUp() === 0) await h.clock.advance(100)
    await h.clock.advance(2000)
    expect(isUp()).toBe(UNITS)
  })

  it('serves devices in turn, however many groups one of them has', async () => {
    const groups = [1000, 1001, 1002, 1003, 1004, 1005].map((intervalMs) => ({ intervalMs, sensors: 1 }))
    const h = new Harness({
      devices: [
        { id: 'greedy', groups, script: { bus: 'b', answerMs: 300 } },
        { id: 'modest', groups: groups.slice(0, 1), script: { bus: 'b', answerMs: 10 } },
      ],
    })
    await h.start()
    await h.clock.advance(60_000)
    // The wire is overbooked: 6 × 300 ms each second. The modest one still waits for one poll only.
    expect(h.status('modest').lagMs!.max).toBeLessThanOrEqual(300)
    expect(h.status('greedy').skippedPolls).toBeGreaterThan(100)
    for (let group = 0; group < 6; group++) expect(h.polls('greedy', group).length).toBeGreaterThan(25)
    expect(h.driver.violations).toEqual([])
  })

  it('lets a suspect have its turn now and then when healthy devices fill the wire', async () => {
    const groups = [{ intervalMs: 100, sensors: 1 }]
    const h = new Harness({
      devices: [
        { id: 'a', groups, script: { bus: 'b', answerMs: 60 } },
        { id: 'b', groups, script: { bus: 'b', answerMs: 60 } },
        { id: 'dead', groups, script: { bus: 'b', poll: 'silent', timeoutMs: 100 } },
      ],
    })
    await h.start()
    await h.clock.advance(60_000)
    h.script('dead').poll = 'answer'
    await h.clock.advance(70_000)
    expect(h.status('dead').state).toBe('up')
  })

  it('a device that fails with two polls in line costs its neighbour one time-out, not two', async () => {
    const h = new Harness({
      devices: [
        {
          id: 'a',
          groups: [490, 500].map((intervalMs) => ({ intervalMs, sensors: 1 })),
          script: { bus: 'b', timeoutMs: 600 },
        },
        { id: 'b', groups: [{ intervalMs: 500, sensors: 1 }], script: { bus: 'b' } },
      ],
    })
    await h.start()
    for (let n = 0; n < 20; n++) {
      h.script('a').poll = 'answer'
      await h.clock.advance(60_000 + 37 * n)
      h.script('a').poll = 'silent'
      await h.clock.advance(10_000)
    }
    expect(h.status('b').lagMs!.max).toBeLessThanOrEqual(620)
  })

  it('polls different buses at the same time', async () => {
    const groups = [{ intervalMs: 1000, sensors: 1 }]
    const h = new Harness({
      devices: [
        { id: 'a', groups, script: { bus: 'x', poll: 'silent', timeoutMs: 10_000 } },
        { id: 'b', groups, script: { bus: 'y' } },
      ],
    })
    await h.start()
    await h.clock.advance(9999)
    expect(h.polls('b').length).toBe(10)
    expect(h.status('b').lagMs!.max).toBe(0)
  })
})
