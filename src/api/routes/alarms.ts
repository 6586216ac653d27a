// Alarms: the register, and what operators do with it.

import { Type } from 'typebox'
import { auditedAlarm } from '../audit/audited-alarm.ts'
import { callerOf } from '../auth/access.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { pageByKey, pageOf, pageParameters, sortedByKey } from '../paging.ts'
import { AlarmSchema, alarmShape, newestFirstKey } from '../shapes/alarm-shape.ts'
import { ALARM_STATES, isInState } from '../shapes/alarm-states.ts'
import { readDuration } from '../time.ts'

const shelvingLimits = { minMs: 1000, maxMs: 7 * 86_400_000, words: 'between 1s and 7d' }

/** Path parameter `id` of an alarm. */
export const AlarmParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 256, description: 'Alarm id.' }) })
export const comment = Type.Optional(Type.String({ maxLength: 1000, description: 'Why; kept in the journal.' }))

/** A body that may be left out. */
export const OptionalComment = Type.Union([Type.Object({ comment }, { additionalProperties: false }), Type.Null()])

export function registerAlarms(app: ApiServer, context: ApiContext): void {
  registerList(app, context)
  registerAcknowledge(app, context)
  registerShelving(app, context)
}

function registerList(app: ApiServer, { options }: ApiContext): void {
  app.get(
    '/api/v1/alarms',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['alarms'],
        summary: 'Alarms that are active or wait for an operator, shelved or out of service',
        querystring: Type.Object(
          {
            state: Type.Optional(
              Type.Enum([...ALARM_STATES], {
                default: 'all',
                description:
                  'What is shelved, suppressed or out of service stands under its own word and in `all` only.',
              }),
            ),
            ...pageParameters({ max: 1000, default: 100 }),
          },
          { additionalProperties: false },
        ),
        response: { 200: pageOf(AlarmSchema, 'Alarms, newest raise first') },
      },
    },
    async ({ query }) => {
      const model = options.info.model()
      const alarms = options.alarms
        .list()
        .filter((alarm) => isInState(alarm, query.state ?? 'all', options.clock.now()))
      const page = pageByKey({
        items: sortedByKey(alarms, newestFirstKey),
        key: newestFirstKey,
        limit: query.limit ?? 100,
        cursor: query.cursor,
      })
      return { items: page.items.map((alarm) => alarmShape(alarm, model)), next: page.next }
    },
  )
}

function registerAcknowledge(app: ApiServer, { options }: ApiContext): void {
  app.post(
    '/api/v1/alarms/:id/acknowledge',
    {
      config: { access: 'operator', audit: 'alarm.acknowledge' },
      schema: {
        tags: ['alarms'],
        summary: 'Acknowledge an alarm',
        params: AlarmParams,
        body: OptionalComment,
        response: { 200: AlarmSchema },
      },
    },
    async (request) => {
      const { id } = request.params
      const alarm = auditedAlarm(request, { alarms: options.alarms, id }, () =>
        options.alarms.acknowledge(id, callerOf(request), request.body?.comment ?? null),
      )
      return alarmShape(alarm, options.info.model())
    },
  )
}

function registerShelving(app: ApiServer, { options }: ApiContext): void {
  app.post(
    '/api/v1/alarms/:id/shelve',
    {
      config: { access: 'operator', audit: 'alarm.shelve' },
      schema: {
        tags: ['alarms'],
        summary: 'Put an alarm aside for some time',
        params: AlarmParams,
        body: Type.Object(
          {
            duration: Type.Optional(
              Type.String({
                maxLength: 32,
                description: 'From `1s` to `7d`. May be left out with `oneShot`: then `7d`.',
                examples: ['1h'],
              }),
            ),
            mode: Type.Optional(
              Type.Enum(['timed', 'oneShot'], {
                default: 'timed',
                description: '`oneShot` also ends when the alarm clears.',
              }),
            ),
            comment,
          },
          { additionalProperties: false },
        ),
        response: { 200: AlarmSchema },
      },
    },
    async (request) => {
      const { mode = 'timed', duration = mode === 'oneShot' ? '7d' : '', comment: words = null } = request.body
      const until = options.clock.now() + readDuration('body.duration', duration, shelvingLimits)
      const { id } = request.params
      const alarm = auditedAlarm(request, { alarms: options.alarms, id }, () =>
        options.alarms.shelve(id, until, callerOf(request), words, mode),
      )
      return alarmShape(alarm, options.info.model())
    },
  )

  app.post(
    '/api/v1/alarms/:id/unshelve',
    {
      config: { access: 'operator', audit: 'alarm.unshelve' },
      schema: {
        tags: ['alarms'],
        summary: 'Take a shelved alarm back',
        params: AlarmParams,
        body: Type.Union([Type.Object({}, { additionalProperties: false }), Type.Null()]),
        response: { 200: AlarmSchema },
      },
    },
    async (request) => {
      const { id } = request.params
      const alarm = auditedAlarm(request, { alarms: options.alarms, id }, () =>
        options.alarms.unshelve(id, callerOf(request)),
      )
      return alarmShape(alarm, options.info.model())
    },
  )
}
