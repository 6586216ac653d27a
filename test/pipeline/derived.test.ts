// Derived sensors through the whole pipeline: quality carried through, chains, windows by the clock and by late readings.

import { describe, expect, it } from 'vitest'
import { sampleStandardDeviation } from 'simple-statistics'
import type { WindowSpec } from '#domain/derivation.ts'
import { Status } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'
import type { Sensor } from '#domain/sensor.ts'
import { QuantileSketch } from '#pipeline/quantile-sketch.ts'
import { metric, openTestBed, type TestBed } from './test-bed.ts'

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

const expression = (text: string): Partial<Sensor> => ({ derivation: { kind: 'expression', text } })

function window(changes: Partial<WindowSpec>): Partial<Sensor> {
  const spec: WindowSpec = {
    of: 'd.s0',
    figure: 'mean',
    sizeMs: 10_000,
    everyMs: 10_000,
    latenessMs: 0,
    percentile: 95,
    ...changes,
  }
  return { derivation: { kind: 'window', window: spec } }
}

/** Readings of one sensor in the journal: value and status. */
function journalled(bed: TestBed, sensor: number): [unknown, string][] {
  return bed
    .taken()
    .readings.filter((reading) => reading.sensor === sensor)
    .map(({ value, status }) => [value, status])
}

describe('a derived expression', () => {
  it('is worked out once for all readings of a turn, with the time of the newest', async () => {
    const bed = openTestBed({ sensors: [{}, {}, expression('d.s0 / max(d.s1, 0.1)')] })
    const time = bed.clock.now() - 500
    bed.pipeline.sink.number(0, 30, Status.Good, time - 100)
    bed.pipeline.sink.number(1, 4, Status.Good, time)
    await turn()
    expect(bed.pipeline.latest.read(2)).toMatchObject({ value: 7.5, quality: 'good', time })
    expect(journalled(bed, 2)).toEqual([[7.5, 'Good']])
  })

  it('carries the worst quality through, and has no value without one of its sensors', async () => {
    const bed = openTestBed({ sensors: [{}, {}, expression('d.s0 + d.s1')] })
    bed.pipeline.sink.number(0, 1, Status.Good, NO_TIME)
    await turn()
    bed.pipeline.sink.number(1, 2, Status.UncertainLastUsableValue, NO_TIME)
    await turn()
    bed.pipeline.sink.bad(0, Status.BadTimeout, NO_TIME)
    await turn()
    expect(journalled(bed, 2)).toEqual([
      [null, 'BadWaitingForInitialData'],
      [3, 'UncertainLastUsableValue'],
      [null, 'BadTimeout'],
    ])
  })

  it('is bad where it has no number', async () => {
    const bed = openTestBed({ sensors: [{}, expression('1 / d.s0')] })
    bed.pipeline.sink.number(0, 0, Status.Good, NO_TIME)
    await turn()
    expect(journalled(bed, 1)).toEqual([[null, 'BadOutOfRange']])
  })

  it('may use derived sensors, and has checks of its own', async () => {
    const bed = openTestBed({
      sensors: [
        {},
        expression('d.s0 * 2'),
        { ...expression('d.s1 > 10'), valueType: 'boolean', checks: [{ type: 'threshold', high: 1 }] },
      ],
    })
    bed.pipeline.sink.number(0, 6, Status.Good, NO_TIME)
    await turn()
    expect(bed.pipeline.latest.read(2)!.value).toBe(true)
    expect(bed.transitions()).toEqual(['raised high'])
  })
})

describe('a window', () => {
  it.each([
    ['count', 5],
    ['sum', 15],
    ['mean', 3],
    ['min', 1],
    ['max', 5],
    ['last', 5],
    ['standardDeviation', sampleStandardDeviation([1, 2, 3, 4, 5])],
  ] as const)('tells the %s of what was in it once it is over', async (figure, expected) => {
    const bed = openTestBed({ sensors: [{}, window({ figure })] })
    for (const value of [1, 2, 3, 4, 5]) {
      bed.pipeline.sink.number(0, value, Status.Good, NO_TIME)
      await bed.clock.advance(1000)
    }
    expect(journalled(bed, 1)).toEqual([])
    await bed.clock.advance(5500)
    const [result] = journalled(bed, 1)
    expect(result![0]).toBeCloseTo(expected, 12)
    expect(result![1]).toBe('Good')
  })

  it('slides on by `every`', async () => {
    const bed = openTestBed({ sensors: [{}, window({ sizeMs: 3000, everyMs: 1000, figure: 'sum' })] })
    for (const value of [1, 10, 100, 1000]) {
      bed.pipeline.sink.number(0, value, Status.Good, NO_TIME)
      await bed.clock.advance(1000)
    }
    await bed.clock.advance(500)
    expect(journalled(bed, 1).map(([value]) => value)).toEqual([1, 11, 111, 1110])
  })

  it('waits for late readings as long as it is told, and counts those that come later', async () => {
    const bed = openTestBed({ sensors: [{}, window({ sizeMs: 1000, everyMs: 1000, latenessMs: 2000, figure: 'sum' })] })
    const start = bed.clock.now()
    bed.pipeline.sink.number(0, 1, Status.Good, start)
    await bed.clock.advance(2500)
    bed.pipeline.sink.number(0, 2, Status.Good, start + 500)
    await bed.clock.advance(1000)
    expect(journalled(bed, 1)[0]).toEqual([3, 'Good'])
    bed.pipeline.sink.number(0, 4, Status.Good, start + 600)
    expect(await metric(bed.registry, 'telemetryx_dropped_total', { reason: 'window-late' })).toBe(1)
  })

  it('is uncertain when some readings were not good, and bad without any', async () => {
    const bed = openTestBed({ sensors: [{}, window({ sizeMs: 1000, everyMs: 1000 })] })
    bed.pipeline.sink.number(0, 5, Status.Good, NO_TIME)
    bed.pipeline.sink.bad(0, Status.BadTimeout, NO_TIME)
    await bed.clock.advance(1500)
    await bed.clock.advance(60_000)
    expect(journalled(bed, 1)).toEqual([
      [5, 'UncertainSubNormal'],
      [null, 'BadNoData'],
    ])
  })

  it('goes on after the clock was set back, and makes no thousands of windows after it was set forward', async () => {
    const bed = openTestBed({ sensors: [{}, window({ sizeMs: 1000, everyMs: 1000, figure: 'count' })] })
    bed.pipeline.sink.number(0, 1, Status.Good, NO_TIME)
    bed.clock.step(30 * 86_400_000)
    await bed.clock.advance(500)
    expect(journalled(bed, 1).length).toBeLessThan(4)
    bed.clock.step(-30 * 86_400_000)
    bed.pipeline.sink.number(0, 1, Status.Good, NO_TIME)
    bed.pipeline.sink.number(0, 1, Status.Good, NO_TIME)
    await bed.clock.advance(1500)
    expect(journalled(bed, 1)).toContainEqual([2, 'Good'])
  })
  it.each([
    ['a little', 5 * 60_000],
    ['more than the window is long', 3 * 3_600_000],
  ])(
    'goes on within a minute when the clock is set back by %s, and takes the readings of that minute',
    async (_how, backMs) => {
      const spec = { sizeMs: 600_000, everyMs: 60_000, latenessMs: 5000, figure: 'count' as const }
      const bed = openTestBed({ sensors: [{}, window(spec)] })
      const minutes = async (count: number): Promise<void> => {
        for (let n = 0; n < count; n++) {
          bed.pipeline.sink.number(0, n, Status.Good, NO_TIME)
          await bed.clock.advance(60_000)
        }
      }
      await minutes(20)
      expect(journalled(bed, 1).slice(-3)).toEqual([
        [10, 'Good'],
        [10, 'Good'],
        [10, 'Good'],
      ])
      bed.clock.step(-backMs)
      await minutes(3)
      const late = await metric(bed.registry, 'telemetryx_dropped_total', { reason: 'window-late' })
      expect(late ?? 0).toBe(0)
      expect(journalled(bed, 1).length).toBeGreaterThanOrEqual(2)
      await minutes(20)
      expect(journalled(bed, 1).at(-1)).toEqual([10, 'Good'])
    },
  )
})

describe('the quantile sketch', () => {
  it('is within one per cent of the sorted values, whatever their size and sign, also when merged', () => {
    const values = Array.from({ length: 5000 }, (_, n) => Math.sin(n * 12.9898) * 10 ** (n % 7))
    const [one, other] = [new QuantileSketch(), new QuantileSketch()]
    values.forEach((value, n) => (n % 2 === 0 ? one : other).take(value))
    one.merge(other)
    const sorted = values.toSorted((a, b) => a - b)
    for (const share of [0, 0.01, 0.25, 0.5, 0.9, 0.99, 1]) {
      const nearest = sorted[Math.round(share * (sorted.length - 1))]!
      expect(Math.abs(one.quantile(share) - nearest)).toBeLessThanOrEqual(Math.abs(nearest) * 0.0101)
    }
  })
})
