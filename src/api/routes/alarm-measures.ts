// How well the alarm system serves its operators: rates, floods, chattering, standing and stale alarms.

import { Type } from 'typebox'
import type { ApiContext, ApiServer } from '../context.ts'
import { AlarmSchema, alarmShape } from '../shapes/alarm-shape.ts'
import { isoTime, isoTimeOrNull, NullableTimeSchema, TimeSchema } from '../time.ts'

const Counts = Type.Array(Type.Object({ sensor: Type.String(), check: Type.String(), count: Type.Integer() }))

const MeasuresSchema = Type.Object(
  {
    since: TimeSchema,
    active: Type.Integer(),
    unacknowledged: Type.Integer(),
    shelved: Type.Integer(),
    suppressed: Type.Integer(),
    outOfService: Type.Integer(),
    per10Minutes: Type.Object(
      { now: Type.Integer(), mean: Type.Number(), max: Type.Integer() },
      { description: 'Alarms raised in the last ten minutes; mean and maximum of the last 24 hours.' },
    ),
    flood: Type.Object(
      { active: Type.Boolean(), since: NullableTimeSchema, floods: Type.Integer() },
      { description: 'More than 10 alarms in ten minutes, until they are fewer than 5.' },
    ),
    chattering: Type.Array(Counts.items, { description: 'Three times or more within the last minute.' }),
    top: Type.Array(Counts.items, { description: 'The ten that came most often in the last 24 hours.' }),
    stale: Type.Array(AlarmSchema, { description: 'Active for more than 24 hours, longest first; at most 100.' }),
    standing: Type.Array(AlarmSchema, { description: 'Active, longest first; at most 100.' }),
  },
  { description: 'After ISA-18.2 and EEMUA 191, of the alarms that were shown to operators since the start.' },
)

export function registerAlarmMeasures(app: ApiServer, { options }: ApiContext): void {
  app.get(
    '/api/v1/alarms/measures',
    {
      config: { access: 'viewer' },
      schema: { tags: ['alarms'], summary: 'Measures of the alarm system', response: { 200: MeasuresSchema } },
    },
    async () => {
      const model = options.info.model()
      const { since, flood, stale, standing, ...rest } = options.alarms.measures()
      return {
        since: isoTime(since),
        ...rest,
        flood: { active: flood.isActive, since: isoTimeOrNull(flood.since), floods: flood.floods },
        chattering: [...rest.chattering],
        top: [...rest.top],
        stale: stale.map((alarm) => alarmShape(alarm, model)),
        standing: standing.map((alarm) => alarmShape(alarm, model)),
      }
    },
  )
}
