// The YAML of an MQTT device and of its sensors. Type, validation, JSON Schema and reference come from here.

import { Type, type StaticDecode } from 'typebox'
import { durationSchema, sizeSchema, strictObject } from '#domain/schema.ts'

export const DEFAULT_TIMEOUT_MS = 10_000
export const DEFAULT_KEEPALIVE_MS = 30_000
export const DEFAULT_MAX_PAYLOAD = 1024 * 1024

const TlsSchema = strictObject(
  {
    ca: Type.Optional(
      Type.String({ description: 'File with the certificates to trust (PEM); default: those of the system.' }),
    ),
    cert: Type.Optional(Type.String({ description: 'File with the client certificate (PEM), for mutual TLS.' })),
    key: Type.Optional(Type.String({ description: 'File with the key of the client certificate (PEM).' })),
    rejectUnauthorized: Type.Optional(
      Type.Boolean({
        default: true,
        description: 'false accepts any certificate: only for a first try in a laboratory.',
      }),
    ),
  },
  { description: 'For mqtts and wss.' },
)

const ConnectionSchema = strictObject(
  {
    url: Type.Optional(
      Type.String({
        pattern: '^(?:mqtts?|wss?)://[^\\s]+$',
        description: 'Broker: mqtt, mqtts, ws or wss. Without it: the embedded broker (key `broker`).',
        examples: ['mqtt://192.0.2.30:1883'],
        secret: true, // it may carry credentials, which must not be repeated in a message about a misspelt one
      }),
    ),
    username: Type.Optional(Type.String({ description: 'User name at the broker.' })),
    password: Type.Optional(
      Type.String({ secret: true, description: 'Password at the broker, for example "${MQTT_PASSWORD}".' }),
    ),
    clientId: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description:
          'Name of the session at the broker; must be unique there. Default: telemetryx-{gateway}- and a checksum of url and user.',
      }),
    ),
    protocol: Type.Optional(
      Type.Union([Type.Literal('3.1.1'), Type.Literal(5)], {
        default: '3.1.1',
        description: 'Version of MQTT: 3.1.1 or 5.',
      }),
    ),
    keepalive: Type.Optional(
      durationSchema({ default: '30s', description: 'Longest silence on the line; 0: no limit.' }),
    ),
    timeout: Type.Optional(
      durationSchema({ default: '10s', description: 'Longest wait for the broker to accept us.' }),
    ),
    tls: Type.Optional(TlsSchema),
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
