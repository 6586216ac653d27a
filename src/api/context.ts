// What every route gets: the views of the gateway, who is asking, and the typed Fastify instance that it registers on.

import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { HttpLimits } from '#config/http-limits.ts'
import type { Archives } from '#domain/archives.ts'
import type { ConfigurationDesk } from '#domain/configuration.ts'
import type { Exports } from '#domain/exports.ts'
import type { History } from '#domain/history.ts'
import type { IngestPort } from '#domain/ingest.ts'
import type { Licence } from '#domain/licence.ts'
import type { Scans } from '#domain/scan.ts'
import type { SecretDesk } from '#domain/secrets.ts'
import type {
  AlarmRegister,
  CheckDesk,
  DeviceDirectory,
  GatewayInfo,
  LatestValues,
  UplinkDirectory,
} from '#domain/views.ts'
import type { Clock } from '#kit/clock.ts'
import type { Logger } from '#kit/logger.ts'
import type { Registry } from '#kit/metrics.ts'
import type { AuditLog } from './audit/audit-log.ts'
import type { AuditDetails } from './audit/details.ts'
import type { Accounts } from './auth/accounts.ts'
import type { LocalAccess } from './auth/local-access.ts'
import type { Login } from './auth/login.ts'
import type { Access, Principal } from './auth/roles.ts'
import type { Sessions } from './auth/sessions.ts'
import type { Gate } from './gate.ts'
import type { LiveHub } from './live/hub.ts'
import type { TlsOptions } from './tls/certificate.ts'
import type { HttpsServers } from './tls/https-server.ts'

export interface ApiOptions {
  readonly http: {
    readonly host: string
    readonly port: number
    readonly auth: 'required' | 'none'
    /** null or absent: not encrypted. */
    readonly tls?: TlsOptions | null
    /** Absent: those of DEFAULT_HTTP_LIMITS. */
    readonly limits?: HttpLimits
  }
  /** Folder of auth.json. */
  readonly dataDir: string
  readonly info: GatewayInfo
  readonly latest: LatestValues
  readonly alarms: AlarmRegister
  /** Operators who share the alarms; null or absent: as many as acted. */
  readonly alarmOperators?: () => number | null
  readonly history: History
  /** Absent: nothing is told of the checks. */
  readonly checks?: CheckDesk
  readonly devices: DeviceDirectory
  readonly uplinks: UplinkDirectory
  readonly registry: Registry
  /** Where readings of programs go; absent: nowhere. */
  readonly ingest?: IngestPort
  /** Changes the configuration; absent: it cannot be changed while the gateway runs. */
  readonly configuration?: ConfigurationDesk
  /** The store of secrets that the configuration refers to; absent: as `configuration`. */
  readonly secrets?: SecretDesk
  /** Folder of the built dashboard; null: not built. */
  readonly dashboardDir: string | null
  readonly clock: Clock
  readonly log: Logger
  /** Backups and support bundles; absent: they cannot be had by the API. */
  readonly archives?: Archives
  /** Hands out stored readings as files; absent: it cannot. */
  readonly exports?: Exports
  /** Looks for devices; absent: it cannot. */
  readonly scans?: Scans
  /** Of what is installed with the gateway; absent: nothing is told. */
  readonly licences?: () => Promise<readonly Licence[]>
  /** The last lines of the log, oldest first; absent: they are not kept. */
  readonly recentLog?: () => readonly string[]
}

export interface ApiContext {
  readonly options: ApiOptions
  readonly limits: HttpLimits
  readonly accounts: Accounts
  readonly local: LocalAccess
  readonly sessions: Sessions
  readonly login: Login
  readonly audit: AuditLog
  /** null: not encrypted. */
  readonly https: HttpsServers | null
  readonly live: LiveHub
  /** Bound on queries of the history that run at once. */
  readonly queries: Gate
}

export type ApiServer = FastifyInstance<Server, IncomingMessage, ServerResponse, FastifyBaseLogger, TypeBoxTypeProvider>

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call the route. */
    access?: Access
    /** Name of the change in the audit log; false: the route changes nothing. Default: method and path, unless it only reads. */
    audit?: string | false
  }
  interface FastifyRequest {
    /** Who is asking; null on a public route without credentials. */
    principal: Principal | null
    /** What the route tells the audit log of its change. */
    auditDetails: AuditDetails | null
  }
}
