// The `sparkplug` kind of uplink, for the gateway's catalogue.

import type { UplinkKind, UplinkSetup } from '#domain/uplink.ts'
import { SparkplugConnection } from './connection.ts'
import { SparkplugUplinkSchema, type SparkplugUplinkConfig } from './schema.ts'

export const sparkplugUplink: UplinkKind = {
  type: 'sparkplug',
  schema: SparkplugUplinkSchema,
  // The configuration room has decoded `config` by the schema above.
  open: (setup, context) => new SparkplugConnection(setup as UplinkSetup<SparkplugUplinkConfig>, context),
}
