import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Status } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'
import { openTestBed } from './test-bed.ts'

const { Good } = Status

describe('deadband', () => {
  it('passes a number that differs from the last passed one, not from the last seen one', () => {
    const { pipeline, passed } = openTestBed({ sensors: [{ deadband: { absolute: 0.5, maxIntervalMs: null } }] })
    for (const value of [10, 10.2, 10.4, 10.5, 10.1, 10, 9.9]) pipeline.sink.number(0, value, Good, NO_TIME)
    expect(passed()).toEqual([10, 10.5, 10])
    expect(pipeline.latest.read(0)!.value).toBe(9.9)
  })

  it('passes every change and no equal value when it is 0', () => {
    const { pipeline, passed } = openTestBed({ sensors: [{ deadband: { absolute: 0, maxIntervalMs: null } }] })
    for (const value of [1, 1, 1.001, 1.001, 1]) pipeline.sink.number(0, value, Good, NO_TIME)
    expect(passed()).toEqual([1, 1.001, 1])
  })

  it('passes anything after the longest silence', async () => {
    const { pipeline, clock, passed } = openTestBed({ sensors: [{ deadband: { absolute: 5, maxIntervalMs: 3000 } }] })
    for (let second = 0; second < 8; second++) {
      pipeline.sink.number(0, 20 + second / 100, Good, NO_TIME)
      await clock.advance(1000)
    }
    expect(passed()).toEqual([20, 20.03, 20.06])
  })

  it('passes after the clock was set back, rather than be silent until it has caught up', () => {
    const { pipeline, clock, passed } = openTestBed({ sensors: [{ deadband: { absolute: 5, maxIntervalMs: 3000 } }] })
    pipeline.sink.number(0, 1, Good, NO_TIME)
    clock.step(-3_600_000)
    pipeline.sink.number(0, 1, Good, NO_TIME)
    pipeline.sink.number(0, 1, Good, NO_TIME)
    expect(passed()).toEqual([1, 1])
  })

  it('passes every change of status, and a bad one only once', () => {
    const { pipeline, taken } = openTestBed({ sensors: [{ deadband: { absolute: 5, maxIntervalMs: null } }, {}] })
    for (const sensor of [0, 1]) {
      pipeline.sink.number(sensor, 1, Good, NO_TIME)
      pipeline.sink.number(sensor, 1, Status.UncertainLastUsableValue, NO_TIME)
      pipeline.sink.bad(sensor, Status.BadTimeout, NO_TIME)
      pipeline.sink.bad(sensor, Status.BadTimeout, NO_TIME)
      pipeline.sink.bad(sensor, Status.BadNotConnected, NO_TIME)
      pipeline.sink.bad(sensor, Status.BadNotConnected, NO_TIME)
      pipeline.sink.number(sensor, 1, Good, NO_TIME)
      expect(taken().readings.map(({ status }) => status)).toEqual([
        'Good',
        'UncertainLastUsableValue',
        'BadTimeout',
        'BadNotConnected',
        'Good',
      ])
    }
  })

  it('repeats a bad reading after the longest silence', async () => {
    const { pipeline, clock, taken } = openTestBed({ sensors: [{ deadband: { absolute: 1, maxIntervalMs: 2500 } }] })
    for (let second = 0; second < 6; second++) {
      pipeline.sink.bad(0, Status.BadTimeout, NO_TIME)
      await clock.advance(1000)
    }
    expect(taken().readings).toHaveLength(2)
  })

  it('passes booleans and texts when they change, and always without a deadband', () => {
    const deadband = { absolute: 10, maxIntervalMs: null }
    const { pipeline, passed } = openTestBed({
      sensors: [
        { valueType: 'boolean', deadband },
        { valueType: 'string', deadband },
        { valueType: 'boolean' },
        { valueType: 'string' },
      ],
    })
    for (const value of [0, 0, 1, 1, 0]) pipeline.sink.number(0, value, Good, NO_TIME)
    expect(passed()).toEqual([false, true, false])
    for (const value of ['', '', 'run', 'run', '']) pipeline.sink.text(1, value, Good, NO_TIME)
    expect(passed()).toEqual(['', 'run', ''])
    for (const value of [1, 1]) pipeline.sink.number(2, value, Good, NO_TIME)
    for (const value of ['a', 'a']) pipeline.sink.text(3, value, Good, NO_TIME)
    expect(passed()).toEqual([true, true, 'a', 'a'])
  })

  it('compares 64-bit integers exactly', () => {
    const deadband = { absolute: 2, maxIntervalMs: null }
    const { pipeline, passed } = openTestBed({
      sensors: [
        { valueType: 'int64', deadband },
        { valueType: 'uint64', deadband },
      ],
    })
    const base = 2n ** 62n
    for (const more of [0n, 1n, 2n, 3n, 4n]) pipeline.sink.integer(0, base + more, Good, NO_TIME)
    expect(passed()).toEqual([base, base + 2n, base + 4n])
    for (const value of [2n ** 64n - 1n, 2n ** 64n - 2n, 2n ** 64n - 3n, 0n])
      pipeline.sink.integer(1, value, Good, NO_TIME)
    expect(passed()).toEqual([2n ** 64n - 1n, 2n ** 64n - 3n, 0n])
  })

  it('holds back nothing that an observer of the journal could miss by more than the deadband', () => {
    const value = fc.double({ min: -100, max: 100, noNaN: true })
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 60, size: 'max' }),
        fc.double({ min: 0.01, max: 50, noNaN: true }),
        (values, absolute) => {
          const { pipeline, taken } = openTestBed({ sensors: [{ deadband: { absolute, maxIntervalMs: null } }] })
          let shown = Number.NaN
          for (const given of values) {
            pipeline.sink.number(0, given, Good, NO_TIME)
            const readings = taken().readings
            expect(readings.length).toBe(Number.isNaN(shown) || Math.abs(given - shown) >= absolute ? 1 : 0)
            if (readings.length === 1) shown = given
          }
        },
      ),
      { numRuns: 60 },
    )
  })
})
