// The `central` kind of uplink, for the gateway's catalogue.

import type { UplinkKind, UplinkSetup } from '#domain/uplink.ts'
import { CentralConnection } from './connection.ts'
import { CentralUplinkSchema, type CentralUplinkConfig } from './schema.ts'

export const centralUplink: UplinkKind = {
  type: 'central',
  schema: CentralUplinkSchema,
  // The configuration room has decoded `config` by the schema above.
  open: (setup, context) => new CentralConnection(setup as UplinkSetup<CentralUplinkConfig>, context),
}
