// Configuration of a sparkplug uplink, beside the keys that all uplinks share.

import { Type, type StaticDecode } from 'typebox'
import { durationSchema, strictObject } from '#domain/schema.ts'
import { mqttLoginKeys, TlsSchema, mqttUrlSchema } from '#kit/mqtt-schema.ts'

/** One level of a topic (Sparkplug 3.0 §4.1: any UTF-8 but + / #), and no control characters. */
const LEVEL_PATTERN = '^[^+/#\\u0000-\\u001f\\u007f-\\u009f]+$'

export const SparkplugUplinkSchema = strictObject(
  {
    url: mqttUrlSchema({ description: 'Broker: mqtt, mqtts, ws or wss.', example: 'mqtts://mq.example:8883' }),
    ...mqttLoginKeys,
    clientId: Type.Optional(
      Type.String({ minLength: 1, maxLength: 256, description: 'Default: telemetryx-{gateway}-{uplink}.' }),
    ),
    keepalive: Type.Optional(
      durationSchema({
        default: '30s',
        description: 'Longest silence on the line; after one and a half of it the broker declares this node dead.',
      }),
    ),
    group: Type.String({
      pattern: LEVEL_PATTERN,
      maxLength: 256,
      description: 'Group id: the level of the topics that gathers edge nodes, for example the plant.',
      examples: ['plant-a'],
    }),
    node: Type.Optional(
      Type.String({
        pattern: LEVEL_PATTERN,
        maxLength: 256,
        description: "Edge node id, unique within its group; default: the gateway's id.",
      }),
    ),
    primaryHost: Type.Optional(
      Type.String({
        pattern: LEVEL_PATTERN,
        maxLength: 256,
        description:
          'Id of the primary host application. Nothing is sent while its STATE says that it is offline, or says nothing.',
        examples: ['scada-1'],
      }),
    ),
    tls: Type.Optional(TlsSchema),
  },
  {
    description:
      'A Sparkplug B 3.0 edge node: each device of the gateway is a device of the node, each sensor a metric.',
  },
)

export type SparkplugUplinkConfig = StaticDecode<typeof SparkplugUplinkSchema>
