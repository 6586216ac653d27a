// The configuration of central as the other rooms take it: typed, decoded, everything defaulted, paths absolute.
// Durations are milliseconds, sizes bytes.

import type { CentralBrainConfig } from './central-brain.ts'
import type { TlsFiles } from './service-keys.ts'

export interface CentralConfig {
  /** Absolute path of the data folder. */
  readonly data: string
  readonly http: {
    readonly host: string
    readonly port: number
    /** Origin under which people reach it; null: where it listens. */
    readonly publicUrl: string | null
    readonly trustProxy: boolean
    /** Absolute paths; null: not encrypted. */
    readonly tls: { readonly cert: string; readonly key: string } | null
    readonly limits: CentralLimits
  }
  /** null: no gRPC. */
  readonly grpc: ListenConfig | null
  /** null: no lines over TCP. */
  readonly line: ListenConfig | null
  /** null: the embedded database in the data folder. */
  readonly databaseUrl: string | null
  readonly redisUrl: string | null
  readonly nats: NatsConfig | null
  readonly oidc: OidcConfig | null
  readonly retention: { readonly rawMs: number; readonly minuteMs: number; readonly hourMs: number }
  /** null: there is none. */
  readonly brain: CentralBrainConfig | null
  /** Where traces go by OTLP; null: nothing is traced. */
  readonly traceEndpoint: string | null
  /** Made at the start when they are missing. */
  readonly tenants: readonly { readonly id: string; readonly name: string }[]
}

export interface CentralLimits {
  readonly maxBodyBytes: number
  readonly addressPerMinute: number
  readonly tenantPerMinute: number
  readonly routePerMinute: number
  readonly queries: number
  readonly tenantQueries: number
  readonly tenantQueue: number
  readonly tenantLiveClients: number
}

export interface ListenConfig {
  readonly host: string
  readonly port: number
  /** null: not encrypted. */
  readonly tls: TlsFiles | null
}

export interface NatsConfig {
  readonly urls: readonly string[]
  /** Absolute path; null: none. */
  readonly credentials: string | null
  readonly replicas: number
  readonly partitions: number
  readonly maxBytes: number
  readonly takeOverMs: number
}

export interface OidcConfig {
  readonly issuer: string
  readonly audience: string
  readonly tenantClaim: string
  readonly roleClaim: string
  readonly clockSkewMs: number
}
