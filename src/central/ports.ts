// What central's API, live feed, stream and fleet ask of its storage. The tenant always comes first: nothing is read or written
// without one, and the database itself refuses what belongs to another (row-level security). What a tenant does not have is
// NOT_FOUND, whether or not another one has it. All methods may also throw UNAVAILABLE, CONNECTION_FAILED, CONNECTION_LOST and
// TIMEOUT (retryable) while the database is away.

import type { Alarm, Entry } from '#domain/alarm.ts'
import type { RevisionState } from '#domain/configuration.ts'
import type { Bucket, Page, RangeQuery, Statistics, StoredReading } from '#domain/history.ts'
import type { Position } from '#domain/journal.ts'
import type { Reading } from '#domain/reading.ts'
import type { ValueType } from '#domain/value.ts'
import type { ConfigurationOffer, GatewayRecord } from './gateway-record.ts'

/** Number of a tenant, from 1. Never given twice, never shown. */
export type TenantNumber = number

/** Owner of what belongs to no tenant: platform administrators, their audit. */
export const PLATFORM: TenantNumber = 0

/** A page by key: `cursor` is `next` of the page before. 1 ≤ limit ≤ 10,000. */
export interface PageQuery {
  readonly limit: number
  readonly cursor: string | null
}

export interface TenantRecord {
  readonly number: TenantNumber
  readonly id: string
  readonly name: string
  /** False: suspended; its keys and people are refused. */
  readonly isActive: boolean
  /** Unix milliseconds. */
  readonly createdAt: number
  /** Grows with each change: for ETags. */
  readonly revision: number
}

export interface ApiKeyRecord {
  /** Public part, by which it is listed and revoked. */
  readonly id: string
  readonly name: string
  readonly scopes: readonly string[]
  /** Bound to this gateway; null: any of its tenant. */
  readonly gateway: string | null
  readonly createdAt: number
  readonly createdBy: string
  readonly expiresAt: number | null
  /** Within a minute or so; null: never. */
  readonly lastUsedAt: number | null
  readonly revokedAt: number | null
}

export interface NewApiKey {
  readonly id: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly gateway: string | null
  readonly createdBy: string
  readonly expiresAt: number | null
  /** SHA-256 of the whole key: keys are long and random, so that this is enough. 32 bytes. */
  readonly hash: Uint8Array
}

export interface AuditRecord {
  readonly time: number
  readonly by: string
  readonly from: string
  readonly action: string
  /** HTTP status or another word for how it ended. */
  readonly outcome: string
  readonly details: Readonly<Record<string, unknown>>
}

export interface AuditFilters {
  /** Exactly. */
  readonly by?: string
  /** An action, or its first word: `user` finds `user.add`. */
  readonly action?: string
  /** `details.target`, exactly. */
  readonly target?: string
}

/** Something small that another part of central keeps: an account, a membership, an invitation. */
export interface DocumentRecord {
  readonly id: string
  readonly body: Readonly<Record<string, unknown>>
  readonly revision: number
  readonly changedAt: number
}

export interface Tenancy {
  /** By id. */
  list(page: PageQuery): Promise<Page<TenantRecord>>
  get(id: string): Promise<TenantRecord | null>
  byNumber(tenant: TenantNumber): Promise<TenantRecord | null>
  /** Throws CONFLICT (there is one with this id), OUT_OF_RANGE (no id). */
  create(tenant: { readonly id: string; readonly name: string }): Promise<TenantRecord>
  /** `ifRevision` null: whatever it is. Throws NOT_FOUND, STALE. */
  update(
    id: string,
    change: { readonly name?: string; readonly isActive?: boolean },
    ifRevision: number | null,
  ): Promise<TenantRecord>

  /** Throws CONFLICT. */
  addKey(tenant: TenantNumber, key: NewApiKey): Promise<ApiKeyRecord>
  /** By id, the revoked ones too. */
  keys(tenant: TenantNumber, page: PageQuery): Promise<Page<ApiKeyRecord>>
  /** Throws NOT_FOUND. Revoking twice changes nothing. */
  revokeKey(tenant: TenantNumber, id: string): Promise<ApiKeyRecord>
  /** Whose it is; null for an unknown, revoked or expired one, and when its tenant is suspended. Who knows no key finds none. */
  findKey(hash: Uint8Array): Promise<{ readonly tenant: TenantRecord; readonly key: ApiKeyRecord } | null>

  appendAudit(tenant: TenantNumber, record: AuditRecord): Promise<void>
  /** Newest first, of [from, to). */
  audit(
    tenant: TenantNumber,
    query: PageQuery & { readonly from: number; readonly to: number } & AuditFilters,
  ): Promise<Page<AuditRecord>>

  document(tenant: TenantNumber, kind: string, id: string): Promise<DocumentRecord | null>
  /** By id. */
  documents(tenant: TenantNumber, kind: string, page: PageQuery): Promise<Page<DocumentRecord>>
  /** Makes or replaces it. `ifRevision` null: whatever it is; 0: only when there is none. Throws STALE. At most 64 KiB. */
  putDocument(
    tenant: TenantNumber,
    kind: string,
    document: { readonly id: string; readonly body: Readonly<Record<string, unknown>> },
    ifRevision: number | null,
  ): Promise<DocumentRecord>
  /** False: there was none. */
  removeDocument(tenant: TenantNumber, kind: string, id: string): Promise<boolean>
}

/** What people add to a part of the model; at most 16 KiB, 50 tags of 64 characters. */
export interface Labels {
  readonly metadata: Readonly<Record<string, unknown>>
  readonly tags: readonly string[]
}

export interface FactoryRecord extends Labels {
  readonly id: string
  readonly name: string
  readonly revision: number
}

export interface MachineRecord extends Labels {
  readonly id: string
  readonly name: string
  readonly factory: string
  /** How many sensors it has. */
  readonly sensors: number
  readonly revision: number
}

/**
 * A sensor has the id that its gateway gives it, `device.sensor`; where a second gateway of the tenant has the same one, that
 * gateway's is `gateway.device.sensor` (docs/decisions/0019).
 */
export interface SensorRecord extends Labels {
  readonly number: number
  readonly id: string
  /** Who sends it: a gateway's id, or the name of a program. */
  readonly gateway: string
  readonly device: string
  /** The part after the last dot. */
  readonly name: string
  readonly machine: string
  readonly factory: string
  readonly unit: string
  readonly valueType: ValueType
  readonly writable: boolean
  readonly description: string
  readonly revision: number
}

export interface ModelPort {
  /** By id, as all lists here. */
  factories(tenant: TenantNumber, page: PageQuery): Promise<Page<FactoryRecord>>
  factory(tenant: TenantNumber, id: string): Promise<FactoryRecord | null>
  /** Throws CONFLICT (the id is taken), OUT_OF_RANGE (no id; too many). */
  createFactory(
    tenant: TenantNumber,
    factory: { readonly id: string; readonly name: string } & Partial<Labels>,
  ): Promise<FactoryRecord>
  /** What a gateway tells later does not undo it. Throws NOT_FOUND, STALE. */
  updateFactory(
    tenant: TenantNumber,
    id: string,
    change: { readonly name?: string } & Partial<Labels>,
    ifRevision: number | null,
  ): Promise<FactoryRecord>
  /** Throws NOT_FOUND, CONFLICT (it has machines). */
  removeFactory(tenant: TenantNumber, id: string): Promise<void>

  machines(tenant: TenantNumber, query: PageQuery & { readonly factory?: string }): Promise<Page<MachineRecord>>
  machine(tenant: TenantNumber, id: string): Promise<MachineRecord | null>
  /** Throws CONFLICT (the id is taken, or there is no such factory), OUT_OF_RANGE. */
  createMachine(
    tenant: TenantNumber,
    machine: { readonly id: string; readonly name: string; readonly factory: string } & Partial<Labels>,
  ): Promise<MachineRecord>
  updateMachine(
    tenant: TenantNumber,
    id: string,
    change: { readonly name?: string; readonly factory?: string } & Partial<Labels>,
    ifRevision: number | null,
  ): Promise<MachineRecord>
  /** Throws NOT_FOUND, CONFLICT (it has sensors). */
  removeMachine(tenant: TenantNumber, id: string): Promise<void>

  /** `q`: words that all occur in id, description or unit. */
  sensors(
    tenant: TenantNumber,
    query: PageQuery & {
      readonly machine?: string
      readonly gateway?: string
      readonly tag?: string
      readonly q?: string
    },
  ): Promise<Page<SensorRecord>>
  sensor(tenant: TenantNumber, id: string): Promise<SensorRecord | null>
  /** Throws NOT_FOUND, STALE, CONFLICT (there is no such machine). */
  updateSensor(
    tenant: TenantNumber,
    id: string,
    change: { readonly description?: string; readonly unit?: string; readonly machine?: string } & Partial<Labels>,
    ifRevision: number | null,
  ): Promise<SensorRecord>
  /** Its readings can no longer be asked for, and go with the retention. Sent again, it is a new one. Throws NOT_FOUND. */
  removeSensor(tenant: TenantNumber, id: string): Promise<void>
}

export interface LatestReading {
  readonly sensor: SensorRecord
  /** null before the first. */
  readonly reading: Reading | null
}

/** Each throws NOT_FOUND for a sensor that the tenant does not have. */
export interface ReadingsPort {
  /** Of all sensors or those of a machine or factory, by sensor id. */
  latest(
    tenant: TenantNumber,
    query: PageQuery & { readonly machine?: string; readonly factory?: string },
  ): Promise<Page<LatestReading>>
  latestOf(tenant: TenantNumber, sensor: string): Promise<LatestReading>
  readings(tenant: TenantNumber, query: RangeQuery): Promise<Page<StoredReading>>
  /** Numeric and boolean sensors. `everyMs` ≥ 1000; multiples of a minute or an hour are served from rollups. Throws OUT_OF_RANGE for text. */
  buckets(tenant: TenantNumber, query: RangeQuery & { readonly everyMs: number }): Promise<Page<Bucket>>
  statistics(tenant: TenantNumber, sensor: string, from: number, to: number): Promise<Statistics>
}

export interface CentralAlarm {
  readonly gateway: string
  /** `alarm.sensor` is the sensor's id at central. */
  readonly alarm: Alarm
  /** Of the sensor today; null when it is gone. */
  readonly machine: string | null
  readonly unit: string | null
}

export interface JournalItem {
  readonly gateway: string
  readonly position: Position
  readonly entry: Entry
}

/** What a rule or detector of the brain said. */
export interface BrainAlert {
  /** Unique for a tenant: the same one again changes nothing. */
  readonly id: string
  readonly rule: string
  readonly ruleName: string
  readonly severity: 'low' | 'medium' | 'high' | 'urgent'
  readonly message: string
  /** Empty when it is about several, or about none. */
  readonly gateway: string
  readonly sensor: string
  readonly time: number
  readonly data: Readonly<Record<string, unknown>>
}

export interface AlarmsPort {
  /** Open ones (active, or something is left to do), newest raise first. */
  open(tenant: TenantNumber, query: PageQuery & { readonly gateway?: string }): Promise<Page<CentralAlarm>>
  get(tenant: TenantNumber, gateway: string, id: string): Promise<CentralAlarm | null>
  /** Those of one sensor that were active at some moment of [from, to), newest raise first. Throws NOT_FOUND. */
  occurrences(
    tenant: TenantNumber,
    query: PageQuery & {
      readonly sensor: string
      readonly checkTypes: readonly string[]
      readonly from: number
      readonly to: number
    },
  ): Promise<Page<CentralAlarm>>
  /** Transitions and events of [from, to), newest first. */
  journal(
    tenant: TenantNumber,
    query: PageQuery & {
      readonly kind: 'alarm' | 'event' | null
      readonly gateway?: string
      readonly from: number
      readonly to: number
    },
  ): Promise<Page<JournalItem>>
  /** True: it is new. */
  addAlert(tenant: TenantNumber, alert: BrainAlert): Promise<boolean>
  /** Newest first, of [from, to). */
  alerts(
    tenant: TenantNumber,
    query: PageQuery & { readonly from: number; readonly to: number },
  ): Promise<Page<BrainAlert>>
}

export interface GatewaysPort {
  list(tenant: TenantNumber, page: PageQuery): Promise<Page<GatewayRecord>>
  get(tenant: TenantNumber, gateway: string): Promise<GatewayRecord | null>
  /** It asks for its configuration. Answers the plan that somebody wants to have of it, when it can plan; null: none. */
  asks(tenant: TenantNumber, gateway: string, canPlan: boolean): Promise<string | null>
  /** Forgets gateway and offers; sensors and readings stay. Throws NOT_FOUND. */
  remove(tenant: TenantNumber, gateway: string): Promise<void>
  /** At most 1 MiB. Throws NOT_FOUND, OUT_OF_RANGE. */
  offer(
    tenant: TenantNumber,
    gateway: string,
    offer: {
      readonly text: string
      readonly comment: string | null
      readonly by: string
      readonly base?: string | null
    },
  ): Promise<ConfigurationOffer>
  /** The last one; null: none. */
  offered(tenant: TenantNumber, gateway: string): Promise<ConfigurationOffer | null>
  /** Newest first. Throws NOT_FOUND. */
  offers(tenant: TenantNumber, gateway: string, page: PageQuery): Promise<Page<ConfigurationOffer>>
  /** What the gateway says became of it. Throws NOT_FOUND. */
  report(
    tenant: TenantNumber,
    gateway: string,
    revision: string,
    report: Pick<ConfigurationOffer, 'number' | 'reason' | 'problems'> & { readonly state: RevisionState },
  ): Promise<ConfigurationOffer>
}
