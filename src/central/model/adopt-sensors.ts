// Sensors that a gateway names: each gets a number at central, for good, and an id that is its own within the tenant.

import type { Queryable } from '#backing/database.ts'
import type { ValueType } from '#domain/value.ts'
import type { AdoptedSensor } from '../ingest-ports.ts'
import type { TenantNumber } from '../ports.ts'
import type { MachineName, ModelLimits, SensorRow } from './told.ts'

interface Owner {
  readonly tenant: TenantNumber
  readonly gateway: number
  readonly gatewayId: string
  readonly limits: ModelLimits
}

interface Kept {
  readonly key: string
  readonly number: number
  readonly id: string
  readonly machine: string
  readonly unit: string
  readonly value_type: ValueType
}

const COLUMNS = `value_type || ' ' || source_id AS key, number, id, machine, unit, value_type`

/** By key: how it is called here, or why it is not taken. */
export async function adoptSensors(
  queryable: Queryable,
  owner: Owner,
  rows: readonly SensorRow[],
  machineName: MachineName,
): Promise<Map<string, AdoptedSensor | string>> {
  const result = new Map<string, AdoptedSensor | string>()
  if (rows.length === 0) return result
  const kept = new Map((await known(queryable, owner, rows)).map((row) => [row.key, row]))
  const missing = rows.filter(({ key }) => !kept.has(key))
  const room = missing.length === 0 ? { count: 0, reason: '' } : await roomFor(queryable, owner)
  for (const { key } of missing.slice(room.count)) result.set(key, room.reason)
  for (const row of await make(queryable, owner, missing.slice(0, room.count), machineName)) kept.set(row.key, row)
  const changed = await update(
    queryable,
    owner,
    rows.filter(({ key }) => kept.has(key)),
    machineName,
  )
  for (const row of changed) kept.set(row.key, row)
  for (const [key, { id, machine, number, unit, value_type: valueType }] of kept)
    result.set(key, { number, id, machine, unit, valueType })
  return result
}

function known(queryable: Queryable, { gateway, tenant }: Owner, rows: readonly SensorRow[]): Promise<readonly Kept[]> {
  return queryable.query<Kept & { [name: string]: unknown }>(
    `SELECT ${COLUMNS} FROM central.sensor WHERE tenant = $1 AND gateway = $2 AND source_id = ANY($3)`,
    [tenant, gateway, rows.map(({ id }) => id)],
  )
}

async function roomFor(
  queryable: Queryable,
  { gateway, limits, tenant }: Owner,
): Promise<{ count: number; reason: string }> {
  const [row] = await queryable.query<{ all: number; own: number }>(
    'SELECT count(*) AS all, count(*) FILTER (WHERE gateway = $2) AS own FROM central.sensor WHERE tenant = $1',
    [tenant, gateway],
  )
  const own = limits.sensorsPerGateway - row!.own
  const all = limits.sensorsPerTenant - row!.all
  const reason =
    own <= all
      ? `A gateway has at most ${limits.sensorsPerGateway} sensors here, and this would be one more`
      : `A tenant has at most ${limits.sensorsPerTenant} sensors, and this would be one more`
  return { count: Math.max(0, Math.min(own, all)), reason }
}

async function make(
  queryable: Queryable,
  owner: Owner,
  rows: readonly SensorRow[],
  machineName: MachineName,
): Promise<readonly Kept[]> {
  if (rows.length === 0) return []
  const { gateway, gatewayId, tenant } = owner
  const taken = await queryable.query<{ id: string; own: boolean; source_id: string }>(
    `SELECT id, source_id, gateway = $2 AS own FROM central.sensor
     WHERE tenant = $1 AND (id = ANY($3) OR gateway = $2 AND source_id = ANY($3))`,
    [tenant, gateway, rows.map(({ id }) => id)],
  )
  // Another type of one that is known keeps its id.
  const own = new Map(taken.filter((row) => row.own).map(({ id, source_id }) => [source_id, id]))
  const others = new Set(taken.filter((row) => !row.own).map(({ id }) => id))
  const idOf = ({ id }: SensorRow): string => own.get(id) ?? (others.has(id) ? `${gatewayId}.${id}` : id)
  const newest = new Map(rows.map((row, index) => [row.id, index])) // of two types of one id the later is current
  await queryable.query(
    `UPDATE central.sensor SET is_current = false WHERE tenant = $1 AND gateway = $2 AND source_id = ANY($3) AND is_current`,
    [tenant, gateway, rows.map(({ id }) => id)],
  )
  return queryable.query<Kept & { [name: string]: unknown }>(
    // What was there before is looked up once: for each row by itself it takes the square of their number.
    `WITH old AS MATERIALIZED (SELECT DISTINCT ON (source_id) source_id, edited, metadata, tags FROM central.sensor
       WHERE tenant = $1 AND gateway = $2 AND source_id = ANY($3) ORDER BY source_id, number DESC)
     INSERT INTO central.sensor AS s
       (tenant, gateway, source_id, value_type, id, is_current, machine, unit, writable, description, edited, metadata, tags)
     SELECT $1, $2, told.source_id, told.value_type, told.id, told.is_current, told.machine, told.unit, told.writable, told.description,
       coalesce(old.edited, '{}'), coalesce(old.metadata, '{}'), coalesce(old.tags, '{}')
     FROM unnest($3::text[], $4::text[], $5::text[], $6::bool[], $7::text[], $8::text[], $9::bool[], $10::text[])
       AS told(source_id, value_type, id, is_current, machine, unit, writable, description)
     LEFT JOIN old ON old.source_id = told.source_id
     RETURNING ${COLUMNS}`,
    [
      tenant,
      gateway,
      rows.map(({ id }) => id),
      rows.map(({ valueType }) => valueType),
      rows.map(idOf),
      rows.map((row, index) => newest.get(row.id) === index),
      rows.map(machineName),
      rows.map(({ unit }) => unit),
      rows.map(({ writable }) => writable),
      rows.map(({ description }) => description),
    ],
  )
}

/** What the gateway now says otherwise, but for what people have changed here. */
function update(
  queryable: Queryable,
  { gateway, tenant }: Owner,
  rows: readonly SensorRow[],
  machineName: MachineName,
): Promise<readonly Kept[]> {
  return queryable.query<Kept & { [name: string]: unknown }>(
    `UPDATE central.sensor AS s SET
       unit = CASE WHEN 'unit' = ANY(s.edited) THEN s.unit ELSE told.unit END,
       machine = CASE WHEN 'machine' = ANY(s.edited) THEN s.machine ELSE told.machine END,
       description = CASE WHEN 'description' = ANY(s.edited) THEN s.description ELSE told.description END,
       writable = told.writable, revision = s.revision + 1
     FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::bool[], $8::text[])
       AS told(source_id, value_type, machine, unit, writable, description)
     WHERE s.tenant = $1 AND s.gateway = $2 AND s.source_id = told.source_id AND s.value_type = told.value_type AND (
       s.unit <> told.unit AND NOT 'unit' = ANY(s.edited) OR s.machine <> told.machine AND NOT 'machine' = ANY(s.edited)
       OR s.description <> told.description AND NOT 'description' = ANY(s.edited) OR s.writable <> told.writable)
     RETURNING s.value_type || ' ' || s.source_id AS key, s.number, s.id, s.machine, s.unit, s.value_type`,
    [
      tenant,
      gateway,
      rows.map(({ id }) => id),
      rows.map(({ valueType }) => valueType),
      rows.map(machineName),
      rows.map(({ unit }) => unit),
      rows.map(({ writable }) => writable),
      rows.map(({ description }) => description),
    ],
  )
}
