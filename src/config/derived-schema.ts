// The keys of an entry of `derived`: a sensor that the gateway works out from others.

import { Type } from 'typebox'
import { CheckSpecSchema } from '#domain/check.ts'
import { WINDOW_FIGURES } from '#domain/derivation.ts'
import { durationSchema, strictObject } from '#domain/schema.ts'
import { DeadbandSchema } from './deadband-schema.ts'

const WindowSchema = strictObject(
  {
    of: Type.String({ minLength: 3, maxLength: 129, description: 'Full id of the sensor.' }),
    figure: Type.Union(
      WINDOW_FIGURES.map((figure) => Type.Literal(figure)),
      { description: 'What is worked out of its readings.' },
    ),
    size: durationSchema({ description: 'Length of the window, 1s to 7d.' }),
    every: Type.Optional(
      durationSchema({
        description:
          'How often there is a result; `size` must be a multiple of it. Default: `size`, so that windows do not overlap.',
      }),
    ),
    lateness: durationSchema({
      description: 'How late a reading may come, by its own time; 0 to 1h, at most 100 × `every`.',
      default: '0',
    }),
    percentile: Type.Optional(
      Type.Number({ minimum: 0, maximum: 100, description: 'With `figure: percentile`. Default: 95.' }),
    ),
  },
  { description: 'A figure of the good readings of a sensor in a span of time, aligned to the clock.' },
)

export const DerivedSchema = strictObject({
  id: Type.String({
    pattern: '^[a-z0-9][a-z0-9_-]*\\.[a-z0-9][a-z0-9_-]*$',
    maxLength: 129,
    description: 'Full id, `device.sensor`; the device need not exist.',
    examples: ['press-1.specific-power'],
  }),
  expression: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1000,
      description: 'CEL over sensors: those of devices, and derived ones further up.',
      examples: ['press-1.power / max(press-1.flow, 0.1)'],
    }),
  ),
  window: Type.Optional(WindowSchema),
  machine: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 100,
      description: 'Display name of the machine that it belongs to. Default: that of its first sensor.',
    }),
  ),
  description: Type.String({ maxLength: 500, default: '', description: 'For people.' }),
  unit: Type.String({ maxLength: 32, default: '', description: 'Engineering unit, for example `kW/m3`.' }),
  deadband: Type.Optional(DeadbandSchema),
  checks: Type.Array(CheckSpecSchema, { default: [], description: 'What raises an alarm.' }),
})
