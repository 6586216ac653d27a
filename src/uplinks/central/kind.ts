// The `central` kind of uplink, for the gateway's catalogue.

import type { UplinkKind, UplinkSetup } from '#domain/uplink.ts'
import { LoadedWhenNeeded } from '../loaded-when-needed.ts'
import { CentralUplinkSchema, type CentralUplinkConfig } from './schema.ts'

export const centralUplink: UplinkKind = {
  type: 'central',
  schema: CentralUplinkSchema,
  open: (setup, context) =>
    new LoadedWhenNeeded(async () => {
      const { CentralConnection } = await import('./connection.ts')
      // The configuration room has decoded `config` by the schema above.
      return new CentralConnection(setup as UplinkSetup<CentralUplinkConfig>, context)
    }),
}
