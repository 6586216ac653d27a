// How well the alarm system serves its operators: rates for each of them, floods, chattering, standing and stale alarms.

import { Type } from 'typebox'
import type { ApiContext, ApiServer } from '../context.ts'
import type { PeriodFigures } from '../measures/alarm-period.ts'
import { readPeriod } from '../measures/read-period.ts'
import { AlarmSchema, alarmShape } from '../shapes/alarm-shape.ts'
import { isoTime, isoTimeOrNull, NullableTimeSchema, rangeParameters, readRange, TimeSchema } from '../time.ts'

const DEFAULT_FROM = '-1d'
const MAX_STANDING = 100
/** Ten-minute intervals. */
const IN_AN_HOUR = 6
const IN_A_DAY = 144

/** Up to these alarms in ten minutes for each operator, in the mean: EEMUA 191 §12; ISA-18.2 §16 has the first two. */
const RATINGS = [
  { upTo: 1, rating: 'acceptable' },
  { upTo: 2, rating: 'manageable' },
  { upTo: 10, rating: 'overDemanding' },
  { upTo: Infinity, rating: 'unacceptable' },
] as const

const counted = { sensor: Type.String(), check: Type.String(), count: Type.Integer() }

const MeasuresSchema = Type.Object(
  {
    from: TimeSchema,
    to: TimeSchema,
    truncated: Type.Boolean({ description: 'The period had too many transitions: `from` is later than asked for.' }),
    active: Type.Integer({ description: 'This and the next four: now.' }),
    unacknowledged: Type.Integer(),
    shelved: Type.Integer(),
    suppressed: Type.Integer(),
    outOfService: Type.Integer(),
    alarms: Type.Integer({ description: 'Alarms of the period that were shown to operators.' }),
    operators: Type.Object(
      {
        count: Type.Integer({ minimum: 1 }),
        configured: Type.Boolean({ description: 'True: `alarms.operators`; false: those who acted, at least one.' }),
        acted: Type.Array(Type.Object({ by: Type.String(), actions: Type.Integer() })),
      },
      { description: 'Who shares the alarms, and who did something with them.' },
    ),
    per10Minutes: Type.Object(
      { now: Type.Integer(), mean: Type.Number(), max: Type.Integer(), shareAbove10: Type.Number() },
      {
        description:
          'Alarms in the last ten minutes; mean and maximum over the period, share of intervals with more than 10.',
      },
    ),
    perOperator: Type.Object(
      {
        per10Minutes: Type.Number(),
        perHour: Type.Number(),
        perDay: Type.Number(),
        max: Type.Number({ description: 'In the busiest ten minutes.' }),
        rating: Type.Enum(['acceptable', 'manageable', 'overDemanding', 'unacceptable'], {
          description: 'By the mean: up to 1 in ten minutes, up to 2, up to 10, above.',
        }),
      },
      { description: 'The same for each operator.' },
    ),
    flood: Type.Object(
      {
        active: Type.Boolean(),
        since: NullableTimeSchema,
        floods: Type.Integer({ description: 'In the period.' }),
        share: Type.Number({ description: 'Of the time of the period, 0 … 1.' }),
      },
      { description: 'More than 10 alarms in ten minutes, until they are fewer than 5.' },
    ),
    chattering: Type.Array(Type.Object(counted), {
      description: 'Three times or more within one minute; `count`: the most in one minute.',
    }),
    top: Type.Array(Type.Object({ ...counted, share: Type.Number() }), {
      description: 'The ten that came most often, with their share of all.',
    }),
    severities: Type.Object({
      low: Type.Integer(),
      medium: Type.Integer(),
      high: Type.Integer(),
      urgent: Type.Integer(),
    }),
    acknowledgements: Type.Object({
      count: Type.Integer(),
      medianSeconds: Type.Union([Type.Number(), Type.Null()], { description: 'From raise to acknowledgement.' }),
    }),
    stale: Type.Array(AlarmSchema, {
      description: 'Active for more than 24 hours at `to`, longest first; at most 100.',
    }),
    standing: Type.Array(AlarmSchema, { description: 'Active at `to`, longest first; at most 100.' }),
  },
  { description: 'After ISA-18.2 and EEMUA 191, of the alarms that were shown to operators in the period.' },
)

export function registerAlarmMeasures(app: ApiServer, { options, queries }: ApiContext): void {
  app.get(
    '/api/v1/alarms/measures',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['alarms'],
        summary: 'Measures of the alarm system over a period',
        querystring: Type.Object(
          {
            ...rangeParameters,
            from: Type.Optional(
              Type.String({
                minLength: 1,
                maxLength: 64,
                description: `Begin of the period, as \`from\` elsewhere. Default \`${DEFAULT_FROM}\`.`,
              }),
            ),
          },
          { additionalProperties: false },
        ),
        response: { 200: MeasuresSchema },
      },
    },
    async ({ query, signal }) => {
      const now = options.clock.now()
      const asked = readRange({ from: DEFAULT_FROM, ...query }, now)
      const { epoch, startedAt } = options.info
      // Before its very first start there was no gateway: an empty past would flatter the mean.
      const from = epoch === 1 ? Math.min(Math.max(asked.from, startedAt), asked.to - 1) : asked.from
      const request = { range: { from, to: asked.to }, now }
      const { figures, range, isTruncated } = await queries.run(() => readPeriod(options, request, signal))
      const model = options.info.model()
      const { inTenMinutes, flood, ...present } = options.alarms.measures()
      const shape = (alarms: PeriodFigures['standing']) =>
        alarms.slice(0, MAX_STANDING).map((alarm) => alarmShape(alarm, model))
      return {
        from: isoTime(range.from),
        to: isoTime(range.to),
        truncated: isTruncated,
        ...present,
        alarms: figures.alarms,
        ...perOperator(figures, options.alarmOperators?.() ?? null),
        per10Minutes: { now: inTenMinutes, ...figures.tenMinutes },
        flood: {
          active: flood.isActive,
          since: isoTimeOrNull(flood.since),
          floods: figures.floods.length,
          share: figures.floodShare,
        },
        chattering: [...figures.chattering],
        top: [...figures.top],
        severities: { ...figures.severities },
        acknowledgements: { ...figures.acknowledgements },
        stale: shape(figures.stale),
        standing: shape(figures.standing),
      }
    },
  )
}

/** `configured`: operators at a time; null: as many as acted. */
function perOperator({ acted, tenMinutes }: PeriodFigures, configured: number | null) {
  const count = configured ?? Math.max(1, acted.length)
  const per10Minutes = tenMinutes.mean / count
  return {
    operators: { count, configured: configured !== null, acted: [...acted] },
    perOperator: {
      per10Minutes,
      perHour: per10Minutes * IN_AN_HOUR,
      perDay: per10Minutes * IN_A_DAY,
      max: tenMinutes.max / count,
      rating: RATINGS.find(({ upTo }) => per10Minutes <= upTo)!.rating,
    },
  }
}
