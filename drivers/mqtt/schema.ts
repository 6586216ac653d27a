// The YAML of an MQTT device and of its sensors. Type, validation, JSON Schema and reference come from here.

import { Type, type StaticDecode } from 'typebox'
import { durationSchema, sizeSchema, strictObject } from '#domain/schema.ts'
import { mqttLoginKeys, mqttProtocolKeys, mqttUrlSchema, tlsSchema } from '#kit/mqtt-schema.ts'

export const DEFAULT_TIMEOUT_MS = 10_000
export const DEFAULT_KEEPALIVE_MS = 30_000
export const DEFAULT_MAX_PAYLOAD = 1024 * 1024

const ConnectionSchema = strictObject(
  {
    url: Type.Optional(
      mqttUrlSchema({
        description: 'Broker: mqtt, mqtts, ws or wss. Without it: the embedded broker (key `broker`).',
        example: 'mqtt://192.0.2.30:1883',
      }),
    ),
    ...mqttLoginKeys,
    clientId: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description:
          'Name of the session at the broker; must be unique there. Default: telemetryx-{gateway}- and a checksum of url and user.',
      }),
    ),
    ...mqttProtocolKeys,
    timeout: Type.Optional(
      durationSchema({ default: '10s', description: 'Longest wait for the broker to accept us.' }),
    ),
    tls: Type.Optional(tlsSchema('File with the certificates to trust (PEM); default: those of the system.')),
  },
  { description: 'Where the broker is. Devices with the same connection share it.' },
)

export const MqttDeviceSchema = strictObject({
  connection: Type.Optional(ConnectionSchema),
  qos: Type.Optional(
    Type.Union([Type.Literal(0), Type.Literal(1)], {
      default: 1,
      description: '1: the broker keeps each message until the journal has it. 0: what comes at a bad moment is lost.',
    }),
  ),
  retained: Type.Optional(
    Type.Union([Type.Literal('use'), Type.Literal('ignore')], {
      default: 'use',
      description: 'A message that the broker kept from before is uncertain (UncertainLastUsableValue), or ignored.',
    }),
  ),
  maxPayload: Type.Optional(
    sizeSchema({ default: '1MiB', description: 'Longest payload that is looked into; longer ones make bad readings.' }),
  ),
})

const PATH_HELP = 'as in $.a.b[0]; {1} stands for what the first wildcard of the topic matched'

export const MqttSensorSchema = strictObject({
  topic: Type.String({
    minLength: 1,
    maxLength: 1024,
    description: 'Topic, with + and # as wildcards: every message on a matching topic is a reading of this sensor.',
    examples: ['sensors/vib/+/rms'],
  }),
  payload: Type.Optional(
    Type.Union(
      [
        Type.Literal('json'),
        Type.Literal('number'),
        Type.Literal('text'),
        Type.Literal('bool'),
        Type.Literal('sparkplug'),
      ],
      {
        default: 'json',
        description:
          'json: see value. number, text, bool: the payload itself as text. sparkplug: a metric of a Sparkplug B message.',
      },
    ),
  ),
  value: Type.Optional(
    Type.String({
      maxLength: 512,
      description: `Where the value stands in the JSON, ${PATH_HELP}. Default: $, the whole.`,
    }),
  ),
  time: Type.Optional(
    Type.String({
      maxLength: 512,
      description: `Where the source's time stands in the JSON (ISO 8601, or a number). Default: no time of its own.`,
    }),
  ),
  timeUnit: Type.Optional(
    Type.Union([Type.Literal('s'), Type.Literal('ms'), Type.Literal('us'), Type.Literal('ns')], {
      description: 'Unit of a time that is a number, counted from 1970. Default: ms.',
    }),
  ),
  quality: Type.Optional(
    Type.String({
      maxLength: 512,
      description:
        'Where the quality stands in the JSON: good, uncertain, bad, true, false, or the name or number of an OPC UA status code.',
    }),
  ),
  metric: Type.Optional(
    Type.String({ minLength: 1, maxLength: 512, description: 'Name of the metric in a Sparkplug B message.' }),
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
      { description: 'What the value is. Default: string for text, bool for bool, else number.' },
    ),
  ),
})

export type MqttDeviceConfig = StaticDecode<typeof MqttDeviceSchema>
export type MqttSensorConfig = StaticDecode<typeof MqttSensorSchema>
