// Configuration of an mqtt uplink, beside the keys that all uplinks share.

import { Type, type StaticDecode } from 'typebox'
import { durationSchema, strictObject } from '#domain/schema.ts'

/** Placeholders and plain characters; `+`, `#` and NUL are no part of a topic name (MQTT 3.1.1 §4.7.1), `$` leads reserved ones. */
const TOPIC_PATTERN = '^(?!\\$)(?:[^{}+#\\u0000]|\\{(?:gateway|factory|machine|device|sensor)\\})+$'

export const TlsSchema = strictObject(
  {
    ca: Type.Optional(
      Type.String({
        description:
          "File with the certificates to trust (PEM), from the configuration's folder. Default: those of the system.",
      }),
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

export const MqttUplinkSchema = strictObject(
  {
    url: Type.String({
      pattern: '^(?:mqtts?|wss?)://[^\\s]+$',
      description: 'Broker: mqtt, mqtts, ws or wss.',
      examples: ['mqtts://mq.example:8883'],
      secret: true, // it may carry credentials, which must not be repeated in a message about a misspelt one
    }),
    username: Type.Optional(Type.String({ description: 'User name at the broker.' })),
    password: Type.Optional(
      Type.String({ secret: true, description: 'Password at the broker, for example "${MQTT_PASSWORD}".' }),
    ),
    clientId: Type.Optional(
      Type.String({ minLength: 1, maxLength: 256, description: 'Default: telemetryx-{gateway}-{uplink}.' }),
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
    topic: Type.Optional(
      Type.String({
        pattern: TOPIC_PATTERN,
        default: '{factory}/{machine}/{sensor}',
        examples: ['{factory}/{machine}/{device}/{sensor}'],
        description:
          'Topic of a reading, with {gateway} {factory} {machine} {device} {sensor}. Alarms go to the same with /alarm. With json-batch by default telemetryx/{gateway}/readings.',
      }),
    ),
    format: Type.Optional(
      Type.Union([Type.Literal('json'), Type.Literal('json-batch')], {
        default: 'json',
        description:
          'json: one message for each reading. json-batch: an array of readings in one message, for topics that several sensors share.',
      }),
    ),
    qos: Type.Optional(
      Type.Union([Type.Literal(0), Type.Literal(1)], {
        default: 1,
        description:
          '1: a record is done when the broker has acknowledged it. 0: when it was sent; a broken connection loses some.',
      }),
    ),
    tls: Type.Optional(TlsSchema),
  },
  { description: 'Publishes readings, alarms and events to an MQTT broker.' },
)

export type MqttUplinkConfig = StaticDecode<typeof MqttUplinkSchema>
