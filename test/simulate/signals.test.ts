import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FaultSchedule } from '#simulate/fault-schedule.ts'
import { Points } from '#simulate/points.ts'
import { createSignal, type SignalSpec } from '#simulate/signals.ts'
import { fill, unknownNames } from '#simulate/template.ts'
import { seededRandom } from '#kit/random.ts'

const at = (spec: SignalSpec, ...seconds: number[]): number[] => {
  const signal = createSignal(spec, seededRandom(1))
  return seconds.map((second) => Number(signal(second).toFixed(6)))
}

describe('a signal', () => {
  it('goes as it is described', () => {
    expect(at({ type: 'sine', mean: 6, amplitude: 2, period: 4000, phase: 0 }, 0, 1, 2, 3, 5)).toEqual([6, 8, 6, 4, 8])
    expect(at({ type: 'ramp', from: 10, to: 20, period: 10_000 }, 0, 5, 9, 12)).toEqual([10, 15, 19, 12])
    expect(at({ type: 'counter', start: 7, perSecond: 2 }, 0, 0.4, 1, 10)).toEqual([7, 7, 9, 27])
    expect(at({ type: 'square', low: 0, high: 5, period: 10_000, duty: 0.3 }, 0, 2, 4, 9, 11)).toEqual([5, 5, 0, 0, 5])
  })

  it('replays rows at their times, or one for each interval, again and again or once', () => {
    const rows = [3, 1, 4].map((value) => ({ value, atMs: null }))
    expect(at({ type: 'replay', rows, interval: 1000, loop: true }, 0, 1.5, 2, 3, 4)).toEqual([3, 1, 4, 3, 1])
    expect(at({ type: 'replay', rows, interval: 1000, loop: false }, 2, 30)).toEqual([4, 4])
    const timed = [0, 100, 5000].map((atMs, value) => ({ value, atMs }))
    expect(at({ type: 'replay', rows: timed, interval: 1000, loop: true }, 0, 0.2, 4.9, 5.5, 6.05)).toEqual([
      0, 1, 1, 2, 0,
    ])
  })

  it('walks within its limits, and is the same for the same seed', () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(fc.double({ min: 0, max: 5, noNaN: true }), { maxLength: 60 }), (seed, steps) => {
        const spec: SignalSpec = { type: 'walk', start: 5, step: 3, min: 0, max: 10 }
        const [one, two] = [createSignal(spec, seededRandom(seed)), createSignal(spec, seededRandom(seed))]
        let now = 0
        for (const step of steps) {
          now += step
          const value = one(now)
          expect(value).toBe(two(now))
          expect(value >= 0 && value <= 10).toBe(true)
        }
      }),
    )
  })
})

describe('the faults of values', () => {
  it('stick, shift and drift while they last, and leave no trace', () => {
    let seconds = 0
    const signal = { type: 'counter', start: 100, perSecond: 1 } as const
    const points = new Points([{ id: 'a', signal, value: 0, decimals: null }], () => seconds, seededRandom(1))
    const stuck = { type: 'stuck', point: 'a' } as const
    points.setFault(stuck, true)
    seconds = 5
    expect(points.read('a')).toBe(100)
    points.setFault(stuck, false)
    expect(points.read('a')).toBe(105)
    const drift = { type: 'drift', point: 'a', perSecond: 2 } as const
    points.setFault(drift, true)
    seconds = 8
    expect(points.read('a')).toBe(108 + 6)
    points.setFault(drift, false)
    points.setFault({ type: 'spike', point: 'a', by: -50 }, true)
    expect(points.read('a')).toBe(58)
  })

  it('begin and end at their times, whenever it is looked', () => {
    const times = fc.record({
      at: fc.nat(5000),
      for: fc.integer({ min: 1, max: 2000 }),
      gap: fc.integer({ min: 1, max: 3000 }),
    })
    fc.assert(
      fc.property(
        times,
        fc.boolean(),
        fc.array(fc.nat(800), { maxLength: 50 }),
        ({ at: from, for: lasts, gap }, repeats, steps) => {
          const every = repeats ? lasts + gap : null
          const schedule = new FaultSchedule([{ at: from, for: lasts, every }])
          let now = 0
          let active = false
          for (const step of steps) {
            now += step
            for (const { isActive } of schedule.changes(now)) {
              expect(isActive).toBe(!active)
              active = isActive
            }
            const since = now - from
            const wanted = since >= 0 && (every === null ? since < lasts : since % every < lasts)
            expect(active).toBe(wanted)
          }
        },
      ),
    )
  })
})

describe('the text of an instrument', () => {
  it('has values of a width, of decimals, and words for them', () => {
    const values: Record<string, number | string | boolean> = { weight: 12.345, stable: true, unit: 'kg' }
    const read = (name: string) => values[name]!
    expect(fill('{stable:S:U} {weight:8.2} {unit}\r\n', read)).toBe('S    12.35 kg\r\n')
    expect(fill('{weight} {{}', read)).toBe('12.345 {{}')
    expect(unknownNames('{weight} {wieght:3.1}', Object.keys(values))).toEqual(['wieght'])
  })
})
