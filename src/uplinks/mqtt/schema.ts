// Configuration of an mqtt uplink, beside the keys that all uplinks share.

import { Type, type StaticDecode } from 'typebox'
import { strictObject } from '#domain/schema.ts'
import { mqttLoginKeys, mqttProtocolKeys, TlsSchema, mqttUrlSchema } from '#kit/mqtt-schema.ts'

/** Placeholders and plain characters; `+`, `#` and NUL are no part of a topic name (MQTT 3.1.1 §4.7.1), `$` leads reserved ones. */
const TOPIC_PATTERN = '^(?!\\$)(?:[^{}+#\\u0000]|\\{(?:gateway|factory|machine|device|sensor)\\})+$'

export const MqttUplinkSchema = strictObject(
  {
    url: mqttUrlSchema({ description: 'Broker: mqtt, mqtts, ws or wss.', example: 'mqtts://mq.example:8883' }),
    ...mqttLoginKeys,
    clientId: Type.Optional(
      Type.String({ minLength: 1, maxLength: 256, description: 'Default: telemetryx-{gateway}-{uplink}.' }),
    ),
    ...mqttProtocolKeys,
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
