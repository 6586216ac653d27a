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
    Type.Union(
      [Type.Literal('low'), Type.Literal('medium'), Type.Literal('high'), Type.Literal('urgent')],
      {
        description:
          'Priority of its alarms; default by level: lowLow and highHigh urgent, low and high medium, others low.',
      },
    ),
  ),
  onDelay: Type.Optional(
    durationSchema({ description: 'How long the condition must hold before the alarm is raised.', default: '0' }),
  ),
  offDelay: Type.Optional(
    durationSchema({ description: 'How long the condition must be gone before the alarm is cleared.', default: '0' }),
  ),
}

const limit = (description: string) => Type.Optional(Type.Number({ description }))

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
    ...common,
  },
  { description: 'Distance from the trailing mean in standard deviations.' },
)

/** Every kind of check; a new one is added here and in src/checks. */
export const CheckSpecSchema = Type.Union([ThresholdSpec, ZscoreSpec])

export type CheckSpec = StaticDecode<typeof CheckSpecSchema>
export type CheckType = CheckSpec['type']

/** Condition that a verdict reports: a limit's name for `threshold`, else the check's type. */
export type ConditionLevel = 'lowLow' | 'low' | 'high' | 'highHigh' | 'anomaly'

/** Why a check spoke, so that an operator can see it: all numbers in the sensor's unit except score. */
export interface Finding {
  readonly value: number
  /** The limit that was passed. */
  readonly limit: number
  /** zscore: the score in standard deviations. */
  readonly score?: number
  readonly mean?: number
  readonly standardDeviation?: number
  /** Readings in the window. */
  readonly window?: number
}
