// Readings as the brain takes them, in columns, and its answer as readings again.

import { create } from '@bufbuild/protobuf'
import { Type, type Static } from 'typebox'
import { isoTime, TimeSchema } from '#api/time.ts'
import type { Bucket, StoredReading } from '#domain/history.ts'
import { qualityOf } from '#domain/quality.ts'
import { SeriesSchema, type DetectAnomaliesResponse, type Series } from '#rpc/generated/telemetryx/v1/analytics_pb.js'

/** Of a sint32; readings that are further apart stand closer together for the brain. */
const MAX_DELTA_MS = 0x7fff_ffff

export interface Point {
  /** Unix milliseconds, whole. */
  readonly time: number
  /** NaN: there was no good value. */
  readonly value: number
}

export interface ScoredPoint extends Point {
  /** In [0, 1]; null: not asked for, or the detector was learning, or there was no value. */
  readonly score: number | null
  readonly isAnomaly: boolean
  readonly expected: number | null
  readonly message: string | null
}

const NullableNumber = Type.Union([Type.Number(), Type.Null()])

export const ScoredReadingSchema = Type.Object({
  time: TimeSchema,
  value: Type.Union([Type.Number(), Type.Null()], { description: 'null: there was no good value.' }),
  score: Type.Union([Type.Number(), Type.Null()], {
    description: 'How unusual, in [0, 1]; null while the detector learns, or without a value.',
  }),
  anomaly: Type.Boolean({ description: 'The detector calls it one.' }),
  expected: { ...NullableNumber, description: 'What the detector expected, where it can tell.' },
  message: Type.Union([Type.String(), Type.Null()], { description: 'For people; null where there is no anomaly.' }),
})

export function pointOfReading({ status, time, value }: StoredReading): Point {
  const isGood = qualityOf(status) === 'good' && value !== null && typeof value !== 'string'
  return { time: Math.round(time), value: isGood ? Number(value) : Number.NaN }
}

export function pointOfBucket({ mean, time }: Bucket): Point {
  return { time, value: mean }
}

/** At least one point, oldest first. */
export function seriesOf(sensor: string, points: readonly Point[]): Series {
  return create(SeriesSchema, {
    sensor,
    firstTimeMs: BigInt(points[0]!.time),
    timeDeltas: points.map(({ time }, at) =>
      at === 0 ? 0 : Math.min(Math.max(0, time - points[at - 1]!.time), MAX_DELTA_MS),
    ),
    values: points.map(({ value }) => value),
  })
}

/** Each point with what the brain says of it. `series`: as it was sent; an answer about anything else is left out. */
export function scoredPoints(
  points: readonly Point[],
  series: Series,
  { anomalies, scores }: DetectAnomaliesResponse,
): ScoredPoint[] {
  const all = scores[0]?.scores ?? []
  let next = 0
  let time = Number(series.firstTimeMs)
  return points.map((point, at) => {
    time += series.timeDeltas[at]!
    const score = all[at] ?? Number.NaN
    const found = anomalies[next]
    if (found === undefined || Number(found.timeMs) !== time || found.value !== point.value)
      return { ...point, score: numberOrNull(score), isAnomaly: false, expected: null, message: null }
    next += 1
    const { expected = null, message } = found
    return { ...point, score: found.score, isAnomaly: true, expected, message }
  })
}

export function scoredShape(point: ScoredPoint): Static<typeof ScoredReadingSchema> {
  const { expected, isAnomaly, message, score, time, value } = point
  return { time: isoTime(time), value: numberOrNull(value), score, anomaly: isAnomaly, expected, message }
}

function numberOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
