import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Status, statusName } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'
import { MAX_TEXT_BYTES } from '#domain/value.ts'
import { metric, openTestBed } from './test-bed.ts'

const { Good } = Status

describe('intake', () => {
  it('scales, stamps and journals a reading, and shows it as the latest', () => {
    const { pipeline, clock, taken } = openTestBed({ sensors: [{ scale: { factor: 0.1, offset: -40 } }] })
    pipeline.sink.number(0, 615, Good, NO_TIME)
    expect(taken().readings).toEqual([
      { sensor: 0, value: 21.5, status: 'Good', sourceTime: NO_TIME, receivedAt: clock.now() },
    ])
    expect(pipeline.latest.read(0)).toEqual({
      sensor: 'd.s0',
      value: 21.5,
      status: Good,
      quality: 'good',
      time: clock.now(),
      receivedAt: clock.now(),
    })
  })

  it('turns a value of another kind than the sensor has into BadTypeMismatch, without a value', () => {
    const valueTypes = ['number', 'boolean', 'int64', 'uint64', 'string'] as const
    const { pipeline, taken } = openTestBed({ sensors: valueTypes.map((valueType) => ({ valueType })) })
    const fitting = { number: ['number', 'boolean'], integer: ['int64', 'uint64'], text: ['string'] }
    for (const [sensor, valueType] of valueTypes.entries()) {
      if (!fitting.number.includes(valueType)) pipeline.sink.number(sensor, 1, Good, NO_TIME)
      if (!fitting.integer.includes(valueType)) pipeline.sink.integer(sensor, 1n, Good, NO_TIME)
      if (!fitting.text.includes(valueType)) pipeline.sink.text(sensor, '1', Good, NO_TIME)
      expect(pipeline.latest.read(sensor)).toMatchObject({
        value: null,
        quality: 'bad',
        status: Status.BadTypeMismatch,
      })
    }
    pipeline.sink.number(1, 2, Good, NO_TIME)
    expect(pipeline.latest.read(1)!.status).toBe(Status.BadTypeMismatch)
    expect(taken().readings.every(({ status, value }) => status === 'BadTypeMismatch' && value === null)).toBe(true)
  })

  it('turns NaN, infinities and what scaling or 64 bits cannot hold into BadOutOfRange', () => {
    const { pipeline } = openTestBed({
      sensors: [
        {},
        { valueType: 'boolean' },
        { scale: { factor: 1e10, offset: 0 } },
        { valueType: 'int64' },
        { valueType: 'uint64' },
      ],
    })
    const { sink } = pipeline
    const nonsense: [sensor: number, give: () => void][] = [
      [0, () => sink.number(0, Number.NaN, Good, NO_TIME)],
      [0, () => sink.number(0, Infinity, Good, NO_TIME)],
      [0, () => sink.number(0, -Infinity, Good, NO_TIME)],
      [1, () => sink.number(1, Number.NaN, Good, NO_TIME)],
      [2, () => sink.number(2, 1e300, Good, NO_TIME)],
      [3, () => sink.integer(3, 2n ** 63n, Good, NO_TIME)],
      [3, () => sink.integer(3, -(2n ** 63n) - 1n, Good, NO_TIME)],
      [4, () => sink.integer(4, -1n, Good, NO_TIME)],
      [4, () => sink.integer(4, 2n ** 64n, Good, NO_TIME)],
    ]
    for (const [sensor, give] of nonsense) {
      give()
      expect(pipeline.latest.read(sensor)).toMatchObject({ value: null, status: Status.BadOutOfRange })
    }
  })

  it('carries every 64-bit integer exactly, to the journal and to the latest value', () => {
    const { pipeline, taken } = openTestBed({ sensors: [{ valueType: 'int64' }, { valueType: 'uint64' }] })
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.bigInt(0n, 2n ** 64n - 1n), (signed, unsigned) => {
        pipeline.sink.integer(0, signed, Good, NO_TIME)
        pipeline.sink.integer(1, unsigned, Good, NO_TIME)
        expect(pipeline.latest.read(0)!.value).toBe(signed)
        expect(pipeline.latest.read(1)!.value).toBe(unsigned)
        expect(taken().readings.map(({ value }) => value)).toEqual([signed, unsigned])
      }),
    )
  })

  it('takes a 64-bit integer for a scaled sensor, which is a number', () => {
    const { pipeline } = openTestBed({ sensors: [{ scale: { factor: 0.01, offset: 0 } }, {}] })
    pipeline.sink.integer(0, 12_345n, Good, NO_TIME)
    pipeline.sink.integer(1, 12_345n, Good, NO_TIME)
    expect(pipeline.latest.read(0)!.value).toBe(123.45)
    expect(pipeline.latest.read(1)!.status).toBe(Status.BadTypeMismatch)
  })

  it('shows booleans as booleans and texts as they are', () => {
    const { pipeline, taken } = openTestBed({ sensors: [{ valueType: 'boolean' }, { valueType: 'string' }] })
    pipeline.sink.number(0, 1, Good, NO_TIME)
    pipeline.sink.number(0, 0, Good, NO_TIME)
    pipeline.sink.text(1, 'Störung €', Status.UncertainLastUsableValue, NO_TIME)
    expect(pipeline.latest.read(0)!.value).toBe(false)
    expect(pipeline.latest.read(1)).toMatchObject({ value: 'Störung €', quality: 'uncertain' })
    expect(taken().readings.map(({ value }) => value)).toEqual([true, false, 'Störung €'])
  })

  it('cuts a text that is too long between characters and marks it', () => {
    const { pipeline } = openTestBed({ sensors: [{ valueType: 'string' }] })
    pipeline.sink.text(0, '€'.repeat(3000), Good, NO_TIME)
    const { value, status } = pipeline.latest.read(0)!
    expect(value).toBe('€'.repeat(Math.floor(MAX_TEXT_BYTES / 3)))
    expect(statusName(status)).toBe('UncertainSensorNotAccurate')
    pipeline.sink.text(0, 'x'.repeat(MAX_TEXT_BYTES), Good, NO_TIME)
    expect(pipeline.latest.read(0)).toMatchObject({ value: 'x'.repeat(MAX_TEXT_BYTES), status: Good })
  })

  it('gives a bad reading no value, whatever way it comes', () => {
    const { pipeline } = openTestBed({ sensors: [{}, {}] })
    pipeline.sink.number(0, 5, Good, NO_TIME)
    pipeline.sink.bad(0, Status.BadTimeout, NO_TIME)
    expect(pipeline.latest.read(0)).toMatchObject({ value: null, status: Status.BadTimeout, quality: 'bad' })
    pipeline.sink.number(0, 5, Status.BadNoData, NO_TIME)
    expect(pipeline.latest.read(0)).toMatchObject({ value: null, status: Status.BadNoData })
    pipeline.sink.bad(1, Good, NO_TIME)
    expect(pipeline.latest.read(1)).toMatchObject({ value: null, status: Status.Bad })
  })

  it('uses the source time in whole milliseconds and leaves out one that cannot be true', async () => {
    const { pipeline, clock, registry, taken } = openTestBed({ sensors: [{}] })
    const now = clock.now()
    const day = 86_400_000
    const given = [now - 5.5, now + day, now + day + 1, Infinity, -Infinity, 0, -1, NO_TIME, 1]
    for (const sourceTime of given) pipeline.sink.number(0, 1, Good, sourceTime)
    expect(taken().readings.map(({ sourceTime }) => sourceTime)).toEqual([
      now - 6,
      now + day,
      NO_TIME,
      NO_TIME,
      NO_TIME,
      NO_TIME,
      NO_TIME,
      NO_TIME,
      1,
    ])
    expect(pipeline.latest.read(0)).toMatchObject({ time: 1, receivedAt: now, quality: 'good' })
    expect(await metric(registry, 'telemetryx_source_times_rejected_total')).toBe(5)
  })

  it('counts readings by device and quality, and ignores numbers that it does not know', async () => {
    const { pipeline, registry, taken } = openTestBed({ sensors: [{ device: 'a' }, { device: 'b', number: 5 }] })
    pipeline.sink.number(0, 1, Good, NO_TIME)
    pipeline.sink.number(0, 1, Status.UncertainInitialValue, NO_TIME)
    pipeline.sink.bad(5, Status.BadTimeout, NO_TIME)
    pipeline.sink.bad(5, Status.BadTimeout, NO_TIME)
    for (const unknown of [1, 6, 4_000_000_000]) {
      pipeline.sink.number(unknown, 1, Good, NO_TIME)
      pipeline.sink.integer(unknown, 1n, Good, NO_TIME)
      pipeline.sink.text(unknown, 'x', Good, NO_TIME)
      pipeline.sink.bad(unknown, Status.Bad, NO_TIME)
      expect(pipeline.latest.read(unknown)).toBeNull()
    }
    const of = (device: string, quality: string) => metric(registry, 'telemetryx_readings_total', { device, quality })
    expect([await of('a', 'good'), await of('a', 'uncertain'), await of('a', 'bad')]).toEqual([1, 1, 0])
    expect([await of('b', 'good'), await of('b', 'uncertain'), await of('b', 'bad')]).toEqual([0, 0, 2])
    expect(await metric(registry, 'telemetryx_dropped_total', { stage: 'pipeline', reason: 'unknown-sensor' })).toBe(12)
    expect(taken().readings).toHaveLength(3)
  })

  it('never throws, whatever a driver gives', () => {
    const valueTypes = ['number', 'boolean', 'int64', 'uint64', 'string'] as const
    const { pipeline, consumer } = openTestBed({
      sensors: valueTypes.map((valueType) => ({
        valueType,
        deadband: { absolute: 1, maxIntervalMs: 5 },
        checks: [
          { type: 'threshold', high: 1 },
          { type: 'zscore', window: 10 },
        ],
      })),
    })
    const sensor = fc.integer({ min: -1, max: 7 })
    const status = fc.integer({ min: 0, max: 0xffff_ffff })
    const time = fc.double()
    fc.assert(
      fc.property(
        sensor,
        status,
        time,
        fc.double(),
        fc.bigInt(),
        fc.string(),
        (at, code, when, number, integer, text) => {
          pipeline.sink.number(at, number, code, when)
          pipeline.sink.integer(at, integer, code, when)
          pipeline.sink.text(at, text, code, when)
          pipeline.sink.bad(at, code, when)
          while (consumer.take(1024) !== null);
        },
      ),
    )
  })
})
