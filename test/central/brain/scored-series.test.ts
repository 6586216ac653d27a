import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pointOfReading, scoredPoints, scoredShape, seriesOf, type Point } from '#central/brain/scored-series.ts'
import { Status } from '#domain/quality.ts'
import { DetectAnomaliesResponseSchema } from '#rpc/generated/telemetryx/v1/analytics_pb.js'

const T0 = Date.UTC(2026, 10, 20)
const answer = (anomalies: object[], scores: number[] = []) =>
  create(DetectAnomaliesResponseSchema, { anomalies, scores: scores.length === 0 ? [] : [{ sensor: 'a.b', scores }] })

describe('readings for the brain', () => {
  it('have a number where there is a good one', () => {
    const reading = { time: T0 + 0.4, receivedAt: T0, status: Status.Good }
    expect(pointOfReading({ ...reading, value: true })).toEqual({ time: T0, value: 1 })
    expect(pointOfReading({ ...reading, value: 12n })).toEqual({ time: T0, value: 12 })
    expect(pointOfReading({ ...reading, value: null, status: Status.BadCommunicationError }).value).toBeNaN()
    expect(pointOfReading({ ...reading, value: 7, status: Status.UncertainLastUsableValue }).value).toBeNaN()
  })

  it('keep their times, however far apart, and find their anomalies again', () => {
    const gaps = fc.array(
      fc.tuple(fc.nat(4e9), fc.option(fc.float({ noNaN: true }), { nil: Number.NaN }), fc.boolean()),
      {
        minLength: 1,
        maxLength: 60,
      },
    )
    fc.assert(
      fc.property(gaps, (plan) => {
        let time = T0
        const points: Point[] = plan.map(([gap, value]) => ({ time: (time += gap), value }))
        const series = seriesOf('a.b', points)
        expect(series.timeDeltas.every((delta) => delta >= 0 && delta <= 0x7fff_ffff)).toBe(true)
        const times: number[] = []
        series.timeDeltas.reduce((at, delta) => (times.push(at + delta), at + delta), Number(series.firstTimeMs))
        const isMarked = plan.map(([, value, wanted]) => wanted && !Number.isNaN(value))
        const anomalies = points.flatMap(({ value }, at) =>
          isMarked[at] ? [{ sensor: 'a.b', timeMs: BigInt(times[at]!), value, score: 0.9, message: 'far off' }] : [],
        )
        // Of equal readings in the same millisecond nobody can say which it was.
        const isTwice = points.some((one, at) => points.findIndex((other) => other.time === one.time) !== at)
        const scored = scoredPoints(points, series, answer(anomalies))
        expect(scored.map((one) => one.time)).toEqual(points.map((one) => one.time))
        if (!isTwice) expect(scored.map((one) => one.isAnomaly)).toEqual(isMarked)
        expect(scored.filter((one) => one.isAnomaly)).toHaveLength(anomalies.length)
      }),
    )
  })

  it('have a score where the brain gives one, and null while it learns', () => {
    const points = [1, 2, Number.NaN].map((value, at) => ({ time: T0 + at, value }))
    const series = seriesOf('a.b', points)
    const anomaly = { timeMs: BigInt(T0 + 1), value: 2, score: 0.8, expected: 1.5, message: 'far off' }
    const scored = scoredPoints(points, series, answer([anomaly], [Number.NaN, 0.8, Number.NaN]))
    expect(scored.map(scoredShape)).toEqual([
      { time: '2026-11-20T00:00:00.000Z', value: 1, score: null, anomaly: false, expected: null, message: null },
      { time: '2026-11-20T00:00:00.001Z', value: 2, score: 0.8, anomaly: true, expected: 1.5, message: 'far off' },
      { time: '2026-11-20T00:00:00.002Z', value: null, score: null, anomaly: false, expected: null, message: null },
    ])
  })
})
