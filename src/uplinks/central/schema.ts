// Configuration of a central uplink, beside the keys that all uplinks share.

import { Type, type StaticDecode } from 'typebox'
import { durationSchema, strictObject } from '#domain/schema.ts'
import { TlsSchema } from '#kit/mqtt-schema.ts'

const ConfigurationSchema = strictObject(
  {
    accept: Type.Boolean({
      default: false,
      description: 'true applies what central offers, watched and rolled back like any other change.',
    }),
    every: Type.Optional(
      durationSchema({
        default: '30s',
        description: 'How often central is asked for one; what lies outside of 1s to 1d is taken as that.',
      }),
    ),
  },
  {
    description:
      'Configurations that central offers for this gateway. Off by default: who may offer one, rules the gateway.',
  },
)

export const CentralUplinkSchema = strictObject(
  {
    url: Type.String({
      pattern: '^https?://[^\\s/@?#]+(?:/[^\\s@?#]*)?$',
      description: 'Where central is; what stands after the host comes before /api/v1.',
      examples: ['https://central.example'],
      secret: true, // somebody may write credentials into it, which must not be repeated in a message
    }),
    token: Type.Optional(
      Type.String({
        minLength: 1,
        pattern: '^[\\u0021-\\u007e]+$',
        secret: true,
        description: 'Token that is shown to central, for example "${CENTRAL_TOKEN}".',
      }),
    ),
    format: Type.Optional(
      Type.Union([Type.Literal('protobuf'), Type.Literal('json')], {
        default: 'protobuf',
        description: 'How records travel: telemetryx.v1.IngestRequest as protobuf or as JSON.',
      }),
    ),
    compression: Type.Optional(
      Type.Union([Type.Literal('zstd'), Type.Literal('none')], {
        default: 'zstd',
        description: 'zstd; without it when central does not take it.',
      }),
    ),
    tls: Type.Optional(TlsSchema),
    configuration: Type.Optional(ConfigurationSchema),
  },
  { description: 'Sends readings, alarms and events to central, or to any server that takes POST /api/v1/ingest.' },
)

export type CentralUplinkConfig = StaticDecode<typeof CentralUplinkSchema>
