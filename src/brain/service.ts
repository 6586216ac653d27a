// What a service of the brain is, and what the brain lends it. A service adds itself to the gRPC server in `register`; the
// composition (brain.ts) starts and stops all of them.

import type { JsonObject } from '@bufbuild/protobuf'
import type { Database } from '#backing/database.ts'
import type { Severity } from '#domain/check.ts'
import type { Log } from '#domain/driver.ts'
import type { Clock } from '#kit/clock.ts'
import type { Registry } from '#kit/metrics.ts'
import type { KnownSensor } from '#rpc/dictionary.ts'
import type { ReceivedBatch } from '#rpc/received-batch.ts'
import type { RpcServer } from '#rpc/server.ts'

/** What a token allows: hand in records; read and evaluate; change rules and models. */
export type Scope = 'ingest' | 'read' | 'write'

/** Who calls, by the token. */
export interface Caller {
  /** Name of the token. */
  readonly name: string
  readonly tenant: string
  readonly scopes: ReadonlySet<Scope>
  /** Gateways that it may speak for; null: any of the tenant. */
  readonly gateways: ReadonlySet<string> | null
}

/** What a handler of grpc-js is given, as far as it is needed to know the caller. */
export interface AnyCall {
  readonly metadata: object
}

/** Records that the brain has taken from a gateway for the first time: never a repeat, never one that was refused. */
export interface AcceptedRecords {
  readonly tenant: string
  readonly gateway: string
  /** Valid only during the call: copy what is kept. */
  readonly batch: ReceivedBatch
  /** Rows of the batch that are new, rising; alarms and events (`batch.entries`) are among them. */
  readonly rows: readonly number[]
  sensor(number: number): KnownSensor | undefined
}

/** Called for each batch, before its acknowledgement. Must be quick, must not throw. */
export type RecordListener = (records: AcceptedRecords) => void

export interface RecordFeed {
  /** Answers the end of the subscription. `tenant` null: of every tenant. */
  subscribe(tenant: string | null, listener: RecordListener): () => void
}

/** What may be lost: a restart, or a Redis that is away, makes everything slower, nothing wrong. */
export interface Cache {
  /** null when it is not there, or the cache is away. */
  get(key: string): Promise<string | null>
  set(key: string, value: string, ttlMs: number): Promise<void>
  delete(key: string): Promise<void>
}

/** Sends one e-mail through the configured server; durable and retried (see actions). */
export type SendMail = (mail: {
  readonly tenant: string
  readonly to: readonly string[]
  readonly subject: string
  readonly text: string
}) => Promise<void>

/** Something that the brain itself has found about a sensor. */
export interface Finding {
  /** The same finding told again has the same id. */
  readonly id: string
  readonly tenant: string
  readonly gateway: string
  /** Full id. */
  readonly sensor: string
  /** What spoke; ids of rules have no colon. */
  readonly speaker: { readonly id: string; readonly name: string }
  /** Of the event that rules are judged by, for example `model-drift`. */
  readonly type: string
  readonly severity: Severity
  /** For people. */
  readonly message: string
  /** Unix milliseconds. */
  readonly time: number
  readonly data: JsonObject
}

/** Tells a finding as rules tell: an alert to its gateway, and an event that the tenant's rules are judged by. Durable, then carried out. */
export type TellFinding = (finding: Finding) => Promise<void>

export interface BrainLimits {
  /** Largest message taken from a client, in bytes. */
  readonly maxMessageBytes: number
  /** Records or points in one call. */
  readonly maxRecords: number
  readonly maxRulesPerTenant: number
  /** Keys that one window of one rule keeps apart. */
  readonly maxWindowKeys: number
  /** Values that all windows hold together. */
  readonly maxWindowValues: number
  /** Actions that wait to be carried out. */
  readonly maxPendingActions: number
  /** Unary calls without a deadline get this one; milliseconds. */
  readonly callTimeoutMs: number
}

export interface BrainContext {
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
  readonly database: Database
  /** null: none is configured. */
  readonly cache: Cache | null
  /** Absolute folder of the brain's files. */
  readonly dataDir: string
  readonly limits: BrainLimits
  readonly feed: RecordFeed
  /** null: no mail server is configured. */
  readonly sendMail: SendMail | null
  readonly tell: TellFinding
  /** Uniform in [0, 1). */
  readonly random: () => number
  /**
   * The caller of a call, who must have `scope`. Throws CallError UNAUTHENTICATED or PERMISSION_DENIED; let `statusOf` of
   * rpc/answers.ts turn errors into statuses.
   */
  caller(call: AnyCall, scope: Scope): Caller
}

export interface BrainService {
  /** Full name for grpc.health.v1, for example `telemetryx.v1.RulesService`. */
  readonly name: string
  /** Adds the service to the server; called once, before `start`. */
  register(server: RpcServer, context: BrainContext): void
  /** Before the server listens. */
  start(signal: AbortSignal): Promise<void>
  /** Before the server stops: ends streams that would not end by themselves. */
  leave?(): void
  /** After the server has stopped. Safe to call twice. */
  stop(signal: AbortSignal): Promise<void>
}
