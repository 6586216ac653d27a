// What checks would have raised over the stored readings of a sensor: to try settings before they are saved.

import { Type, type StaticDecode } from 'typebox'
import { Value } from 'typebox/value'
import { checkProblems } from '#config/check-problems.ts'
import type { Alarm } from '#domain/alarm.ts'
import { CheckSpecSchema, SEVERITIES, type CheckSpec } from '#domain/check.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { Model, Sensor } from '#domain/sensor.ts'
import { withDeadline } from '#kit/deadline.ts'
import { callerSignal } from '../caller-signal.ts'
import type { ApiContext, ApiServer } from '../context.ts'
import { invalid } from '../problem.ts'
import { replay } from '../replay.ts'
import { isoTime, isoTimeOrNull, NullableTimeSchema, readRange, TimeSchema } from '../time.ts'
import { sensorOf, SensorParams } from './model.ts'

const MAX_ALARMS = 1000
/** As every answer has (HANDLER_TIMEOUT_MS). */
const TIMEOUT_MS = 30_000

const time = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 64, description }))

const BodySchema = Type.Object(
  {
    from: time('Begin: ISO 8601 with a zone, Unix milliseconds, or relative to now. Default `-1h`.'),
    to: time('End, itself outside. Default `now`.'),
    checks: Type.Optional(
      Type.Array(CheckSpecSchema, {
        maxItems: 32,
        description:
          "As in gateway.yaml, in place of the sensor's own. Other sensors in their expressions are replayed too.",
      }),
    ),
  },
  { additionalProperties: false },
)

const FoundSchema = Type.Object({
  check: Type.String(),
  checkType: Type.String(),
  level: Type.String(),
  severity: Type.Enum([...SEVERITIES]),
  raisedAt: TimeSchema,
  clearedAt: NullableTimeSchema,
  message: Type.String(),
})

const AnswerSchema = Type.Object({
  sensor: Type.String(),
  from: TimeSchema,
  to: TimeSchema,
  readings: Type.Integer({ description: 'Stored readings that were run through the checks.' }),
  others: Type.Array(Type.String(), { description: 'Sensors of expressions, whose readings were run along.' }),
  truncated: Type.Boolean({ description: 'There were more readings, or more alarms, than one answer takes.' }),
  highestScore: Type.Number({ description: 'In [0, 1]; 0.5 is at the limit of a check.' }),
  alarms: Type.Array(FoundSchema, { description: 'What would have been raised, oldest first; at most 1000.' }),
})

export function registerBacktest(app: ApiServer, { options, queries }: ApiContext): void {
  app.post(
    '/api/v1/sensors/:id/backtest',
    {
      config: { access: 'viewer', audit: false },
      schema: {
        tags: ['alarms'],
        summary: 'What checks would have raised over stored readings',
        params: SensorParams,
        body: BodySchema,
        response: { 200: AnswerSchema },
      },
    },
    async (request, reply) => {
      const { params, body } = request
      const model = options.info.model()
      const configured = sensorOf(model, params.id)
      const { checks: desk, history, clock } = options
      if (!desk) throw new TelemetryError('NOT_FOUND', 'This gateway has no checks to try')
      if (configured.valueType === 'string') throw invalid('path.id', 'is of a sensor that holds texts')
      const checks = body.checks === undefined ? configured.checks : decodedChecks(body.checks, configured, model)
      const found = new FoundAlarms()
      const trial = desk.trial({ ...configured, checks }, (alarm) => found.take(alarm))
      const range = readRange(body, clock.now())
      const deadline = { clock, timeoutMs: TIMEOUT_MS, what: 'The backtest', signal: callerSignal(request, reply) }
      const run = await withDeadline(deadline, (signal) =>
        queries.run(() => replay({ trial, history, sensor: configured.id, range, signal })),
      )
      return {
        sensor: configured.id,
        from: isoTime(range.from),
        to: isoTime(range.to),
        readings: run.readings,
        others: [...trial.operands],
        truncated: run.isTruncated || found.isTruncated,
        highestScore: run.highestScore,
        alarms: found.alarms.map(foundShape),
      }
    },
  )
}

/** Throws INVALID_REQUEST for what the configuration would refuse as well, with its words. */
function decodedChecks(raw: readonly unknown[], sensor: Sensor, model: Model): CheckSpec[] {
  const types = new Map(model.sensors.map(({ id, valueType }) => [id, valueType]))
  const problems = checkProblems(raw, { sensor: sensor.id, types })
  if (problems.length > 0) throw invalid('body', problems.join('; '))
  return raw.map((check): StaticDecode<typeof CheckSpecSchema> =>
    Value.Decode(CheckSpecSchema, Value.Default(CheckSpecSchema, check)),
  )
}

/** The alarms of a trial, each once, as they were when they had cleared. */
class FoundAlarms {
  readonly #byId = new Map<string, Alarm>()
  isTruncated = false

  get alarms(): readonly Alarm[] {
    return [...this.#byId.values()]
  }

  take(alarm: Alarm): void {
    if (this.#byId.has(alarm.id) || this.#byId.size < MAX_ALARMS) this.#byId.set(alarm.id, alarm)
    else this.isTruncated = true
  }
}

function foundShape({ check, checkType, level, severity, raisedAt, clearedAt, message }: Alarm) {
  return {
    check,
    checkType,
    level,
    severity,
    raisedAt: isoTime(raisedAt),
    clearedAt: isoTimeOrNull(clearedAt),
    message,
  }
}
