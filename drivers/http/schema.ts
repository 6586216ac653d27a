// The YAML of an HTTP device and of its sensors. Type, validation, JSON Schema and reference come from here.

import { Type, type StaticDecode } from 'typebox'
import { strictObject } from '#domain/schema.ts'

export const DEFAULT_MAX_SENSORS = 100

export const HttpDeviceSchema = strictObject({
  accept: Type.Optional(
    Type.Union([Type.Literal('listed'), Type.Literal('any')], {
      default: 'listed',
      description: 'any: what no sensor stands here for becomes one when it is first sent.',
    }),
  ),
  maxSensors: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 10_000,
      default: DEFAULT_MAX_SENSORS,
      description: 'Most sensors of the device with `accept: any`, those that stand here included.',
    }),
  ),
})

export type HttpDeviceConfig = StaticDecode<typeof HttpDeviceSchema>

export const HttpSensorSchema = strictObject({
  field: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 256,
      description: 'What programs call the sensor in what they send. Default: its id.',
    }),
  ),
  type: Type.Optional(
    Type.Union(
      [
        Type.Literal('number'),
        Type.Literal('bool'),
        Type.Literal('string'),
        Type.Literal('int64'),
        Type.Literal('uint64'),
      ],
      { description: 'What its values are. Default: number.' },
    ),
  ),
})

export type HttpSensorConfig = StaticDecode<typeof HttpSensorSchema>
