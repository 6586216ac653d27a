// The `sparkplug` kind of uplink, for the gateway's catalogue.

import type { UplinkKind, UplinkSetup } from '#domain/uplink.ts'
import { LoadedWhenNeeded } from '../loaded-when-needed.ts'
import { SparkplugUplinkSchema, type SparkplugUplinkConfig } from './schema.ts'

export const sparkplugUplink: UplinkKind = {
  type: 'sparkplug',
  schema: SparkplugUplinkSchema,
  open: (setup, context) =>
    new LoadedWhenNeeded(async () => {
      const { SparkplugConnection } = await import('./connection.ts')
      // The configuration room has decoded `config` by the schema above.
      return new SparkplugConnection(setup as UplinkSetup<SparkplugUplinkConfig>, context)
    }),
}
