// The `grpc` kind of uplink, for the gateway's catalogue.

import type { UplinkKind, UplinkSetup } from '#domain/uplink.ts'
import { LoadedWhenNeeded } from '../loaded-when-needed.ts'
import { GrpcUplinkSchema, type GrpcUplinkConfig } from './schema.ts'

export const grpcUplink: UplinkKind = {
  type: 'grpc',
  schema: GrpcUplinkSchema,
  open: (setup, context) =>
    new LoadedWhenNeeded(async () => {
      const { GrpcConnection } = await import('./connection.ts')
      // The configuration room has decoded `config` by the schema above.
      return new GrpcConnection(setup as UplinkSetup<GrpcUplinkConfig>, context)
    }),
}
