// The checks that need time or other sensors, through the whole pipeline: stale, flatline, rate, expression, suppressWhen.

import { describe, expect, it } from 'vitest'
import type { AlarmEntry } from '#domain/alarm.ts'
import { Status } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'
import { openTestBed, testModel, testSensor, type TestBed } from './test-bed.ts'

const { Good } = Status

function give(bed: TestBed, sensor: number, ...values: number[]): void {
  for (const value of values) bed.pipeline.sink.number(sensor, value, Good, NO_TIME)
}

const messages = (bed: TestBed): string[] => bed.pipeline.alarms.list().map(({ message }) => message)

describe('stale', () => {
  const sensors = [{ description: 'Oil', checks: [{ type: 'stale', for: 10_000 } as const] }]

  it('is raised without any reading, and cleared by the first good one', async () => {
    const bed = openTestBed({ sensors })
    await bed.clock.advance(9500)
    expect(bed.transitions()).toEqual([])
    await bed.clock.advance(1000)
    expect(messages(bed)).toEqual(['Oil has had no good reading for 10 s'])
    give(bed, 0, 5)
    expect(bed.transitions()).toEqual(['raised stale', 'cleared stale'])
  })

  it('takes bad and uncertain readings for silence', async () => {
    const bed = openTestBed({ sensors })
    give(bed, 0, 5)
    for (let second = 0; second < 11; second++) {
      await bed.clock.advance(1000)
      if (second % 2 === 0) bed.pipeline.sink.bad(0, Status.BadTimeout, NO_TIME)
      else bed.pipeline.sink.number(0, 5, Status.UncertainLastUsableValue, NO_TIME)
    }
    expect(bed.transitions()).toEqual(['raised stale'])
  })

  it('is not deceived by steps of the wall clock, and stands over a restart', async () => {
    const bed = openTestBed({ sensors })
    give(bed, 0, 5)
    bed.clock.step(3_600_000)
    await bed.clock.advance(5000)
    expect(bed.transitions()).toEqual([])
    await bed.clock.advance(6000)
    const openAlarms = bed.taken().entries.filter((entry): entry is AlarmEntry => entry.kind === 'alarm')
    const next = openTestBed({ sensors, openAlarms, epoch: 2 })
    await next.clock.advance(1000)
    expect(next.transitions()).toEqual([])
    give(next, 0, 5)
    expect(next.transitions()).toEqual(['cleared stale'])
  })
})

describe('flatline', () => {
  const sensors = [{ checks: [{ type: 'flatline', for: 10_000, tolerance: 0.1 } as const] }]

  it('is raised when the value stays within the tolerance, also of a source that then says nothing', async () => {
    const bed = openTestBed({ sensors })
    give(bed, 0, 5)
    await bed.clock.advance(5000)
    give(bed, 0, 5.05)
    await bed.clock.advance(5500)
    expect(messages(bed)).toEqual(['d.s0 5.05 has not moved for 10 s'])
    give(bed, 0, 5.2)
    expect(bed.transitions()).toEqual(['raised flatline', 'cleared flatline'])
  })

  it('is not raised while the value moves, or the sensor is bad', async () => {
    const bed = openTestBed({ sensors })
    for (let n = 0; n < 20; n++) {
      give(bed, 0, n % 2)
      await bed.clock.advance(1000)
    }
    bed.pipeline.sink.bad(0, Status.BadTimeout, NO_TIME)
    await bed.clock.advance(60_000)
    expect(bed.transitions()).toEqual([])
  })
})

describe('an expression', () => {
  const sensors = [
    { checks: [{ type: 'expression', when: 'value > 60 && d.s1 < 1', offDelay: 1000 } as const] },
    {},
    { valueType: 'string' as const },
  ]

  it('is judged at each reading of any of its sensors', () => {
    const bed = openTestBed({ sensors })
    give(bed, 0, 70)
    expect(bed.transitions()).toEqual([])
    give(bed, 1, 0.5)
    expect(messages(bed)).toEqual(['d.s0 70 meets the condition value > 60 && d.s1 < 1'])
  })

  it('neither raises nor clears, nor lets a delay end, while one of its sensors is not good', async () => {
    const bed = openTestBed({ sensors })
    give(bed, 0, 70)
    bed.pipeline.sink.number(1, 0.5, Status.UncertainLastUsableValue, NO_TIME)
    expect(bed.transitions()).toEqual([])
    give(bed, 1, 0.5)
    give(bed, 0, 50)
    bed.pipeline.sink.bad(1, Status.BadTimeout, NO_TIME)
    await bed.clock.advance(5000)
    expect(bed.transitions()).toEqual(['raised expression'])
    give(bed, 1, 0.5)
    expect(bed.transitions()).toEqual(['cleared expression'])
  })

  it('looks at texts too, and goes on after a reload', () => {
    const when = 'd.s2 == "fault" && value > 0'
    const bed = openTestBed({ sensors: [{ checks: [{ type: 'expression', when }] }, {}, { valueType: 'string' }] })
    give(bed, 0, 1)
    bed.pipeline.sink.text(2, 'fault', Good, NO_TIME)
    expect(bed.transitions()).toEqual(['raised expression'])
    const model = testModel([
      testSensor({ checks: [{ type: 'expression', when }] }, 0),
      testSensor({ valueType: 'string' }, 2),
    ])
    bed.pipeline.replaceModel(model)
    bed.pipeline.sink.text(2, 'run', Good, NO_TIME)
    expect(bed.transitions()).toEqual(['cleared expression'])
  })

  it('keeps a delay that runs through a reload', async () => {
    const checks = [{ type: 'expression', when: 'd.s1 > 5 && value > 0', onDelay: 10_000 } as const]
    const bed = openTestBed({ sensors: [{ checks }, {}] })
    give(bed, 0, 1)
    give(bed, 1, 9)
    await bed.clock.advance(6000)
    const sensors = [testSensor({ checks: structuredClone(checks) }, 0), testSensor({}, 1), testSensor({}, 2)]
    bed.pipeline.replaceModel(testModel(sensors))
    await bed.clock.advance(5000)
    expect(bed.transitions()).toEqual(['raised expression'])
  })
})

describe('suppressWhen', () => {
  const sensors = [
    { checks: [{ type: 'threshold', low: 10, suppressWhen: '!d.s1' } as const] },
    { valueType: 'boolean' as const },
  ]

  it('keeps an alarm in silence while its condition holds, and asks for it afterwards', () => {
    const bed = openTestBed({ sensors })
    give(bed, 1, 0)
    give(bed, 0, 5)
    expect(bed.pipeline.alarms.list()).toMatchObject([{ active: true, acknowledged: true, suppressed: true }])
    give(bed, 1, 1)
    expect(bed.pipeline.alarms.list()).toMatchObject([{ active: true, acknowledged: false }])
    expect(bed.taken().entries).toMatchObject([
      { change: 'raised' },
      { change: 'unsuppressed', comment: '!d.s1 is no longer true' },
    ])
  })

  it('ends when it is no longer configured', () => {
    const bed = openTestBed({ sensors })
    give(bed, 1, 0)
    give(bed, 0, 5)
    const model = testModel([
      testSensor({ checks: [{ type: 'threshold', low: 10 }] }, 0),
      testSensor({ valueType: 'boolean' }, 1),
    ])
    bed.pipeline.replaceModel(model)
    expect(bed.pipeline.alarms.list()).toMatchObject([{ active: true, acknowledged: false }])
    expect(bed.transitions().at(-1)).toBe('unsuppressed low')
  })
})
