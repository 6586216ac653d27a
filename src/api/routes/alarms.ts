// Alarms: the register, and what operators do with it.

import { Type } from 'typebox'
import type { Alarm } from '#domain/alarm.ts'
import { callerOf } from '../auth/access.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { pageByKey, pageOf, pageParameters, sortedByKey } from '../paging.ts'
import { AlarmSchema, alarmShape, newestFirstKey } from '../shapes/alarm-shape.ts'
import { readDuration } from '../time.ts'

const STATES = ['active', 'unacknowledged', 'shelved', 'all'] as const
type AlarmState = (typeof STATES)[number]

const shelvingLimits = { minMs: 1000, maxMs: 7 * 86_400_000, words: 'between 1s and 7d' }

const AlarmParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 256, description: 'Alarm id.' }) })
const comment = Type.Optional(Type.String({ maxLength: 1000, description: 'Why; kept in the journal.' }))

/** A body that may be left out. */
const OptionalComment = Type.Union([Type.Object({ comment }, { additionalProperties: false }), Type.Null()])

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
        summary: 'Alarms that are active, unacknowledged or shelved',
        querystring: Type.Object(
          {
            state: Type.Optional(
              Type.Enum([...STATES], {
                default: 'all',
                description: 'Shelved alarms stand in `shelved` and `all` only.',
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

function isInState(alarm: Alarm, state: AlarmState, now: number): boolean {
  const isShelved = alarm.shelvedUntil !== null && alarm.shelvedUntil > now
  switch (state) {
    case 'all':
      return true
    case 'shelved':
      return isShelved
    case 'active':
      return alarm.active && !isShelved
    case 'unacknowledged':
      return !alarm.acknowledged && !isShelved
  }
}

function registerAcknowledge(app: ApiServer, { options }: ApiContext): void {
  app.post(
    '/api/v1/alarms/:id/acknowledge',
    {
      config: { access: 'operator' },
      schema: {
        tags: ['alarms'],
        summary: 'Acknowledge an alarm',
        params: AlarmParams,
        body: OptionalComment,
        response: { 200: AlarmSchema },
      },
    },
    async (request) => {
      const alarm = options.alarms.acknowledge(request.params.id, callerOf(request), request.body?.comment ?? null)
      return alarmShape(alarm, options.info.model())
    },
  )
}

function registerShelving(app: ApiServer, { options }: ApiContext): void {
  app.post(
    '/api/v1/alarms/:id/shelve',
    {
      config: { access: 'operator' },
      schema: {
        tags: ['alarms'],
        summary: 'Put an alarm aside for some time',
        params: AlarmParams,
        body: Type.Object(
          { duration: Type.String({ maxLength: 32, description: 'From `1s` to `7d`.', examples: ['1h'] }), comment },
          { additionalProperties: false },
        ),
        response: { 200: AlarmSchema },
      },
    },
    async (request) => {
      const durationMs = readDuration('body.duration', request.body.duration, shelvingLimits)
      const until = options.clock.now() + durationMs
      const alarm = options.alarms.shelve(request.params.id, until, callerOf(request), request.body.comment ?? null)
      return alarmShape(alarm, options.info.model())
    },
  )

  app.post(
    '/api/v1/alarms/:id/unshelve',
    {
      config: { access: 'operator' },
      schema: {
        tags: ['alarms'],
        summary: 'Take a shelved alarm back',
        params: AlarmParams,
        body: Type.Union([Type.Object({}, { additionalProperties: false }), Type.Null()]),
        response: { 200: AlarmSchema },
      },
    },
    async (request) => alarmShape(options.alarms.unshelve(request.params.id, callerOf(request)), options.info.model()),
  )
}
