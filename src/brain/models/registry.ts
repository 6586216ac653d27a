// Models with their versions in the database; those in use are kept here too, so that they score on while the database is away.

import type { Database, Queryable } from '#backing/database.ts'
import type { Clock } from '#kit/clock.ts'
import { isTelemetryError, TelemetryError } from '#domain/errors.ts'
import { SCHEMA } from '../analytics/history-schema.ts'
import type { DetectorSpec } from '../analytics/detector-spec.ts'
import { CallError } from '../rpc/answers.ts'
import type { Evaluation } from './evaluate.ts'
import { decodeModel, type TrainedModel } from './model.ts'
import type { StoredBody } from './training-jobs.ts'

export type ModelState = 'candidate' | 'active' | 'retired'

/** What is known of a version beside what it scores with. */
export interface ModelDescription {
  readonly kind: TrainedModel['kind']
  readonly sensors: readonly string[]
  /** '': readings of all gateways, or handed in. */
  readonly gateway: string
  readonly spec: DetectorSpec
  /** null: readings as they came. */
  readonly everyMs: number | null
  readonly trainedOn: number
  readonly evaluation: Evaluation
  readonly activeScore: number | null
  readonly createdBy: string
}

export interface ModelRecord {
  readonly tenant: string
  readonly name: string
  readonly version: number
  readonly state: ModelState
  /** Unix milliseconds. */
  readonly createdAt: number
  readonly promotedAt: number | null
  readonly description: ModelDescription
  readonly checksum: string
  readonly bytes: number
}

export interface StoredModel {
  readonly record: ModelRecord
  readonly body: Uint8Array
  readonly model: TrainedModel
}

interface ModelRow extends Record<string, unknown> {
  readonly tenant: string
  readonly name: string
  readonly version: number
  readonly state: ModelState
  readonly created_at: number
  readonly promoted_at: number | null
  readonly description: string
  readonly checksum: string
  readonly bytes: number
}

const COLUMNS = `tenant, name, version, state, created_at, promoted_at, description, checksum, length(body) AS bytes`
const MAX_VERSIONS = 100
const MAX_CACHED = 200
/** Worse by no more than this is as good: evaluations have some noise. */
const TOLERANCE = 0.02

export interface RegistryOptions {
  readonly database: Database
  readonly clock: Clock
  /** Resolves when the tables are there. */
  ready(): Promise<void>
  /** Told after every change of what is in use. */
  onChange(): void
}

export class ModelRegistry {
  readonly #options: RegistryOptions
  /** By tenant, name and version; the least recently used first. */
  readonly #cache = new Map<string, StoredModel>()
  /** By tenant and name: the version that was last known to be in use. */
  readonly #active = new Map<string, number>()

  constructor(options: RegistryOptions) {
    this.#options = options
  }

  /** Reads all models in use, so that the first call after a restart is as fast as any. Answers them. */
  async warm(): Promise<StoredModel[]> {
    await this.#options.ready()
    const rows = await this.#options.database.query<ModelRow & { body: Uint8Array }>(
      `SELECT ${COLUMNS}, body FROM ${SCHEMA}.model WHERE state = 'active' ORDER BY promoted_at DESC LIMIT ${MAX_CACHED}`,
    )
    return rows.flatMap((row) => {
      try {
        return [this.#remember(row)]
      } catch {
        return [] // told to whoever asks for it
      }
    })
  }

  /** Models in use that are known here. */
  *inUse(): Generator<StoredModel> {
    for (const [key, version] of this.#active) {
      const stored = this.#cache.get(`${key}\0${version}`)
      if (stored !== undefined) yield stored
    }
  }

  /** `version` null: the one in use. Throws NOT_FOUND, STORE_CORRUPT, and what the database says when it is not known here. */
  async load(tenant: string, name: string, version: number | null): Promise<StoredModel> {
    const active = this.#active.get(`${tenant}\0${name}`)
    try {
      const record = await this.get(tenant, name, version)
      const cached = this.#cache.get(keyOf(record))
      if (cached !== undefined && cached.record.checksum === record.checksum) return this.#touch({ ...cached, record })
      return this.#remember(await this.#rowWithBody(record))
    } catch (cause) {
      const known = this.#cache.get(`${tenant}\0${name}\0${version ?? active ?? 0}`)
      const isAway = isTelemetryError(cause) && cause.retryable
      if (known === undefined || !isAway) throw cause
      return known
    }
  }

  async get(tenant: string, name: string, version: number | null): Promise<ModelRecord> {
    await this.#options.ready()
    const [row] = await this.#options.database.query<ModelRow>(
      `SELECT ${COLUMNS} FROM ${SCHEMA}.model
       WHERE tenant = $1 AND name = $2 AND ($3::int IS NULL AND state = 'active' OR version = $3::int)`,
      [tenant, name, version],
    )
    if (row === undefined) throw notFound(name, version)
    return recordOf(row)
  }

  /** By name, the newest version first; behind `after`. */
  async list(
    tenant: string,
    { after, limit, name }: { name: string; after: { name: string; version: number } | null; limit: number },
  ): Promise<ModelRecord[]> {
    await this.#options.ready()
    const rows = await this.#options.database.query<ModelRow>(
      `SELECT ${COLUMNS} FROM ${SCHEMA}.model
       WHERE tenant = $1 AND ($2 = '' OR name = $2) AND ($3::text IS NULL OR name > $3 OR name = $3 AND version < $4::int)
       ORDER BY name, version DESC LIMIT $5`,
      [tenant, name, after?.name ?? null, after?.version ?? null, limit],
    )
    return rows.map(recordOf)
  }

  /** Stores a candidate under the next version. Throws RESOURCE_EXHAUSTED when a model has too many. */
  async add(tenant: string, name: string, description: ModelDescription, stored: StoredBody): Promise<ModelRecord> {
    await this.#options.ready()
    return this.#options.database.transaction(async (queryable) => {
      await lockName(queryable, tenant, name)
      const [known] = await queryable.query<{ count: number; last: number }>(
        `SELECT count(*)::int AS count, coalesce(max(version), 0) AS last FROM ${SCHEMA}.model WHERE tenant = $1 AND name = $2`,
        [tenant, name],
      )
      if (known!.count >= MAX_VERSIONS)
        throw new CallError('RESOURCE_EXHAUSTED', `${name} has ${MAX_VERSIONS} versions; delete some first`)
      const [row] = await queryable.query<ModelRow>(
        `INSERT INTO ${SCHEMA}.model (tenant, name, version, state, created_at, description, checksum, body)
         VALUES ($1, $2, $3, 'candidate', to_timestamp($4::float8 / 1000), $5, $6, $7::bytea) RETURNING ${COLUMNS}`,
        [
          tenant,
          name,
          known!.last + 1,
          this.#options.clock.now(),
          JSON.stringify(description),
          stored.checksum,
          stored.body,
        ],
      )
      return recordOf(row!)
    })
  }

  /** Throws NOT_FOUND; FAILED_PRECONDITION when it was judged worse than the one in use and `force` is not set. */
  async promote(tenant: string, name: string, version: number, force: boolean): Promise<ModelRecord> {
    const record = await this.#change(tenant, name, async (queryable) => {
      const [candidate] = await queryable.query<ModelRow>(
        `SELECT ${COLUMNS} FROM ${SCHEMA}.model WHERE tenant = $1 AND name = $2 AND version = $3`,
        [tenant, name, version],
      )
      if (candidate === undefined) throw notFound(name, version)
      const record = recordOf(candidate)
      if (record.state === 'active') return record
      if (!force) refuseWorse(record)
      return this.#use(queryable, record)
    })
    this.#options.onChange()
    return record
  }

  /** Throws NOT_FOUND; FAILED_PRECONDITION when no other version was in use before. */
  async rollBack(tenant: string, name: string): Promise<ModelRecord> {
    const record = await this.#change(tenant, name, async (queryable) => {
      const history = await queryable.query<{ id: number; version: number }>(
        `SELECT id, version FROM ${SCHEMA}.promotion WHERE tenant = $1 AND name = $2 ORDER BY id DESC`,
        [tenant, name],
      )
      if (history.length === 0) throw notFound(name, null)
      const before = history.find(({ version }) => version !== history[0]!.version)
      if (before === undefined)
        throw new CallError('FAILED_PRECONDITION', `No other version of ${name} was in use before`)
      // What was rolled back is forgotten, so that rolling back again goes further back.
      await queryable.query(`DELETE FROM ${SCHEMA}.promotion WHERE tenant = $1 AND name = $2 AND id >= $3`, [
        tenant,
        name,
        before.id,
      ])
      const [row] = await queryable.query<ModelRow>(
        `SELECT ${COLUMNS} FROM ${SCHEMA}.model WHERE tenant = $1 AND name = $2 AND version = $3`,
        [tenant, name, before.version],
      )
      return this.#use(queryable, recordOf(row!))
    })
    this.#options.onChange()
    return record
  }

  /** Answers how many versions are gone. Throws NOT_FOUND; FAILED_PRECONDITION for the version in use. */
  async delete(tenant: string, name: string, version: number | null): Promise<number> {
    await this.#options.ready()
    const rows = await this.#options.database.query<{ version: number }>(
      `DELETE FROM ${SCHEMA}.model
       WHERE tenant = $1 AND name = $2 AND ($3::int IS NULL OR version = $3::int AND state <> 'active') RETURNING version`,
      [tenant, name, version],
    )
    for (const row of rows) this.#cache.delete(`${tenant}\0${name}\0${row.version}`)
    if (rows.length === 0) {
      if (version !== null) await this.get(tenant, name, version)
      if (version === null) throw notFound(name, null)
      throw new CallError('FAILED_PRECONDITION', `Version ${version} of ${name} is in use`)
    }
    if (version === null) this.#active.delete(`${tenant}\0${name}`)
    this.#options.onChange()
    return rows.length
  }

  async #change(
    tenant: string,
    name: string,
    work: (queryable: Queryable) => Promise<ModelRecord>,
  ): Promise<ModelRecord> {
    await this.#options.ready()
    const record = await this.#options.database.transaction(async (queryable) => {
      await lockName(queryable, tenant, name)
      return work(queryable)
    })
    await this.load(tenant, name, record.version)
    return record
  }

  async #use(queryable: Queryable, { name, tenant, version }: ModelRecord): Promise<ModelRecord> {
    await queryable.query(
      `UPDATE ${SCHEMA}.model SET state = 'retired' WHERE tenant = $1 AND name = $2 AND state = 'active'`,
      [tenant, name],
    )
    const [row] = await queryable.query<ModelRow>(
      `UPDATE ${SCHEMA}.model SET state = 'active', promoted_at = to_timestamp($4::float8 / 1000)
       WHERE tenant = $1 AND name = $2 AND version = $3 RETURNING ${COLUMNS}`,
      [tenant, name, version, this.#options.clock.now()],
    )
    await queryable.query(`INSERT INTO ${SCHEMA}.promotion (tenant, name, version) VALUES ($1, $2, $3)`, [
      tenant,
      name,
      version,
    ])
    return recordOf(row!)
  }

  async #rowWithBody(record: ModelRecord): Promise<ModelRow & { body: Uint8Array }> {
    const { name, tenant, version } = record
    const [row] = await this.#options.database.query<ModelRow & { body: Uint8Array }>(
      `SELECT ${COLUMNS}, body FROM ${SCHEMA}.model WHERE tenant = $1 AND name = $2 AND version = $3`,
      [tenant, name, version],
    )
    if (row === undefined) throw notFound(name, version)
    return row
  }

  #remember(row: ModelRow & { readonly body: Uint8Array }): StoredModel {
    const record = recordOf(row)
    return this.#touch({ record, body: row.body, model: decodeModel(row.body, record.checksum) })
  }

  #touch(stored: StoredModel): StoredModel {
    const { record } = stored
    const name = `${record.tenant}\0${record.name}`
    if (record.state === 'active') this.#active.set(name, record.version)
    else if (this.#active.get(name) === record.version) this.#active.delete(name)
    const key = keyOf(record)
    this.#cache.delete(key)
    this.#cache.set(key, stored)
    for (const oldest of this.#cache.keys()) {
      if (this.#cache.size <= MAX_CACHED) break
      this.#cache.delete(oldest)
    }
    return stored
  }
}

/** One at a time changes a model: held until the transaction ends. */
async function lockName(queryable: Queryable, tenant: string, name: string): Promise<void> {
  await queryable.query('SELECT pg_advisory_xact_lock(hashtext($1::text), hashtext($2::text))', [
    SCHEMA,
    `${tenant} ${name}`,
  ])
}

function refuseWorse({ description, name, version }: ModelRecord): void {
  const { activeScore, evaluation } = description
  if (activeScore === null || evaluation.score >= activeScore - TOLERANCE) return
  throw new CallError(
    'FAILED_PRECONDITION',
    `Version ${version} of ${name} was judged ${evaluation.score.toFixed(3)}, the one in use ${activeScore.toFixed(3)} on the same points`,
  )
}

function keyOf({ name, tenant, version }: Pick<ModelRecord, 'tenant' | 'name' | 'version'>): string {
  return `${tenant}\0${name}\0${version}`
}

function recordOf(row: ModelRow): ModelRecord {
  const { bytes, checksum, created_at, description, name, promoted_at, state, tenant, version } = row
  return {
    tenant,
    name,
    version,
    state,
    createdAt: created_at,
    promotedAt: promoted_at,
    description: JSON.parse(description) as ModelDescription, // written by `add`
    checksum,
    bytes,
  }
}

function notFound(name: string, version: number | null): TelemetryError {
  const what = version === null ? `No version of ${name} is in use` : `${name} has no version ${version}`
  return new TelemetryError('NOT_FOUND', what)
}
