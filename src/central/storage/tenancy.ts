// Tenants and their API keys.

import type { Queryable } from '#backing/database.ts'
import { TelemetryError } from '#domain/errors.ts'
import { isId } from '#domain/ids.ts'
import { cleanText } from '../ingest/clean-text.ts'
import type { ApiKeyRecord, NewApiKey, PageQuery, Tenancy, TenantNumber, TenantRecord } from '../ports.ts'
import { auditPort } from './audit.ts'
import { documentsPort } from './documents.ts'
import { keyOfCursor, pageOfRows } from './pages.ts'
import type { TenantDatabase } from './tenant-database.ts'

const MAX_ID = 64
const MAX_NAME = 200

interface TenantRow {
  readonly [name: string]: unknown
  readonly number: number
  readonly id: string
  readonly name: string
  readonly is_active: boolean
  readonly created_at: number
  readonly revision: number
}

interface KeyRow {
  readonly [name: string]: unknown
  readonly id: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly gateway: string | null
  readonly created_at: number
  readonly created_by: string
  readonly expires_at: number | null
  readonly last_used_at: number | null
  readonly revoked_at: number | null
}

const TENANT = 'number, id, name, is_active, created_at, revision'
const KEY = 'id, name, scopes, gateway, created_at, created_by, expires_at, last_used_at, revoked_at'

export function tenancyPort(database: TenantDatabase, now: () => number): Tenancy {
  return { ...tenants(database), ...keys(database, now), ...auditPort(database), ...documentsPort(database) }
}

function tenants(database: TenantDatabase): Pick<Tenancy, 'list' | 'get' | 'byNumber' | 'create' | 'update'> {
  const one = async (where: string, value: string | number): Promise<TenantRecord | null> => {
    const ask = (queryable: Queryable) =>
      queryable.query<TenantRow>(`SELECT ${TENANT} FROM central.tenant WHERE number > 0 AND ${where}`, [value])
    const [row] = await database.platform(ask)
    return row ? tenantOf(row) : null
  }
  return {
    list: (page) => listTenants(database, page),
    get: (id) => one('id = $1', cleanText(id)),
    byNumber: (number) => one('number = $1', number),
    async create({ id, name }) {
      if (!isId(id) || id.length > MAX_ID) throw new TelemetryError('OUT_OF_RANGE', `${id} is no id of a tenant`)
      const [row] = await database.platform((queryable) =>
        queryable.query<TenantRow>(`INSERT INTO central.tenant (id, name) VALUES ($1, $2) RETURNING ${TENANT}`, [
          id,
          cleanText(name, MAX_NAME),
        ]),
      )
      return tenantOf(row!)
    },
    async update(id, { isActive, name }, ifRevision) {
      const row = await database.platform(async (queryable) => {
        const [changed] = await queryable.query<TenantRow>(
          `UPDATE central.tenant SET name = coalesce($2, name), is_active = coalesce($3::bool, is_active), revision = revision + 1
           WHERE number > 0 AND id = $1 AND ($4::int IS NULL OR revision = $4) RETURNING ${TENANT}`,
          [cleanText(id), name === undefined ? null : cleanText(name, MAX_NAME), isActive ?? null, ifRevision],
        )
        return (
          changed ??
          (await notChanged(queryable, 'SELECT FROM central.tenant WHERE id = $1', [cleanText(id)], `tenant ${id}`))
        )
      })
      return tenantOf(row)
    },
  }
}

async function listTenants(database: TenantDatabase, { cursor, limit }: PageQuery) {
  const [after = ''] = keyOfCursor(cursor, ['string']) ?? []
  const rows = await database.platform((queryable) =>
    queryable.query<TenantRow>(
      `SELECT ${TENANT} FROM central.tenant WHERE number > 0 AND id COLLATE "C" > $1 ORDER BY id COLLATE "C" LIMIT $2`,
      [after, limit + 1],
    ),
  )
  return pageOfRows(rows, limit, { item: tenantOf, key: ({ id }) => [id] })
}

/** Nothing was changed: because it is not there, or because somebody else changed it before. */
export async function notChanged(
  queryable: Queryable,
  ask: string,
  values: readonly unknown[],
  what: string,
): Promise<never> {
  const rows = await queryable.query(ask, values)
  if (rows.length === 0) throw new TelemetryError('NOT_FOUND', `There is no ${what}`)
  throw new TelemetryError('STALE', `The ${what} was changed by someone else meanwhile`)
}

function keys(database: TenantDatabase, now: () => number): Pick<Tenancy, 'addKey' | 'keys' | 'revokeKey' | 'findKey'> {
  return {
    addKey: (tenant, key) => addKey(database, tenant, key),
    async keys(tenant, { cursor, limit }) {
      const [after = ''] = keyOfCursor(cursor, ['string']) ?? []
      const rows = await database.read(tenant, (queryable) =>
        queryable.query<KeyRow>(
          `SELECT ${KEY} FROM central.api_key WHERE tenant = $1 AND id COLLATE "C" > $2 ORDER BY id COLLATE "C" LIMIT $3`,
          [tenant, after, limit + 1],
        ),
      )
      return pageOfRows(rows, limit, { item: keyRecord, key: ({ id }) => [id] })
    },
    async revokeKey(tenant, id) {
      const [row] = await database.write(tenant, (queryable) =>
        queryable.query<KeyRow>(
          `UPDATE central.api_key SET revoked_at = coalesce(revoked_at, to_timestamp($3::float8 / 1000)) WHERE tenant = $1 AND id = $2 RETURNING ${KEY}`,
          [tenant, cleanText(id), now()],
        ),
      )
      if (!row) throw new TelemetryError('NOT_FOUND', `There is no key ${id}`)
      return keyRecord(row)
    },
    findKey: (hash) => findKey(database, hash, now()),
  }
}

async function addKey(database: TenantDatabase, tenant: TenantNumber, key: NewApiKey): Promise<ApiKeyRecord> {
  const { createdBy, expiresAt, gateway, hash, id, name, scopes } = key
  const [row] = await database.write(tenant, (queryable) =>
    queryable.query<KeyRow>(
      `INSERT INTO central.api_key (tenant, id, name, scopes, gateway, created_by, expires_at, hash)
       VALUES ($1, $2, $3, $4, $5, $6, to_timestamp($7::float8 / 1000), $8::bytea) RETURNING ${KEY}`,
      [tenant, id, cleanText(name, MAX_NAME), scopes, gateway, cleanText(createdBy, MAX_NAME), expiresAt, hash],
    ),
  )
  return keyRecord(row!)
}

/** The hash alone opens its row; the tenant's own is looked at only then. */
function findKey(database: TenantDatabase, hash: Uint8Array, now: number): ReturnType<Tenancy['findKey']> {
  return database.holder(hash, async (queryable) => {
    const [row] = await queryable.query<KeyRow & { tenant: number }>(
      `SELECT tenant, ${KEY} FROM central.api_key WHERE hash = $1::bytea`,
      [hash],
    )
    if (row === undefined || row.revoked_at !== null || (row.expires_at !== null && row.expires_at <= now)) return null
    await queryable.query(`SELECT set_config('telemetryx.tenant', $1, true)`, [String(row.tenant)])
    const [tenant] = await queryable.query<TenantRow>(
      `SELECT ${TENANT} FROM central.tenant WHERE number = $1 AND is_active`,
      [row.tenant],
    )
    if (tenant === undefined) return null
    await queryable.query(
      `UPDATE central.api_key SET last_used_at = to_timestamp($3::float8 / 1000)
       WHERE tenant = $1 AND id = $2 AND (last_used_at IS NULL OR last_used_at < to_timestamp($3::float8 / 1000) - interval '1 minute')`,
      [row.tenant, row.id, now],
    )
    return { tenant: tenantOf(tenant), key: keyRecord(row) }
  })
}

function tenantOf({ created_at: createdAt, id, is_active: isActive, name, number, revision }: TenantRow): TenantRecord {
  return { number, id, name, isActive, createdAt, revision }
}

function keyRecord(row: KeyRow): ApiKeyRecord {
  const { created_at, created_by, expires_at, gateway, id, last_used_at, name, revoked_at, scopes } = row
  return {
    id,
    name,
    scopes,
    gateway,
    createdAt: created_at,
    createdBy: created_by,
    expiresAt: expires_at,
    lastUsedAt: last_used_at,
    revokedAt: revoked_at,
  }
}
