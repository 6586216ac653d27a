// Configuration of a grpc uplink, beside the keys that all uplinks share.

import { Type, type StaticDecode } from 'typebox'
import { durationSchema, strictObject } from '#domain/schema.ts'

const file = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))

const TlsSchema = strictObject(
  {
    ca: file('File with the certificates to trust (PEM); default: those that Node trusts.'),
    cert: file('File with the client certificate (PEM), for mutual TLS.'),
    key: file('File with the key of the client certificate (PEM).'),
    rejectUnauthorized: Type.Optional(
      Type.Boolean({
        default: true,
        description: 'false accepts any certificate: only for a first try in a laboratory.',
      }),
    ),
  },
  { description: 'Encrypts the connection.' },
)

export const GrpcUplinkSchema = strictObject(
  {
    url: Type.String({
      pattern: '^(?:grpcs?://)?[^\\s/@?#]+$',
      description:
        'Receiver: host:port (encrypted when there is `tls`), grpc://host:port (plain) or grpcs://host:port (encrypted). Port: 50051.',
      examples: ['brain.example:50051', 'grpcs://brain.example'],
    }),
    tls: Type.Optional(TlsSchema),
    token: Type.Optional(
      Type.String({
        minLength: 1,
        secret: true,
        description: 'Token that is shown to the receiver, for example "${BRAIN_TOKEN}".',
      }),
    ),
    keepalive: Type.Optional(
      durationSchema({
        default: '6m',
        description:
          'Longest silence on the line before a ping; 0: none. Many servers throw out clients that ping more often than every 5 minutes.',
      }),
    ),
  },
  { description: 'Sends readings, alarms and events to a gRPC receiver: the brain, central, or your own.' },
)

export type GrpcUplinkConfig = StaticDecode<typeof GrpcUplinkSchema>
