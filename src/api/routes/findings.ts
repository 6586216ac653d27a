// What the detectors (anomalies) and the limits (alerts) found at a sensor.

import { Type } from 'typebox'
import type { ApiContext, ApiServer } from '../context.ts'
import { occurrences } from '../occurrences.ts'
import { pageOf, pageParameters } from '../paging.ts'
import { AlarmSchema, alarmShape } from '../shapes/alarm-shape.ts'
import { rangeParameters, readRange } from '../time.ts'
import { sensorOf, SensorParams } from './model.ts'

/** Kinds of check that compare a value with what is usual. */
export const DETECTORS = ['zscore', 'ewma', 'anomaly']
/** Kinds of check that compare a value with what is configured. */
export const LIMITS = ['threshold', 'rate', 'flatline', 'stale', 'expression']

export function registerFindings(app: ApiServer, context: ApiContext): void {
  register(app, context, { path: 'anomalies', summary: 'What the detectors found', checkTypes: DETECTORS })
  register(app, context, { path: 'alerts', summary: 'What the limits found', checkTypes: LIMITS })
}

interface Findings {
  readonly path: string
  readonly summary: string
  readonly checkTypes: readonly string[]
}

function register(app: ApiServer, { options, queries }: ApiContext, findings: Findings): void {
  app.get(
    `/api/v1/sensors/:id/${findings.path}`,
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['alarms'],
        summary: findings.summary,
        params: SensorParams,
        querystring: Type.Object(
          { ...rangeParameters, ...pageParameters({ max: 1000, default: 100 }) },
          { additionalProperties: false },
        ),
        response: {
          200: pageOf(AlarmSchema, 'Occurrences that were active at some moment of the range, newest raise first'),
        },
      },
    },
    async ({ params, query, signal }) => {
      const model = options.info.model()
      const sensor = sensorOf(model, params.id)
      const now = options.clock.now()
      const { limit = 100, cursor } = query
      const request = {
        sensor: sensor.id,
        checkTypes: findings.checkTypes,
        ...readRange(query, now),
        limit,
        cursor,
        now,
      }
      const page = await queries.run(() => occurrences(options, request, signal))
      return { items: page.items.map((alarm) => alarmShape(alarm, model)), next: page.next }
    },
  )
}
