// What operators do with an alarm beyond acknowledging and shelving it: confirm, reset, comment, take out of service.

import { Type } from 'typebox'
import type { Alarm } from '#domain/alarm.ts'
import { callerOf } from '../auth/access.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { AlarmSchema, alarmShape } from '../shapes/alarm-shape.ts'
import { AlarmParams, OptionalComment } from './alarms.ts'

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
      path: 'out-of-service',
      summary: 'Take the check of an alarm out of service, for maintenance',
      act: (...all) => alarms.takeOutOfService(...all),
    },
    {
      path: 'in-service',
      summary: 'Return the check of an alarm to service',
      act: (...all) => alarms.returnToService(...all),
    },
  ]
  for (const action of actions) registerAction(app, context, action)
  registerComment(app, context)
}

function registerAction(app: ApiServer, { options }: ApiContext, { path, summary, act }: Action): void {
  app.post(
    `/api/v1/alarms/:id/${path}`,
    {
      config: { access: 'operator' },
      schema: {
        tags: ['alarms'],
        summary,
        params: AlarmParams,
        body: OptionalComment,
        response: { 200: AlarmSchema },
      },
    },
    async (request) => {
      const alarm = act(request.params.id, callerOf(request), request.body?.comment ?? null)
      return alarmShape(alarm, options.info.model())
    },
  )
}

function registerComment(app: ApiServer, { options }: ApiContext): void {
  app.post(
    '/api/v1/alarms/:id/comment',
    {
      config: { access: 'operator' },
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
      const alarm = options.alarms.comment(request.params.id, callerOf(request), request.body.comment)
      return alarmShape(alarm, options.info.model())
    },
  )
}
