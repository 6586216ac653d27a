// What every route of central gets: storage by ports, who is asking, and the typed Fastify instance that it registers on.

import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { AuditDetails } from '#api/audit/details.ts'
import type { HttpsServers } from '#api/tls/https-server.ts'
import type { CentralConfig } from '#config/central-config.ts'
import type { HealthReason } from '#domain/component.ts'
import type { Tracing } from '#domain/tracing.ts'
import type { Clock } from '#kit/clock.ts'
import type { Logger } from '#kit/logger.ts'
import type { Registry } from '#kit/metrics.ts'
import type { CentralBrain } from '../brain/central-brain.ts'
import type { IngestPort } from '../ingest-ports.ts'
import type { TenantLive } from '../live/tenant-live.ts'
import type { Authenticator } from '../people/authenticator.ts'
import type { Caller, Permission } from '../people/caller.ts'
import type { TenantLanes } from '../people/lanes.ts'
import type { Login } from '../people/login.ts'
import type { OidcVerifier } from '../people/oidc.ts'
import type { Sessions } from '../people/sessions.ts'
import type { Setup } from '../people/setup.ts'
import type { SharedValues } from '../people/shared-values.ts'
import type { Users } from '../people/users.ts'
import type { PlansPort } from '../plan-record.ts'
import type { AlarmsPort, GatewaysPort, ModelPort, ReadingsPort, Tenancy } from '../ports.ts'
import type { LiveFeed } from '../stream/live-feed.ts'

/** What the database keeps. */
export interface StoragePorts {
  readonly tenancy: Tenancy
  readonly model: ModelPort
  readonly readings: ReadingsPort
  readonly alarms: AlarmsPort
  readonly gateways: GatewaysPort
  readonly plans: PlansPort
}

export interface CentralApiOptions {
  readonly http: CentralConfig['http']
  /** Folder of what belongs to this process. */
  readonly dataDir: string
  /** Folder of the built pages; null, or without them: a page says how to build them. */
  readonly pagesDir: string | null
  readonly version: string
  readonly storage: StoragePorts
  readonly ingest: IngestPort
  readonly feed: LiveFeed
  /** null: people have accounts here only. */
  readonly oidc: OidcVerifier | null
  readonly shared: SharedValues
  /** null: none is configured. */
  readonly brain: CentralBrain | null
  /** null: nothing is traced. */
  readonly tracing: Tracing | null
  /** Empty when all is well. */
  readonly health: () => readonly HealthReason[]
  readonly registry: Registry
  readonly clock: Clock
  readonly log: Logger
}

export interface CentralContext {
  readonly options: CentralApiOptions
  readonly users: Users
  readonly sessions: Sessions
  readonly setup: Setup
  readonly login: Login
  readonly authenticator: Authenticator
  /** Bounds on queries of the database, by tenant. */
  readonly lanes: TenantLanes
  readonly live: TenantLive
  /** null: not encrypted. */
  readonly https: HttpsServers | null
}

export type CentralServer = FastifyInstance<
  Server,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of central: who may call the route. */
    permission?: Permission
    /** Of central: requests of one tenant are counted over all routes only. */
    isBulk?: boolean
  }
  interface FastifyRequest {
    /** Of central: who is asking; null on a public route without credentials. */
    caller: Caller | null
    /** Set by routes for the audit log. */
    auditDetails: AuditDetails | null
  }
}
