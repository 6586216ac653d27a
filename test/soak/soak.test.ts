// The soak run is itself tested: its verdict with planted faults, and a run of three seconds on a small plant.

import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { soak, sumOf } from './soak.ts'
import { problemsOf, slopeOf, type Counts, type Lags, type Sample } from './verdict.ts'

const COUNTS: Counts = { taken: 1000, stored: 1000, received: 1000, repeated: 0, dropped: 0, expectedAtLeast: 900 }
const LAGS: Lags = { pollsInTime: 1, durableInTime: 1, settledAfter: 2 }

/** Memory of a gateway: 200 MB, a saw of 8 MB, and growth by so many bytes a second. */
function samples(seconds: number, perSecond: number): Sample[] {
  return Array.from({ length: seconds }, (_, at) => {
    const saw = ((at * 7) % 8) * 1e6
    return { at, rssBytes: 200e6 + saw + at * perSecond, heapBytes: 30e6 + saw + at * perSecond }
  })
}

describe('the verdict', () => {
  it('passes a run as it should be, short or long', () => {
    expect(problemsOf(samples(90, 0), COUNTS, LAGS)).toEqual([])
    expect(problemsOf(samples(7200, 0), COUNTS, LAGS)).toEqual([])
  })

  it('finds memory that grows, the smaller the longer the run is', () => {
    const quick = problemsOf(samples(90, 1e6), COUNTS, LAGS)
    expect(quick).toEqual([
      expect.stringMatching(/^resident memory grows by/),
      expect.stringMatching(/^the heap grows by/),
    ])
    expect(problemsOf(samples(7200, 500), COUNTS, LAGS)).toHaveLength(2) // 1.8 MB an hour
  })

  it('does not take warming up for growth', () => {
    const warming = samples(120, 0).map((sample) => ({
      ...sample,
      rssBytes: sample.rssBytes - Math.max(0, 50 - sample.at) * 2e6,
    }))
    expect(problemsOf(warming, COUNTS, LAGS)).toEqual([])
  })

  it.each<[Partial<Counts>, RegExp]>([
    [{ stored: 999 }, /999 are in the history/],
    [{ received: 999 }, /999 arrived upstream/],
    [{ repeated: 1 }, /arrived twice/],
    [{ dropped: 3 }, /given up/],
    [{ expectedAtLeast: 1001 }, /only 1000 of at least 1001/],
  ])('finds a loss: %j', (fault, problem) => {
    expect(problemsOf(samples(90, 0), { ...COUNTS, ...fault }, LAGS)).toEqual([expect.stringMatching(problem)])
  })

  it.each<[Partial<Lags>, RegExp]>([
    [{ pollsInTime: 0.98 }, /2\.0 % of the polls/],
    [{ pollsInTime: Number.NaN }, /of the polls/],
    [{ durableInTime: 0.9 }, /of the blocks/],
    [{ settledAfter: 61 }, /the backlog took 61 s/],
  ])('finds what is late: %j', (fault, problem) => {
    expect(problemsOf(samples(90, 0), COUNTS, { ...LAGS, ...fault })).toEqual([expect.stringMatching(problem)])
  })
})

describe('the slope', () => {
  it('is that of the line, with an interval that grows with the noise', () => {
    const line = Array.from({ length: 20 }, (_, x) => [x, 3 * x + 5] as const)
    expect(slopeOf(line).slope).toBeCloseTo(3)
    expect(slopeOf(line).margin).toBeCloseTo(0)
    const noisy = slopeOf(line.map(([x, y]) => [x, y + (x % 2 === 0 ? 4 : -4)] as const))
    expect(Math.abs(noisy.slope - 3)).toBeLessThan(noisy.margin)
  })

  it('agrees with a worked example', () => {
    // x 1…5, y 2 4 5 4 5: slope 0.6, standard error √(0.8 / 10), t(3) = 3.18
    const { slope, margin } = slopeOf([
      [1, 2],
      [2, 4],
      [3, 5],
      [4, 4],
      [5, 5],
    ])
    expect(slope).toBeCloseTo(0.6)
    expect(margin).toBeCloseTo(3.18 * Math.sqrt(0.8 / 10))
  })
})

describe('a page of metrics', () => {
  it('is summed by the beginning of names, and not by names that only begin alike', () => {
    const page =
      'a_total{x="1"} 2\na_total{x="2"} 3\na_totals 7\n# a_total 9\na_bucket{le="1"} 4\na_bucket{le="10"} 5\n'
    expect(sumOf(page, 'a_total')).toBe(5)
    expect(sumOf(page, 'a_bucket', 'le="1"')).toBe(4)
  })
})

describe('a run of three seconds', { timeout: 240_000 }, () => {
  it('loses nothing, and would notice if it did', async () => {
    const meddle = (file: string): void => {
      const lines = readFileSync(file, 'utf8').split('\n')
      const reading = lines.findIndex((line) => line.includes('"sensor":"modbus-'))
      const again = lines.findIndex((line, at) => at > reading && line.includes('"sensor":"modbus-'))
      writeFileSync(file, lines.toSpliced(reading, 1).join('\n'))
      appendFileSync(file, `${lines[again]!}\n`)
    }
    const { counts, problems } = await soak({ seconds: 3, sensors: 50, hasFaults: false, meddle })
    expect(counts.taken).toBeGreaterThan(0)
    expect(counts.stored).toBe(counts.taken)
    expect(counts.received).toBe(counts.taken) // one taken away, one twice
    expect(counts.repeated).toBe(1)
    expect(counts.dropped).toBe(0)
    expect(problems).toContain('1 records arrived twice')
  })
})
