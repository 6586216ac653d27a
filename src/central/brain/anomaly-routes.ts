// GET /sensors/{id}/anomalies: what the gateways' own detectors said, and with `method` what a detector of the brain says now of the
// readings that are kept here.

import { create } from '@bufbuild/protobuf'
import { Type } from 'typebox'
import { pageByTime, pageOf } from '#api/paging.ts'
import { invalid } from '#api/problem.ts'
import { DETECTORS } from '#api/routes/findings.ts'
import { rangeParameters, readDuration, readRange, type TimeRange } from '#api/time.ts'
import { DetectAnomaliesRequestSchema } from '#rpc/generated/telemetryx/v1/analytics_pb.js'
import type { CentralContext, CentralServer } from '../api/context.ts'
import { callerOf } from '../api/guard.ts'
import { IdParams, page, pageOfQuery, tenantOf } from '../api/request-parts.ts'
import { occurrencesOf, OccurrencesSchema } from '../api/routes/alarms.ts'
import { found } from '../api/routes/model.ts'
import type { TenantNumber } from '../ports.ts'
import { detectorOf, detectorParameters, METHODS, parametersIn } from './detector-query.ts'
import {
  pointOfBucket,
  pointOfReading,
  scoredPoints,
  ScoredReadingSchema,
  scoredShape,
  seriesOf,
  type Point,
} from './scored-series.ts'

/** As many as the brain takes at once, unless it is told otherwise. */
const MAX_POINTS = 10_000
const bucketLimits = { minMs: 1000, maxMs: 366 * 86_400_000, words: 'between 1s and 1y' }

const parameters = {
  ...rangeParameters,
  ...page,
  method: Type.Optional(
    Type.Enum([...METHODS], {
      description:
        'Asks this detector of the brain about the readings of the range. Without it: what the detectors of the gateways found.',
    }),
  ),
  every: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 32,
      description: 'With `method`: scores the means of buckets of this length, at least `1s`, instead of readings.',
    }),
  ),
  scores: Type.Optional(
    Type.Boolean({ default: false, description: 'With `method`: every reading with its score, not anomalies alone.' }),
  ),
  ...detectorParameters,
}
const Query = Type.Object(parameters, { additionalProperties: false })

export function registerAnomalies(app: CentralServer, context: CentralContext): void {
  app.get(
    '/sensors/:id/anomalies',
    {
      config: { permission: 'read' },
      schema: {
        tags: ['alarms'],
        summary: 'What the detectors found, or what one of the brain finds now',
        description:
          'With `method`, at most 10,000 readings (or buckets, with `every`) of the range are scored, the oldest first; a longer range is refused. 503 with `Retry-After` while the brain is away.',
        params: IdParams,
        querystring: Query,
        response: {
          200: Type.Union([
            OccurrencesSchema,
            pageOf(ScoredReadingSchema, 'Scored readings, oldest first, with method'),
          ]),
        },
      },
    },
    async (request) => {
      const { query } = request
      const { id } = request.params
      const range = readRange(query, context.options.clock.now())
      const { method } = query
      if (method === undefined) {
        const [alone] = [...parametersIn(query), ...(['every', 'scores'] as const).filter((name) => query[name])]
        if (alone !== undefined) throw invalid(`query.${alone}`, 'needs a method')
        const wish = { sensor: id, checkTypes: DETECTORS, ...range, ...pageOfQuery(query) }
        return occurrencesOf(context, tenantOf(request), wish)
      }
      const { brain } = context.options
      if (brain === null) throw invalid('query.method', 'needs a brain, and this central has none')
      const detector = detectorOf(method, query)
      const points = await pointsOf(context, tenantOf(request), { id, range, every: query.every })
      const { cursor, limit = 100, scores: withScores = false } = query
      if (points.length === 0) return { items: [], next: null }
      const series = seriesOf(id, points)
      const asked = create(DetectAnomaliesRequestSchema, { detector, series: [series], withScores })
      const { tenant } = callerOf(request)
      const answer = await brain.detect({ tenant, traceparent: request.traceparent }, asked)
      const items = scoredPoints(points, series, answer).filter(({ isAnomaly }) => withScores || isAnomaly)
      return pageByTime({ items, time: ({ time }) => time, shape: scoredShape, limit, cursor })
    },
  )
}

async function pointsOf(
  { lanes, options: { storage } }: CentralContext,
  tenant: TenantNumber,
  { every, id, range }: { readonly id: string; readonly range: TimeRange; readonly every: string | undefined },
): Promise<Point[]> {
  const everyMs = every === undefined ? null : readDuration('query.every', every, bucketLimits)
  return lanes.run(tenant, async () => {
    const sensor = found(await storage.model.sensor(tenant, id), 'sensor', id)
    if (sensor.valueType === 'string') throw invalid('query.method', `does not suit ${id}: its values are text`)
    const query = { sensor: id, ...range, limit: MAX_POINTS, cursor: null }
    if (everyMs === null) return whole(await storage.readings.readings(tenant, query), pointOfReading)
    return whole(await storage.readings.buckets(tenant, { ...query, everyMs }), pointOfBucket)
  })
}

/** Throws INVALID_REQUEST when there is more: an answer about a part would look like one about the whole. */
function whole<T>(
  { items, next }: { readonly items: readonly T[]; readonly next: string | null },
  point: (item: T) => Point,
): Point[] {
  if (next !== null)
    throw invalid('query.from', 'begins a range with more than 10,000 values; ask for less, or with every=1m')
  return items.map(point)
}
