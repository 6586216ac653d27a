// GET /sensors/{id}/export: stored readings or buckets as a file, however many.

import type { Readable } from 'node:stream'
import { Type } from 'typebox'
import { TelemetryError } from '#domain/errors.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { invalid } from '../problem.ts'
import { rangeParameters, readDuration, readRange } from '../time.ts'
import { sensorOf, SensorParams } from './model.ts'

/** Ten years of a sensor, to a slow client. */
const TIMEOUT_MS = 60 * 60_000
const MEDIA_TYPES = {
  csv: 'text/csv',
  jsonl: 'application/x-ndjson',
  parquet: 'application/vnd.apache.parquet',
} as const
const bucketLimits = { minMs: 1000, maxMs: 366 * 86_400_000, words: 'between 1s and 1y' }

const fileOf = (description: string) => ({
  schema: Type.Unsafe<Readable>({ type: 'string', format: 'binary', description }),
})

export function registerExport(app: ApiServer, { options }: ApiContext): void {
  app.get(
    '/api/v1/sensors/:id/export',
    {
      config: { access: 'viewer' },
      handlerTimeout: TIMEOUT_MS,
      schema: {
        tags: ['values'],
        summary: 'Stored readings of a range, or buckets of them, as a file',
        description: 'As `telemetryx export` writes it, while it is read. Two at once; further ones are answered 429.',
        params: SensorParams,
        querystring: Type.Object(
          {
            ...rangeParameters,
            every: Type.Optional(
              Type.String({ minLength: 1, maxLength: 32, description: 'Length of a bucket, at least `1s`.' }),
            ),
            format: Type.Optional(Type.Enum(['csv', 'jsonl', 'parquet'], { default: 'csv' })),
          },
          { additionalProperties: false },
        ),
        response: {
          200: {
            content: {
              'text/csv': fileOf(
                'time,sensor,value,quality,status,unit; with every: time,sensor,count,min,max,mean,last,unit',
              ),
              'application/x-ndjson': fileOf('The same keys, an object a line'),
              'application/vnd.apache.parquet': fileOf('The same columns'),
            },
          },
        },
      },
    },
    async ({ params, query, signal }, reply) => {
      const { exports, info, clock } = options
      const sensor = sensorOf(info.model(), params.id)
      const range = readRange(query, clock.now())
      const everyMs = query.every === undefined ? null : readDuration('query.every', query.every, bucketLimits)
      if (everyMs !== null && sensor.valueType === 'string')
        throw invalid('query.every', `does not suit ${sensor.id}: its values are text`)
      if (!exports) throw new TelemetryError('NOT_FOUND', 'This gateway exports nothing')
      const { format = 'csv' } = query
      const file = await exports.open({ sensor: sensor.id, unit: sensor.unit, ...range, everyMs, format }, signal)
      return reply
        .header('content-disposition', `attachment; filename="${sensor.id}.${format}"`)
        .type(format === 'csv' ? 'text/csv; charset=utf-8' : MEDIA_TYPES[format])
        .send(file)
    },
  )
}
