// What one gateway answers at a time and in a minute, so that no program takes it away from the plant: `http.limits`.

import { Type } from 'typebox'
import { section, sizeSchema } from '#domain/schema.ts'

export interface HttpLimits {
  readonly maxBodyBytes: number
  /** Requests of one address in a minute. IPv6: of one /64. */
  readonly addressPerMinute: number
  /** Requests of one user or token in a minute, from wherever. */
  readonly accountPerMinute: number
  readonly connections: number
  readonly addressConnections: number
  readonly liveClients: number
  readonly addressLiveClients: number
  readonly queries: number
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  maxBodyBytes: 1024 * 1024,
  addressPerMinute: 12_000,
  accountPerMinute: 12_000,
  connections: 1024,
  addressConnections: 768,
  liveClients: 256,
  addressLiveClients: 240,
  queries: 32,
}

export const MIN_BODY_BYTES = 16 * 1024
export const MAX_BODY_BYTES = 64 * 1024 * 1024

const count = (key: keyof HttpLimits, maximum: number, description: string) =>
  Type.Integer({ minimum: 1, maximum, default: DEFAULT_HTTP_LIMITS[key], description })

export const HttpLimitsSchema = section(
  {
    maxBody: sizeSchema({
      default: '1MiB',
      description: 'Largest body of a request, 16KiB to 64MiB; configurations may have 16MiB whatever stands here.',
    }),
    addressPerMinute: count(
      'addressPerMinute',
      10_000_000,
      'Requests of one address in a minute (IPv6: one /64), counted before anybody is asked who they are.',
    ),
    accountPerMinute: count('accountPerMinute', 10_000_000, 'Requests of one user or token in a minute.'),
    connections: count('connections', 65_535, 'Open connections.'),
    addressConnections: count(
      'addressConnections',
      65_535,
      'Open connections of one address; behind a proxy all have its address.',
    ),
    liveClients: count('liveClients', 10_000, 'Open live feeds (WebSocket).'),
    addressLiveClients: count('addressLiveClients', 10_000, 'Open live feeds of one address.'),
    queries: count('queries', 1000, 'Queries of the history that run at once; further ones are answered 503.'),
  },
  {
    description:
      'What the API answers at a time and in a minute; beyond it 413, 429 or 503, or the connection is closed.',
  },
)
