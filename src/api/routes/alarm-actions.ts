// What operators do with an alarm beyond acknowledging and shelving it: confirm, reset, comment; and the service of checks.

import { Type } from 'typebox'
import type { Alarm } from '#domain/alarm.ts'
import { TelemetryError } from '#domain/errors.ts'
import { auditedAlarm } from '../audit/audited-alarm.ts'
import { callerOf } from '../auth/access.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { AlarmSchema, alarmShape } from '../shapes/alarm-shape.ts'
import { readDuration } from '../time.ts'
import { AlarmParams, comment, OptionalComment } from './alarms.ts'
import { sensorOf } from './model.ts'

interface Action {
  readonly path: string
  readonly summary: string
  readonly act: (id: string, by: string, comment: string | null) => Alarm
}

export function registerAlarmActions(app: ApiServer, context: ApiContext): void {
  const { alarms } = context.options
  const actions: readonly Action[] = [
    { path: 'confirm', summary: 'Confirm an acknowledged alarm', act: (...all) => alarms.confirm(...all) },
    { path: 'reset', summary: 'End a latched alarm that is over', act: (...all) => alarms.reset(...all) },
    {
      path: 'in-service',
      summary: 'Return the check of an alarm to service',
      act: (...all) => alarms.returnToService(...all),
    },
  ]
  for (const action of actions) registerAction(app, context, action)
  registerComment(app, context)
  registerOutOfService(app, context)
  registerCheckService(app, context)
}

function registerAction(app: ApiServer, { options }: ApiContext, { path, summary, act }: Action): void {
  app.post(
    `/api/v1/alarms/:id/${path}`,
    {
      config: { access: 'operator', audit: `alarm.${path}` },
      schema: {
        tags: ['alarms'],
        summary,
        params: AlarmParams,
        body: OptionalComment,
        response: { 200: AlarmSchema },
      },
    },
    async (request) => {
      const { id } = request.params
      const alarm = auditedAlarm(request, { alarms: options.alarms, id }, () =>
        act(id, callerOf(request), request.body?.comment ?? null),
      )
      return alarmShape(alarm, options.info.model())
    },
  )
}

function registerComment(app: ApiServer, { options }: ApiContext): void {
  app.post(
    '/api/v1/alarms/:id/comment',
    {
      config: { access: 'operator', audit: 'alarm.comment' },
      schema: {
        tags: ['alarms'],
        summary: 'Comment an alarm',
        params: AlarmParams,
        body: Type.Object(
          { comment: Type.String({ minLength: 1, maxLength: 1000, description: 'Kept in the journal.' }) },
          { additionalProperties: false },
        ),
        response: { 200: AlarmSchema },
      },
    },
    async (request) => {
      const { id } = request.params
      const alarm = auditedAlarm(request, { alarms: options.alarms, id }, () =>
        options.alarms.comment(id, callerOf(request), request.body.comment),
      )
      return alarmShape(alarm, options.info.model())
    },
  )
}

const serviceLimits = { minMs: 1000, maxMs: 365 * 86_400_000, words: 'between 1s and 365d' }

const OptionalService = Type.Union([
  Type.Object(
    {
      duration: Type.Optional(
        Type.String({
          maxLength: 32,
          description: 'From `1s` to `365d`, then it returns by itself. Left out: until it is returned.',
          examples: ['8h'],
        }),
      ),
      comment,
    },
    { additionalProperties: false },
  ),
  Type.Null(),
])

const CheckParams = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 256, description: 'Full sensor id, `device.sensor`.' }),
  check: Type.String({ minLength: 1, maxLength: 256, description: 'Name of the check within its sensor.' }),
})

const serviceSchema = { tags: ['alarms'], response: { 200: AlarmSchema } }

/** Unix milliseconds at which a check returns by itself; null: somebody returns it. */
function untilOf(duration: string | undefined, now: number): number | null {
  return duration === undefined ? null : now + readDuration('body.duration', duration, serviceLimits)
}

function registerOutOfService(app: ApiServer, { options }: ApiContext): void {
  const { alarms, info, clock } = options
  app.post(
    '/api/v1/alarms/:id/out-of-service',
    {
      config: { access: 'operator', audit: 'alarm.out-of-service' },
      schema: {
        ...serviceSchema,
        summary: 'Take the check of an alarm out of service, for maintenance',
        params: AlarmParams,
        body: OptionalService,
      },
    },
    async (request) => {
      const { comment: words = null, duration } = request.body ?? {}
      const { id } = request.params
      const alarm = auditedAlarm(request, { alarms, id }, () =>
        alarms.takeOutOfService(id, callerOf(request), words, untilOf(duration, clock.now())),
      )
      return alarmShape(alarm, info.model())
    },
  )
}

function registerCheckService(app: ApiServer, { options }: ApiContext): void {
  const { info, clock } = options
  const desk = (): NonNullable<typeof options.checks> => {
    if (!options.checks) throw new TelemetryError('NOT_FOUND', 'This gateway has no checks')
    return options.checks
  }

  app.post(
    '/api/v1/sensors/:id/checks/:check/out-of-service',
    {
      config: { access: 'operator', audit: 'check.out-of-service' },
      schema: {
        ...serviceSchema,
        summary: 'Take a check out of service, whether it has an alarm or not',
        params: CheckParams,
        body: OptionalService,
      },
    },
    async (request) => {
      const { number } = sensorOf(info.model(), request.params.id)
      const { comment: words = null, duration } = request.body ?? {}
      const service = { by: callerOf(request), comment: words, untilMs: untilOf(duration, clock.now()) }
      request.auditDetails = { target: `${request.params.id} ${request.params.check}`, after: { comment: words } }
      return alarmShape(desk().takeOutOfService(number, request.params.check, service), info.model())
    },
  )

  app.post(
    '/api/v1/sensors/:id/checks/:check/in-service',
    {
      config: { access: 'operator', audit: 'check.in-service' },
      schema: { ...serviceSchema, summary: 'Return a check to service', params: CheckParams, body: OptionalComment },
    },
    async (request) => {
      const { number } = sensorOf(info.model(), request.params.id)
      const service = { by: callerOf(request), comment: request.body?.comment ?? null }
      request.auditDetails = {
        target: `${request.params.id} ${request.params.check}`,
        after: { comment: service.comment },
      }
      return alarmShape(desk().returnToService(number, request.params.check, service), info.model())
    },
  )
}
