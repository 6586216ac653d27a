// The configuration of the brain as the other rooms take it: typed, decoded, everything defaulted, paths absolute.
// Durations are milliseconds, sizes bytes.

import type { TlsFiles } from './service-keys.ts'

export interface BrainConfig {
  readonly listen: { readonly host: string; readonly port: number }
  /** null: not encrypted. */
  readonly tls: TlsFiles | null
  readonly http: { readonly host: string; readonly port: number }
  /** Absolute. */
  readonly data: string
  readonly tokens: readonly BrainToken[]
  /** null: the embedded database in the data folder. */
  readonly databaseUrl: string | null
  readonly redisUrl: string | null
  readonly limits: BrainLimitsConfig
  readonly actions: BrainActionsConfig
  readonly webhooks: { readonly allowPrivate: boolean; readonly timeoutMs: number }
  readonly analytics: BrainAnalyticsConfig
  readonly reports: readonly BrainReport[]
  readonly smtp: SmtpConfig | null
  readonly mqtt: MqttConfig | null
  /** Where traces go by OTLP; null: nothing is traced. */
  readonly traceEndpoint: string | null
}

export type BrainRole = 'gateway' | 'viewer' | 'engineer' | 'admin'

export interface BrainToken {
  readonly name: string
  readonly token: string
  readonly tenant: string
  readonly role: BrainRole
  /** Empty: any. */
  readonly gateways: readonly string[]
}

export interface BrainLimitsConfig {
  readonly maxMessageBytes: number
  readonly maxRecords: number
  readonly maxRulesPerTenant: number
  readonly maxWindowKeys: number
  readonly maxWindowValues: number
  readonly maxPendingActions: number
  readonly callTimeoutMs: number
}

export interface BrainActionsConfig {
  readonly attempts: number
  readonly firstRetryMs: number
  readonly maxRetryMs: number
}

export interface BrainAnalyticsConfig {
  /** For each tenant. */
  readonly maxReadings: number
  readonly maxAgeMs: number
  readonly threads: number
}

export interface BrainReport {
  readonly name: string
  readonly tenant: string
  readonly title: string
  readonly sensors: readonly string[]
  readonly everyMs: number
  readonly mailTo: readonly string[]
}

export interface SmtpConfig {
  readonly host: string
  readonly port: number
  readonly tls: 'starttls' | 'implicit' | 'none'
  readonly user: string | null
  readonly password: string | null
  readonly from: string
}

export interface MqttConfig {
  readonly url: string
  readonly user: string | null
  readonly password: string | null
}
