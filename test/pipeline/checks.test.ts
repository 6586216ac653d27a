// Checks and alarms through the whole pipeline: readings in, alarm entries out of the ring.

import { describe, expect, it } from 'vitest'
import type { AlarmEntry } from '#domain/alarm.ts'
import type { CheckSpec } from '#domain/check.ts'
import { Status } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'
import { metric, openTestBed, testModel, testSensor, type TestBed } from './test-bed.ts'

const { Good } = Status
const high: CheckSpec = { type: 'threshold', high: 75, highHigh: 90, hysteresis: 2 }

function give(bed: TestBed, ...values: number[]): void {
  for (const value of values) bed.pipeline.sink.number(0, value, Good, NO_TIME)
}

describe('checks in the pipeline', () => {
  it('raises, escalates and clears an alarm, and says what is wrong', () => {
    const bed = openTestBed({ sensors: [{ description: 'Oil temperature', unit: 'degC', checks: [high] }] })
    give(bed, 70, 76.2, 95, 80, 70)
    const { entries } = bed.taken()
    expect(
      entries.map((entry) => entry.kind === 'alarm' && [entry.change, entry.alarm.message, entry.alarm.severity]),
    ).toEqual([
      ['raised', 'Oil temperature 76.2 °C is above the high limit of 75 °C', 'medium'],
      ['level', 'Oil temperature 95 °C is above the high-high limit of 90 °C', 'urgent'],
      ['level', 'Oil temperature 80 °C is above the high limit of 75 °C', 'medium'],
      ['cleared', 'Oil temperature 80 °C is above the high limit of 75 °C', 'medium'],
    ])
    expect(bed.pipeline.alarms.list()).toMatchObject([{ id: '1-1', active: false, acknowledged: false }])
  })

  it('uses the id where there is no description, and the severity that is configured', () => {
    const bed = openTestBed({ sensors: [{ checks: [{ ...high, id: 'hot', severity: 'high' }] }] })
    give(bed, 80)
    expect(bed.pipeline.alarms.list()).toMatchObject([
      { check: 'hot', severity: 'high', message: 'd.s0 80 is above the high limit of 75' },
    ])
  })

  it('journals the reading before the alarm that it raised, also when the deadband would hold it back', () => {
    const bed = openTestBed({ sensors: [{ deadband: { absolute: 10, maxIntervalMs: null }, checks: [high] }] })
    give(bed, 74)
    const before = bed.ring.written
    give(bed, 75.5)
    const { readings, entries } = bed.taken()
    expect(readings.map(({ value }) => value)).toEqual([74, 75.5])
    expect(entries).toMatchObject([{ kind: 'alarm', change: 'raised' }])
    expect(bed.ring.written).toBe(before + 2)
    expect(bed.ring.copy(before + 1, 2)!.sensor[0]).toBe(0)
  })

  it('lets a 64-bit integer that raises an alarm pass the deadband as well', () => {
    const deadband = { absolute: 100, maxIntervalMs: null }
    const bed = openTestBed({ sensors: [{ valueType: 'int64', deadband, checks: [high] }] })
    for (const value of [70n, 71n, 76n]) bed.pipeline.sink.integer(0, value, Good, NO_TIME)
    expect(bed.passed()).toEqual([70n, 76n])
  })

  it('takes the time of the reading for the alarm', () => {
    const bed = openTestBed({ sensors: [{ checks: [high] }] })
    bed.pipeline.sink.number(0, 80, Good, bed.clock.now() - 5000)
    expect(bed.pipeline.alarms.list()).toMatchObject([{ raisedAt: bed.clock.now() - 5000 }])
  })

  it('neither raises nor clears nor learns from bad and uncertain readings', () => {
    const bed = openTestBed({ sensors: [{ checks: [high, { type: 'zscore', window: 10 }] }] })
    bed.pipeline.sink.number(0, 99, Status.UncertainLastUsableValue, NO_TIME)
    bed.pipeline.sink.bad(0, Status.BadTimeout, NO_TIME)
    expect(bed.transitions()).toEqual([])
    give(bed, 99)
    bed.pipeline.sink.number(0, 1, Status.UncertainLastUsableValue, NO_TIME)
    bed.pipeline.sink.bad(0, Status.BadTimeout, NO_TIME)
    expect(bed.transitions()).toEqual(['raised highHigh'])
    expect(bed.pipeline.checks(0)).toEqual([
      {
        id: 'threshold',
        type: 'threshold',
        learning: null,
        level: 'highHigh',
        isPending: false,
        isOutOfService: false,
      },
      {
        id: 'zscore',
        type: 'zscore',
        learning: { seen: 1, needed: 10 },
        level: null,
        isPending: false,
        isOutOfService: false,
      },
    ])
  })

  it('checks booleans as 0 and 1, and 64-bit integers by their value', () => {
    const bed = openTestBed({
      sensors: [
        { valueType: 'boolean', checks: [{ type: 'threshold', high: 1 }] },
        { valueType: 'int64', checks: [{ type: 'threshold', high: 2 ** 60 }] },
      ],
    })
    give(bed, 0, 1)
    bed.pipeline.sink.integer(1, 2n ** 61n, Good, NO_TIME)
    expect(bed.transitions()).toEqual(['raised high', 'raised high'])
  })

  it('explains an anomaly by its window', () => {
    const bed = openTestBed({ sensors: [{ unit: 'bar', checks: [{ type: 'zscore', window: 10, sigma: 3 }] }] })
    give(bed, 5, 5.1, 5.3, 4.9, 5, 5.2, 4.8, 5.1, 5.05, 4.95, 9)
    const [alarm] = bed.pipeline.alarms.list()
    expect(alarm).toMatchObject({ level: 'anomaly', severity: 'low', finding: { value: 9, limit: 3, window: 10 } })
    expect(alarm!.message).toMatch(
      /^d\.s0 9 bar is 2\d(\.\d)? standard deviations above the mean 5\.04 bar of the 10 readings before$/,
    )
  })

  it('gives each of several checks without an id its own alarm', () => {
    const bed = openTestBed({
      sensors: [
        {
          checks: [
            { type: 'threshold', high: 1 },
            { type: 'threshold', high: 2 },
          ],
        },
      ],
    })
    give(bed, 3)
    expect(bed.pipeline.alarms.list().map(({ check }) => check)).toEqual(['threshold', 'threshold-2'])
  })

  it('counts active alarms by severity in the metrics', async () => {
    const bed = openTestBed({ sensors: [{ checks: [high] }] })
    give(bed, 95)
    expect(await metric(bed.registry, 'telemetryx_alarms_active', { severity: 'urgent' })).toBe(1)
    expect(await metric(bed.registry, 'telemetryx_alarms_active', { severity: 'low' })).toBe(0)
  })
})

describe('delays in the pipeline', () => {
  const slow: CheckSpec = { type: 'threshold', high: 75, onDelay: 3000, offDelay: 2000 }

  it('raises when the condition has held for onDelay, at the reading', async () => {
    const bed = openTestBed({ sensors: [{ checks: [slow] }] })
    for (const value of [80, 80, 80]) {
      give(bed, value)
      await bed.clock.advance(999)
    }
    expect(bed.transitions()).toEqual([])
    await bed.clock.advance(3)
    give(bed, 81)
    expect(bed.transitions()).toEqual(['raised high'])
  })

  it('raises and clears without a new reading once the delay is over', async () => {
    const bed = openTestBed({ sensors: [{ checks: [slow] }] })
    give(bed, 80)
    await bed.clock.advance(2900)
    expect(bed.transitions()).toEqual([])
    await bed.clock.advance(400)
    expect(bed.transitions()).toEqual(['raised high'])
    give(bed, 70)
    await bed.clock.advance(1900)
    expect(bed.transitions()).toEqual([])
    await bed.clock.advance(400)
    expect(bed.transitions()).toEqual(['cleared high'])
  })

  it('does not raise after a dip, nor clear after a peak, within the delay', async () => {
    const bed = openTestBed({ sensors: [{ checks: [slow] }] })
    for (const value of [80, 70, 80]) {
      give(bed, value)
      await bed.clock.advance(2000)
    }
    expect(bed.transitions()).toEqual([])
    await bed.clock.advance(1500)
    expect(bed.transitions()).toEqual(['raised high'])
    for (const value of [70, 80, 70]) {
      give(bed, value)
      await bed.clock.advance(1500)
    }
    expect(bed.transitions()).toEqual([])
  })

  it('ends no delay by itself while the latest reading is bad, and goes on with the next good one', async () => {
    const bed = openTestBed({ sensors: [{ checks: [slow] }] })
    give(bed, 80)
    await bed.clock.advance(1000)
    bed.pipeline.sink.bad(0, Status.BadTimeout, NO_TIME)
    await bed.clock.advance(60_000)
    expect(bed.transitions()).toEqual([])
    give(bed, 80)
    expect(bed.transitions()).toEqual(['raised high'])
  })

  it('is not deceived by steps of the wall clock', async () => {
    const bed = openTestBed({ sensors: [{ checks: [slow] }] })
    give(bed, 80)
    bed.clock.step(3_600_000)
    give(bed, 80)
    await bed.clock.advance(500)
    expect(bed.transitions()).toEqual([])
    bed.clock.step(-7_200_000)
    give(bed, 80)
    await bed.clock.advance(3000)
    expect(bed.transitions()).toEqual(['raised high'])
  })
})

describe('alarms across a restart or reload', () => {
  /** The last transition of each alarm, as the store gives them at the next start. */
  function openAlarmsOf(bed: TestBed): AlarmEntry[] {
    const last = new Map<string, AlarmEntry>()
    for (const entry of bed.taken().entries) if (entry.kind === 'alarm') last.set(entry.alarm.id, entry)
    return [...last.values()]
  }

  it('goes on with an active alarm: not raised twice, cleared by its hysteresis', () => {
    const first = openTestBed({ sensors: [{ checks: [high] }] })
    give(first, 95)
    const second = openTestBed({ sensors: [{ checks: [high] }], openAlarms: openAlarmsOf(first), epoch: 2 })
    give(second, 89)
    expect(second.transitions()).toEqual([])
    give(second, 88, 74, 73)
    expect(second.transitions()).toEqual(['level high', 'cleared high'])
    expect(second.pipeline.alarms.list()).toMatchObject([{ id: '1-1', active: false }])
  })

  it('keeps an anomaly until its check has learnt anew', () => {
    const check: CheckSpec = { type: 'zscore', window: 10 }
    const first = openTestBed({ sensors: [{ checks: [check] }] })
    give(first, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 50)
    const second = openTestBed({ sensors: [{ checks: [check] }], openAlarms: openAlarmsOf(first), epoch: 2 })
    give(second, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2)
    expect(second.transitions()).toEqual([])
    give(second, 1)
    expect(second.transitions()).toEqual(['cleared anomaly'])
  })

  it('clears the alarms of sensors and checks that are gone, with the reason', () => {
    const first = openTestBed({ sensors: [{ checks: [high] }, { checks: [high] }, { checks: [high] }] })
    for (const sensor of [0, 1, 2]) first.pipeline.sink.number(sensor, 95, Good, NO_TIME)
    const openAlarms = openAlarmsOf(first)
    const onlyLow: CheckSpec = { type: 'threshold', low: 1 }
    const second = openTestBed({ sensors: [{ checks: [] }, { checks: [onlyLow] }], openAlarms, epoch: 2 })
    const entries = second.taken().entries
    expect(entries.map((entry) => entry.kind === 'alarm' && [entry.alarm.sensor, entry.change, entry.comment])).toEqual(
      [
        ['d.s0', 'cleared', 'The check is no longer configured so'],
        ['d.s1', 'cleared', 'The check is no longer configured so'],
        ['d.s2', 'cleared', 'The sensor is no longer configured'],
      ],
    )
    expect(second.pipeline.alarms.list().every(({ active, acknowledged }) => !active && !acknowledged)).toBe(true)
  })

  it('keeps the state of what a reload leaves as it was', () => {
    const checks: CheckSpec[] = [high, { type: 'zscore', window: 10 }]
    const bed = openTestBed({ sensors: [{ checks, deadband: { absolute: 5, maxIntervalMs: null } }] })
    give(bed, 20, 76)
    bed.taken()
    const kept = testSensor(
      { checks: [...checks, { type: 'threshold', id: 'new', low: 0 }], deadband: { absolute: 5, maxIntervalMs: null } },
      0,
    )
    bed.pipeline.replaceModel(testModel([kept, testSensor({ device: 'e' }, 7)]))
    expect(bed.pipeline.latest.read(0)!.value).toBe(76)
    expect(bed.pipeline.checks(0)).toMatchObject([
      { level: 'high' },
      { learning: { seen: 2 } },
      { id: 'new', level: null },
    ])
    give(bed, 77)
    expect(bed.passed()).toEqual([])
    bed.pipeline.sink.number(7, 1, Good, NO_TIME)
    expect(bed.pipeline.latest.read(7)!.value).toBe(1)
  })

  it('lets a delay run on through a reload', async () => {
    const slow: CheckSpec = { type: 'threshold', high: 75, onDelay: 3000 }
    const bed = openTestBed({ sensors: [{ checks: [slow] }] })
    give(bed, 80)
    await bed.clock.advance(1500)
    bed.pipeline.replaceModel(testModel([testSensor({ description: 'Renamed', checks: [slow] }, 0)]))
    await bed.clock.advance(1800)
    expect(bed.taken().entries).toMatchObject([
      { change: 'raised', alarm: { message: 'Renamed 80 is above the high limit of 75' } },
    ])
  })

  it('moves an active alarm over to changed limits', () => {
    const bed = openTestBed({ sensors: [{ checks: [high] }] })
    give(bed, 80)
    bed.pipeline.replaceModel(testModel([testSensor({ checks: [{ ...high, high: 79 }] }, 0)]))
    give(bed, 78, 77)
    expect(bed.transitions()).toEqual(['raised high', 'cleared high'])
  })

  it('forgets the readings of a sensor that a reload removes, and keeps the totals of its device', async () => {
    const bed = openTestBed({ sensors: [{ device: 'a' }, { device: 'b' }] })
    give(bed, 1)
    bed.pipeline.replaceModel(testModel([testSensor({ device: 'b' }, 1)]))
    expect(bed.pipeline.latest.read(0)).toBeNull()
    give(bed, 2)
    expect(await metric(bed.registry, 'telemetryx_readings_total', { device: 'a', quality: 'good' })).toBe(1)
    bed.pipeline.replaceModel(testModel([testSensor({ device: 'a' }, 0), testSensor({ device: 'b' }, 1)]))
    expect(bed.pipeline.latest.read(0)).toBeNull()
  })

  it('ends a shelving by the clock', async () => {
    const bed = openTestBed({ sensors: [{ checks: [high] }] })
    give(bed, 80)
    bed.pipeline.alarms.shelve('1-1', bed.clock.now() + 10_000, 'ann', null)
    await bed.clock.advance(10_500)
    expect(bed.transitions()).toEqual(['raised high', 'shelved high', 'unshelved high'])
  })
})
