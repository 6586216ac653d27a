// The `mqtt` kind of uplink, for the gateway's catalogue.

import type { UplinkKind, UplinkSetup } from '#domain/uplink.ts'
import { MqttConnection } from './connection.ts'
import { MqttUplinkSchema, type MqttUplinkConfig } from './schema.ts'

export const mqttUplink: UplinkKind = {
  type: 'mqtt',
  schema: MqttUplinkSchema,
  // The configuration room has decoded `config` by the schema above.
  open: (setup, context) => new MqttConnection(setup as UplinkSetup<MqttUplinkConfig>, context),
}
