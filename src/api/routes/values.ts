// Values of sensors: the latest of one or all, stored readings or buckets of a range, statistics.

import { Type } from 'typebox'
import type { Sensor } from '#domain/sensor.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { mapPage, pageByKey, pageOf, pageParameters, sortedByKey } from '../paging.ts'
import { invalid } from '../problem.ts'
import {
  BucketSchema,
  bucketShape,
  LatestSchema,
  latestShape,
  ReadingSchema,
  readingShape,
  StatisticsSchema,
  statisticsShape,
} from '../shapes/reading-shape.ts'
import { rangeParameters, readDuration, readRange } from '../time.ts'
import { sensorOf, SensorParams } from './model.ts'

const MAX_READINGS = 10_000
const bucketLimits = { minMs: 1000, maxMs: 366 * 86_400_000, words: 'between 1s and 1y' }
const byId = ({ id }: Sensor): string => id

export function registerValues(app: ApiServer, context: ApiContext): void {
  registerLatest(app, context)
  registerReadings(app, context)
  registerStatistics(app, context)
}

function registerLatest(app: ApiServer, { options }: ApiContext): void {
  app.get(
    '/api/v1/latest',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['values'],
        summary: 'Latest values of all sensors, or of one machine',
        querystring: Type.Object(
          {
            machine: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
            ...pageParameters({ max: MAX_READINGS, default: 1000 }),
          },
          { additionalProperties: false },
        ),
        response: { 200: pageOf(LatestSchema, 'Latest values by sensor id') },
      },
    },
    async ({ query }) => {
      const sensors = options.info
        .model()
        .sensors.filter(({ machine }) => query.machine === undefined || machine === query.machine)
      const page = pageByKey({
        items: sortedByKey(sensors, byId),
        key: byId,
        limit: query.limit ?? 1000,
        cursor: query.cursor,
      })
      return {
        items: page.items.map((sensor) => latestShape(sensor, options.latest.read(sensor.number))),
        next: page.next,
      }
    },
  )

  app.get(
    '/api/v1/sensors/:id/latest',
    {
      config: { access: 'viewer' },
      schema: { tags: ['values'], summary: 'Latest value', params: SensorParams, response: { 200: LatestSchema } },
    },
    async ({ params }) => {
      const sensor = sensorOf(options.info.model(), params.id)
      return latestShape(sensor, options.latest.read(sensor.number))
    },
  )
}

function registerReadings(app: ApiServer, { options, queries }: ApiContext): void {
  app.get(
    '/api/v1/sensors/:id/readings',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['values'],
        summary: 'Stored readings of a range, or buckets of them',
        params: SensorParams,
        querystring: Type.Object(
          {
            ...rangeParameters,
            every: Type.Optional(
              Type.String({
                minLength: 1,
                maxLength: 32,
                description: 'Length of a bucket, at least `1s`; without it, single readings.',
              }),
            ),
            order: Type.Optional(Type.Enum(['oldestFirst', 'newestFirst'], { default: 'oldestFirst' })),
            ...pageParameters({ max: MAX_READINGS, default: 1000 }),
          },
          { additionalProperties: false },
        ),
        response: { 200: Type.Union([pageOf(ReadingSchema, 'Readings'), pageOf(BucketSchema, 'Buckets, with every')]) },
      },
    },
    async ({ params, query, signal }) => {
      const sensor = sensorOf(options.info.model(), params.id)
      const { limit = 1000, cursor = null, order = 'oldestFirst' } = query
      const range = { sensor: sensor.id, ...readRange(query, options.clock.now()), limit, cursor, order }
      if (query.every === undefined)
        return mapPage(await queries.run(() => options.history.readings(range, signal)), readingShape)
      const everyMs = readDuration('query.every', query.every, bucketLimits)
      if (sensor.valueType === 'string') throw invalid('query.every', `does not suit ${sensor.id}: its values are text`)
      return mapPage(await queries.run(() => options.history.buckets({ ...range, everyMs }, signal)), bucketShape)
    },
  )
}

function registerStatistics(app: ApiServer, { options, queries }: ApiContext): void {
  app.get(
    '/api/v1/sensors/:id/stats',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['values'],
        summary: 'Statistics of a range',
        params: SensorParams,
        querystring: Type.Object(rangeParameters, { additionalProperties: false }),
        response: { 200: StatisticsSchema },
      },
    },
    async ({ params, query, signal }) => {
      const sensor = sensorOf(options.info.model(), params.id)
      const range = readRange(query, options.clock.now())
      const statistics = await queries.run(() => options.history.statistics(sensor.id, range.from, range.to, signal))
      return statisticsShape(sensor.id, range, statistics)
    },
  )
}
