// Values of sensors: the latest of one or all, stored readings or buckets of a range, statistics. As at a gateway.

import { Type } from 'typebox'
import { mapPage, pageOf, pageParameters } from '#api/paging.ts'
import { invalid } from '#api/problem.ts'
import {
  BucketSchema,
  bucketShape,
  LatestSchema,
  latestShape,
  ReadingSchema,
  readingShape,
  StatisticsSchema,
  statisticsShape,
} from '#api/shapes/reading-shape.ts'
import { rangeParameters, readDuration, readRange } from '#api/time.ts'
import type { CentralContext, CentralServer } from '../context.ts'
import { IdParams, pageOfQuery, tenantOf } from '../request-parts.ts'
import { found } from './model.ts'

const MAX_READINGS = 10_000
const bucketLimits = { minMs: 1000, maxMs: 366 * 86_400_000, words: 'between 1s and 1y' }
const config = { permission: 'read' } as const
const placeParameter = Type.Optional(Type.String({ minLength: 1, maxLength: 256 }))
const manyParameters = pageParameters({ max: MAX_READINGS, default: 1000 })

export function registerValues(app: CentralServer, context: CentralContext): void {
  registerLatest(app, context)
  registerReadings(app, context)
  registerStatistics(app, context)
}

function registerLatest(app: CentralServer, { lanes, options: { storage } }: CentralContext): void {
  app.get(
    '/latest',
    {
      config,
      schema: {
        tags: ['values'],
        summary: 'Latest values of all sensors, or of one machine or factory',
        querystring: Type.Object(
          { machine: placeParameter, factory: placeParameter, ...manyParameters },
          { additionalProperties: false },
        ),
        response: { 200: pageOf(LatestSchema, 'Latest values by sensor id') },
      },
    },
    async (request) => {
      const tenant = tenantOf(request)
      const { factory, machine } = request.query
      const query = {
        ...pageOfQuery(request.query, 1000),
        ...(machine !== undefined && { machine }),
        ...(factory !== undefined && { factory }),
      }
      const { items, next } = await lanes.run(tenant, () => storage.readings.latest(tenant, query))
      return { items: items.map(({ sensor, reading }) => latestShape(sensor, reading)), next }
    },
  )
  app.get(
    '/sensors/:id/latest',
    {
      config,
      schema: { tags: ['values'], summary: 'Latest value', params: IdParams, response: { 200: LatestSchema } },
    },
    async (request) => {
      const tenant = tenantOf(request)
      const { sensor, reading } = await lanes.run(tenant, () => storage.readings.latestOf(tenant, request.params.id))
      return latestShape(sensor, reading)
    },
  )
}

function registerReadings(app: CentralServer, { lanes, options: { clock, storage } }: CentralContext): void {
  app.get(
    '/sensors/:id/readings',
    {
      config,
      schema: {
        tags: ['values'],
        summary: 'Stored readings of a range, or buckets of them',
        params: IdParams,
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
            ...manyParameters,
          },
          { additionalProperties: false },
        ),
        response: { 200: Type.Union([pageOf(ReadingSchema, 'Readings'), pageOf(BucketSchema, 'Buckets, with every')]) },
      },
    },
    async (request) => {
      const tenant = tenantOf(request)
      const { query } = request
      const { id } = request.params
      const { order = 'oldestFirst' } = query
      const range = { sensor: id, ...readRange(query, clock.now()), ...pageOfQuery(query, 1000), order }
      if (query.every === undefined)
        return mapPage(await lanes.run(tenant, () => storage.readings.readings(tenant, range)), readingShape)
      const everyMs = readDuration('query.every', query.every, bucketLimits)
      const buckets = await lanes.run(tenant, async () => {
        const sensor = found(await storage.model.sensor(tenant, id), 'sensor', id)
        if (sensor.valueType === 'string') throw invalid('query.every', `does not suit ${id}: its values are text`)
        return storage.readings.buckets(tenant, { ...range, everyMs })
      })
      return mapPage(buckets, bucketShape)
    },
  )
}

function registerStatistics(app: CentralServer, { lanes, options: { clock, storage } }: CentralContext): void {
  app.get(
    '/sensors/:id/stats',
    {
      config,
      schema: {
        tags: ['values'],
        summary: 'Statistics of a range',
        params: IdParams,
        querystring: Type.Object(rangeParameters, { additionalProperties: false }),
        response: { 200: StatisticsSchema },
      },
    },
    async (request) => {
      const tenant = tenantOf(request)
      const { id } = request.params
      const range = readRange(request.query, clock.now())
      const statistics = await lanes.run(tenant, () => storage.readings.statistics(tenant, id, range.from, range.to))
      return statisticsShape(id, range, statistics)
    },
  )
}
