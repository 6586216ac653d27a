// Checks: what can be asked of a sensor's readings (configuration), and what a check answers (verdict).

import { Type, type StaticDecode } from 'typebox'
import { durationSchema, strictObject } from './schema.ts'

export const SEVERITIES = ['low', 'medium', 'high', 'urgent'] as const
export type Severity = (typeof SEVERITIES)[number]

const common = {
  id: Type.Optional(
    Type.String({
      pattern: '^[a-z0-9][a-z0-9_-]*$',
      description: 'Name of the check within its sensor; default: its type.',
    }),
  ),
  severity: Type.Optional(
    Type.Union([Type.Literal('low'), Type.Literal('medium'), Type.Literal('high'), Type.Literal('urgent')], {
      description:
        'Priority of its alarms; default by level: lowLow and highHigh urgent, low and high medium, others low.',
    }),
  ),
  onDelay: Type.Optional(
    durationSchema({ description: 'How long the condition must hold before the alarm is raised.', default: '0' }),
  ),
  offDelay: Type.Optional(
    durationSchema({ description: 'How long the condition must be gone before the alarm is cleared.', default: '0' }),
  ),
  confirm: Type.Optional(
    Type.Boolean({ description: 'Whether its alarms must be confirmed after the acknowledgement. Default: false.' }),
  ),
  latch: Type.Optional(
    Type.Boolean({
      description: 'Whether its alarms stay until they are reset, also once it is over. Default: false.',
    }),
  ),
  group: Type.Optional(
    Type.String({
      pattern: '^[a-z0-9][a-z0-9_-]*$',
      maxLength: 64,
      description: 'Group of alarms of which the first to come is marked as `firstOut`.',
    }),
  ),
  suppressWhen: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1000,
      description: 'Expression; while it is true, alarms are kept but not shown to operators.',
      examples: ['!press-1.running'],
    }),
  ),
}

const limit = (description: string) => Type.Optional(Type.Number({ description }))

const ownHysteresis = (level: string) =>
  Type.Optional(Type.Number({ minimum: 0, description: `Hysteresis of ${level} alone. Default: \`hysteresis\`.` }))

export const ThresholdSpec = strictObject(
  {
    type: Type.Literal('threshold'),
    lowLow: limit('Alarm at or below this value.'),
    low: limit('Alarm at or below this value.'),
    high: limit('Alarm at or above this value.'),
    highHigh: limit('Alarm at or above this value.'),
    hysteresis: Type.Optional(
      Type.Number({
        minimum: 0,
        default: 0,
        description: 'How far back inside the limit the value must come before the level is left.',
      }),
    ),
    lowLowHysteresis: ownHysteresis('lowLow'),
    lowHysteresis: ownHysteresis('low'),
    highHysteresis: ownHysteresis('high'),
    highHighHysteresis: ownHysteresis('highHigh'),
    ...common,
  },
  { description: 'Limits, in the engineering unit.' },
)

export const ZscoreSpec = strictObject(
  {
    type: Type.Literal('zscore'),
    window: Type.Optional(
      Type.Integer({
        minimum: 10,
        maximum: 100_000,
        default: 300,
        description: 'Good readings in the trailing window.',
      }),
    ),
    sigma: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        default: 4,
        description: 'Standard deviations from the mean that count as an anomaly.',
      }),
    ),
    robust: Type.Optional(
      Type.Boolean({
        description: 'Median and median absolute deviation instead of mean and standard deviation. Default: false.',
      }),
    ),
    ...common,
  },
  { description: 'Distance from the trailing mean in standard deviations.' },
)

export const RateSpec = strictObject(
  {
    type: Type.Literal('rate'),
    low: limit('Alarm when the value changes by this or less in a second; negative for a fall.'),
    high: limit('Alarm when the value changes by this or more in a second.'),
    over: Type.Optional(
      durationSchema({ description: 'Shortest time over which the rate is measured, 1ms to 1d.', default: '1s' }),
    ),
    ...common,
  },
  { description: 'Limits of the change in a second.' },
)

export const FlatlineSpec = strictObject(
  {
    type: Type.Literal('flatline'),
    for: durationSchema({ description: 'Alarm when the value has not moved for this long.' }),
    tolerance: Type.Optional(
      Type.Number({ minimum: 0, default: 0, description: 'How far a value may go and still counts as not moved.' }),
    ),
    ...common,
  },
  { description: 'A value that no longer moves.' },
)

export const StaleSpec = strictObject(
  {
    type: Type.Literal('stale'),
    for: durationSchema({ description: 'Alarm when there was no good reading for this long.' }),
    ...common,
  },
  { description: 'A sensor that is silent, or gives only bad or uncertain readings.' },
)

export const EwmaSpec = strictObject(
  {
    type: Type.Literal('ewma'),
    alpha: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 0.5,
        default: 0.05,
        description: 'Weight of the newest reading in the moving mean and spread.',
      }),
    ),
    sigma: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        default: 4,
        description: 'Standard deviations from the moving mean that count as an anomaly.',
      }),
    ),
    ...common,
  },
  { description: 'Distance from the exponentially weighted mean.' },
)

export const AnomalySpec = strictObject(
  {
    type: Type.Literal('anomaly'),
    sensitivity: Type.Optional(
      Type.Union([Type.Literal('low'), Type.Literal('normal'), Type.Literal('high')], {
        default: 'normal',
        description: 'How little counts: by chance alone a noisy sensor raises one in 9 days, in 3 days, or two a day.',
      }),
    ),
    ...common,
  },
  { description: 'What is unlike the past of the sensor: learnt, without parameters.' },
)

export const ExpressionSpec = strictObject(
  {
    type: Type.Literal('expression'),
    when: Type.String({
      minLength: 1,
      maxLength: 1000,
      description: 'Alarm while this CEL expression over sensors is true; `value` is the sensor itself.',
      examples: ['value > 60 && press-1.running'],
    }),
    ...common,
  },
  { description: 'A condition over several sensors.' },
)

/** Every kind of check; a new one is added here and in src/checks. */
export const CheckSpecSchema = Type.Union([
  ThresholdSpec,
  RateSpec,
  FlatlineSpec,
  StaleSpec,
  ZscoreSpec,
  EwmaSpec,
  AnomalySpec,
  ExpressionSpec,
])

export type CheckSpec = StaticDecode<typeof CheckSpecSchema>
/** What can raise an alarm: the checks, and the gateway itself for its own faults (`system`). */
export type CheckType = CheckSpec['type'] | 'system'

/**
 * Condition that a verdict reports: the side or limit passed, `anomaly` for what is unusual, `fault` for one of the gateway
 * itself, else the check's type.
 */
export type ConditionLevel =
  | 'lowLow'
  | 'low'
  | 'high'
  | 'highHigh'
  | 'anomaly'
  | 'flatline'
  | 'stale'
  | 'expression'
  | 'fault'

/** Why a check spoke, so that an operator can see it: in the sensor's unit where nothing else is said. */
export interface Finding {
  /** The reading; null when there is none, as for `stale`. */
  readonly value: number | null
  /** The limit that was passed: of the value, of the score, of the rate, or seconds for `flatline` and `stale`; null when there is none. */
  readonly limit: number | null
  /** The score in standard deviations, or in [0, 1] for `anomaly`. */
  readonly score?: number
  readonly mean?: number
  readonly standardDeviation?: number
  /** Readings in the window. */
  readonly window?: number
  /** rate: change in a second. */
  readonly rate?: number
  /** flatline and stale: how long it has lasted, in seconds. */
  readonly seconds?: number
}
