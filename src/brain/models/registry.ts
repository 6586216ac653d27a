// Models with their versions in the database, read through a cache: what it has scores on while the database is away.

import type { Database, Queryable } from '#backing/database.ts'
import type { Clock } from '#kit/clock.ts'
import { isTelemetryError, TelemetryError } from '#domain/errors.ts'
import { SCHEMA } from '../analytics/history-schema.ts'
import { CallError } from '../rpc/answers.ts'
import type { Cache } from '../service.ts'
import { decodeModel } from './model.ts'
import { ModelCache } from './model-cache.ts'
import {
  COLUMNS,
  recordOf,
  type ModelDescription,
  type ModelRecord,
  type ModelRow,
  type StoredModel,
} from './model-record.ts'
import type { StoredBody } from './training-jobs.ts'

const MAX_VERSIONS = 100
/** Read at the start. */
const MAX_WARM = 200
/** Worse by no more than this is as good: evaluations have some noise. */
const TOLERANCE = 0.02

export interface RegistryOptions {
  readonly database: Database
  readonly clock: Clock
  /** null: none is configured; models are in memory alone. */
  readonly cache: Cache | null
  /** Resolves when the tables are there. */
  ready(): Promise<void>
  /** Told after every change of what is in use. */
  onChange(): void
}

export class ModelRegistry {
  readonly #options: RegistryOptions
  readonly #cache: ModelCache
  /** By tenant and name: a change broke off, and only the database knows whether it came to pass. */
  readonly #unsure = new Set<string>()

  constructor(options: RegistryOptions) {
    this.#options = options
    this.#cache = new ModelCache(options.cache)
  }

  /** Reads all models in use, so that the first call after a restart is as fast as any. Answers them. */
  async warm(): Promise<StoredModel[]> {
    await this.#options.ready()
    const rows = await this.#options.database.query<ModelRow & { body: Uint8Array }>(
      `SELECT ${COLUMNS}, body FROM ${SCHEMA}.model WHERE state = 'active' ORDER BY promoted_at DESC LIMIT ${MAX_WARM}`,
    )
    const models: StoredModel[] = []
    for (const row of rows) {
      try {
        models.push(await this.#remember(row))
      } catch (cause) {
        if (!isTelemetryError(cause, 'STORE_CORRUPT')) throw cause // else told to whoever asks for it
      }
    }
    return models
  }

  /** Models in use that are known here. */
  inUse(): Iterable<StoredModel> {
    return this.#cache.inUse()
  }

  /** `version` null: the one in use. Throws NOT_FOUND, STORE_CORRUPT, and what the database says when it is not known here. */
  async load(tenant: string, name: string, version: number | null): Promise<StoredModel> {
    const known = this.#cache.known(tenant, name, version)
    const isUnsure = version === null && this.#unsure.has(nameOf(tenant, name))
    if (known !== null && !isUnsure) return known
    try {
      const stored = await this.#fromDatabase(tenant, name, version)
      if (isUnsure && this.#unsure.delete(nameOf(tenant, name))) this.#options.onChange()
      return stored
    } catch (cause) {
      if (!isAway(cause)) throw cause
      const last = known ?? (await this.#fromRedis(tenant, name, version))
      if (last === null) throw cause
      return last
    }
  }

  /** As it is now, and from then on in the cache. */
  async #fromDatabase(tenant: string, name: string, version: number | null): Promise<StoredModel> {
    const record = await this.get(tenant, name, version)
    const cached = await this.#cache.shared(tenant, name, record.version)
    if (cached?.record.checksum === record.checksum) return this.#cache.keep({ ...cached, record })
    return this.#remember(await this.#rowWithBody(record))
  }

  /** As it was last known there; null: not at all. */
  async #fromRedis(tenant: string, name: string, version: number | null): Promise<StoredModel | null> {
    const cached = await this.#cache.shared(tenant, name, version)
    if (cached === null) return null
    if (version !== null) return this.#cache.put(cached) // whether it is in use, Redis may have known long ago
    return this.#cache.keep({ ...cached, record: { ...cached.record, state: 'active' } })
  }

  /** Throws what the database says: before work that is for nothing when it is away. */
  async reach(): Promise<void> {
    await this.#options.ready()
    await this.#options.database.query('SELECT 1')
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
    for (const row of rows) await this.#cache.forget(tenant, name, row.version)
    if (rows.length === 0) {
      if (version !== null) await this.get(tenant, name, version)
      if (version === null) throw notFound(name, null)
      throw new CallError('FAILED_PRECONDITION', `Version ${version} of ${name} is in use`)
    }
    this.#options.onChange()
    return rows.length
  }

  async #change(
    tenant: string,
    name: string,
    work: (queryable: Queryable) => Promise<ModelRecord>,
  ): Promise<ModelRecord> {
    await this.#options.ready()
    try {
      const record = await this.#options.database.transaction(async (queryable) => {
        await lockName(queryable, tenant, name)
        return work(queryable)
      })
      await this.#cache.share(await this.#fromDatabase(tenant, name, record.version))
      this.#unsure.delete(nameOf(tenant, name))
      return record
    } catch (cause) {
      // A line that broke at the end of the transaction: nobody knows which version is in use until the database says so.
      if (isAway(cause)) this.#unsure.add(nameOf(tenant, name))
      throw cause
    }
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

  async #remember(row: ModelRow & { readonly body: Uint8Array }): Promise<StoredModel> {
    const record = recordOf(row)
    const stored = this.#cache.keep({ record, body: row.body, model: decodeModel(row.body, record.checksum) })
    await this.#cache.share(stored)
    return stored
  }
}

function isAway(cause: unknown): boolean {
  return isTelemetryError(cause) && cause.retryable
}

function nameOf(tenant: string, name: string): string {
  return `${tenant}:${name}`
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

function notFound(name: string, version: number | null): TelemetryError {
  const what = version === null ? `No version of ${name} is in use` : `${name} has no version ${version}`
  return new TelemetryError('NOT_FOUND', what)
}
