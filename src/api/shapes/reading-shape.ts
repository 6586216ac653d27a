// Readings on the wire: latest values, stored readings, buckets, statistics.

import { Type, type Static } from 'typebox'
import type { Bucket, Statistics, StoredReading } from '#domain/history.ts'
import { qualityOf, Status, statusName } from '#domain/quality.ts'
import type { Reading } from '#domain/reading.ts'
import type { Sensor } from '#domain/sensor.ts'
import { jsonValue, type JsonValue } from '#domain/value.ts'
import { isoTime, NullableTimeSchema, TimeSchema, type TimeRange } from '../time.ts'

export const ValueSchema = Type.Unsafe<JsonValue>({
  type: ['number', 'boolean', 'string', 'null'],
  description: 'null when the quality is bad. A 64-bit integer beyond ±(2^53 − 1) is a decimal string.',
})

const QualitySchema = Type.Enum(['good', 'uncertain', 'bad'])
const StatusSchema = Type.String({
  description: 'OPC UA status code by name.',
  examples: ['Good', 'BadCommunicationError'],
})
const NullableNumber = Type.Union([Type.Number(), Type.Null()])

export const LatestSchema = Type.Object(
  {
    sensor: Type.String(),
    value: ValueSchema,
    quality: QualitySchema,
    status: StatusSchema,
    time: NullableTimeSchema,
    receivedAt: NullableTimeSchema,
    unit: Type.String(),
  },
  { description: 'Latest reading of a sensor; before the first one, BadWaitingForInitialData and no times.' },
)

export const ReadingSchema = Type.Object({
  time: TimeSchema,
  value: ValueSchema,
  quality: QualitySchema,
  status: StatusSchema,
})

export const BucketSchema = Type.Object({
  time: TimeSchema,
  count: Type.Integer(),
  min: Type.Number(),
  max: Type.Number(),
  mean: Type.Number(),
  last: Type.Number(),
})

const NullableReading = Type.Union([ReadingSchema, Type.Null()])

export const StatisticsSchema = Type.Object({
  sensor: Type.String(),
  from: TimeSchema,
  to: TimeSchema,
  count: Type.Integer({ description: 'Good and uncertain readings with a numeric value.' }),
  min: NullableNumber,
  max: NullableNumber,
  mean: NullableNumber,
  standardDeviation: Type.Union([Type.Number(), Type.Null()], {
    description: 'Of the sample (n − 1); null below 2 readings.',
  }),
  first: NullableReading,
  last: NullableReading,
})

/** `reading` is null before the first one of this run. */
export function latestShape(sensor: Pick<Sensor, 'id' | 'unit'>, reading: Reading | null): Static<typeof LatestSchema> {
  if (reading === null) {
    const status = statusName(Status.BadWaitingForInitialData)
    return { sensor: sensor.id, value: null, quality: 'bad', status, time: null, receivedAt: null, unit: sensor.unit }
  }
  return {
    sensor: sensor.id,
    value: jsonValue(reading.value),
    quality: reading.quality,
    status: statusName(reading.status),
    time: isoTime(reading.time),
    receivedAt: isoTime(reading.receivedAt),
    unit: sensor.unit,
  }
}

export function readingShape(reading: StoredReading): Static<typeof ReadingSchema> {
  return {
    time: isoTime(reading.time),
    value: jsonValue(reading.value),
    quality: qualityOf(reading.status),
    status: statusName(reading.status),
  }
}

export function bucketShape(bucket: Bucket): Static<typeof BucketSchema> {
  const { time, count, min, max, mean, last } = bucket
  return { time: isoTime(time), count, min, max, mean, last }
}

export function statisticsShape(
  sensor: string,
  range: TimeRange,
  statistics: Statistics,
): Static<typeof StatisticsSchema> {
  const { count, min, max, mean, standardDeviation, first, last } = statistics
  return {
    sensor,
    from: isoTime(range.from),
    to: isoTime(range.to),
    count,
    min,
    max,
    mean,
    standardDeviation,
    first: first === null ? null : readingShape(first),
    last: last === null ? null : readingShape(last),
  }
}
