// Checks taken out of service by name, with and without an alarm.

import { describe, expect, it } from 'vitest'
import type { AlarmEntry } from '#domain/alarm.ts'
import { isTelemetryError } from '#domain/errors.ts'
import { Status } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'
import { openTestBed, testModel, testSensor, type TestBed } from './test-bed.ts'

const SENSORS = [{ description: 'Oil', checks: [{ type: 'threshold', id: 'hot', highHigh: 90 } as const] }]
const SERVICE = { by: 'ann', comment: 'new probe', untilMs: null }

const give = (bed: TestBed, value: number): void => bed.pipeline.sink.number(0, value, Status.Good, NO_TIME)
const entries = (bed: TestBed): AlarmEntry[] => bed.taken().entries.filter((entry) => entry.kind === 'alarm')

function codeOf(action: () => unknown): string {
  try {
    action()
    return 'none'
  } catch (error) {
    return isTelemetryError(error) ? error.code : 'other'
  }
}

describe('a check out of service', () => {
  it('is known by the name of the check, and says in its state that it is', () => {
    const bed = openTestBed({ sensors: SENSORS })
    expect(bed.pipeline.takeOutOfService(0, 'hot', SERVICE)).toMatchObject({
      sensor: 'd.s0',
      check: 'hot',
      level: 'highHigh',
      severity: 'urgent',
      active: false,
      message: 'Oil: the check hot is out of service',
    })
    expect(bed.pipeline.checks(0)).toMatchObject([{ id: 'hot', isOutOfService: true }])
    expect(codeOf(() => bed.pipeline.takeOutOfService(0, 'hot', SERVICE))).toBe('CONFLICT')
    expect(codeOf(() => bed.pipeline.takeOutOfService(0, 'cold', SERVICE))).toBe('NOT_FOUND')
    bed.pipeline.returnToService(0, 'hot', SERVICE)
    expect(bed.pipeline.checks(0)).toMatchObject([{ isOutOfService: false }])
    expect(codeOf(() => bed.pipeline.returnToService(0, 'hot', SERVICE))).toBe('CONFLICT')
    expect(entries(bed).map(({ change, by }) => [change, by])).toEqual([
      ['outOfService', 'ann'],
      ['inService', 'ann'],
    ])
  })

  it('goes on over a restart, keeps its alarms quiet, and returns at its time', async () => {
    const before = openTestBed({ sensors: SENSORS })
    before.pipeline.takeOutOfService(0, 'hot', { ...SERVICE, untilMs: before.clock.now() + 60_000 })
    const bed = openTestBed({ sensors: SENSORS, openAlarms: entries(before), epoch: 2 })
    give(bed, 95)
    expect(bed.pipeline.alarms.list()).toMatchObject([{ active: true, acknowledged: true, outOfService: true }])
    await bed.clock.advance(61_000)
    expect(bed.pipeline.alarms.list()).toMatchObject([{ active: true, acknowledged: false }])
    expect(entries(bed).map(({ change }) => change)).toEqual(['inService', 'raised', 'inService'])
  })

  it('is let go when the check is no longer configured', () => {
    const bed = openTestBed({ sensors: SENSORS })
    bed.pipeline.takeOutOfService(0, 'hot', SERVICE)
    bed.pipeline.replaceModel(testModel([testSensor({}, 0)]))
    expect(bed.pipeline.alarms.list()).toEqual([])
    expect(entries(bed).at(-1)).toMatchObject({ change: 'inService', by: null })
  })
})
