// The `mqtt` kind of uplink, for the gateway's catalogue.

import type { UplinkKind, UplinkSetup } from '#domain/uplink.ts'
import { LoadedWhenNeeded } from '../loaded-when-needed.ts'
import { MqttUplinkSchema, type MqttUplinkConfig } from './schema.ts'

export const mqttUplink: UplinkKind = {
  type: 'mqtt',
  schema: MqttUplinkSchema,
  open: (setup, context) =>
    new LoadedWhenNeeded(async () => {
      const { MqttConnection } = await import('./connection.ts')
      // The configuration room has decoded `config` by the schema above.
      return new MqttConnection(setup as UplinkSetup<MqttUplinkConfig>, context)
    }),
}
