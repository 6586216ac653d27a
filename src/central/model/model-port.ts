// Factories, machines and sensors as people see and change them.

import type { Queryable } from '#backing/database.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { ModelPort, TenantNumber } from '../ports.ts'
import { afterId, pageOfRows } from '../storage/pages.ts'
import { notChanged } from '../storage/tenancy.ts'
import type { TenantDatabase } from '../storage/tenant-database.ts'
import {
  checkedId,
  checkedLabels,
  checkedText,
  FACTORY,
  factoryOf,
  MACHINE,
  machineOf,
  type FactoryRow,
  type MachineRow,
} from './model-rows.ts'
import { cleanId, modelChanged } from './model-changed.ts'
import { sensorsPort } from './sensors-port.ts'

const MAX_NAME = 200
/** Factories, or machines, that a tenant can make by hand. */
const MAX_MADE = 10_000

type Factories = Pick<ModelPort, 'factories' | 'factory' | 'createFactory' | 'updateFactory' | 'removeFactory'>
type Machines = Pick<ModelPort, 'machines' | 'machine' | 'createMachine' | 'updateMachine' | 'removeMachine'>

export function modelPort(database: TenantDatabase): ModelPort {
  return { ...factories(database), ...machines(database), ...sensorsPort(database) }
}

function factories(database: TenantDatabase): Factories {
  const one = (queryable: Queryable, tenant: TenantNumber, id: string) =>
    queryable.query<FactoryRow>(`SELECT ${FACTORY} FROM central.factory WHERE tenant = $1 AND id = $2`, [tenant, id])
  return {
    async factories(tenant, page) {
      const [after, limit] = afterId(page)
      const rows = await database.read(tenant, (queryable) =>
        queryable.query<FactoryRow>(
          `SELECT ${FACTORY} FROM central.factory WHERE tenant = $1 AND id COLLATE "C" > $2 ORDER BY id COLLATE "C" LIMIT $3`,
          [tenant, after, limit + 1],
        ),
      )
      return pageOfRows(rows, limit, { item: factoryOf, key: ({ id }) => [id] })
    },
    async factory(tenant, id) {
      const [row] = await database.read(tenant, (queryable) => one(queryable, tenant, cleanId(id)))
      return row ? factoryOf(row) : null
    },
    async createFactory(tenant, { id, name, ...labels }) {
      const values = [tenant, checkedId(id, 'factory'), checkedText(name, MAX_NAME), ...checkedLabels(labels)]
      const [row] = await database.write(tenant, async (queryable) => {
        await checkRoom(queryable, tenant, 'factory')
        return queryable.query<FactoryRow>(
          `INSERT INTO central.factory (tenant, id, name, is_edited, metadata, tags)
           VALUES ($1, $2, $3, true, coalesce($4::jsonb, '{}'), coalesce($5::text[], '{}')) RETURNING ${FACTORY}`,
          values,
        )
      })
      return factoryOf(row!)
    },
    async updateFactory(tenant, id, { name, ...labels }, ifRevision) {
      const values = [tenant, cleanId(id), checkedText(name, MAX_NAME), ...checkedLabels(labels), ifRevision]
      const row = await database.write(tenant, async (queryable) => {
        const [changed] = await queryable.query<FactoryRow>(
          `UPDATE central.factory SET name = coalesce($3, name), is_edited = is_edited OR $3 IS NOT NULL,
             metadata = coalesce($4::jsonb, metadata), tags = coalesce($5::text[], tags), revision = revision + 1
           WHERE tenant = $1 AND id = $2 AND ($6::int IS NULL OR revision = $6) RETURNING ${FACTORY}`,
          values,
        )
        return (
          changed ??
          notChanged(
            queryable,
            'SELECT FROM central.factory WHERE tenant = $1 AND id = $2',
            [tenant, cleanId(id)],
            `factory ${id}`,
          )
        )
      })
      return factoryOf(row)
    },
    removeFactory: (tenant, id) => remove(database, tenant, { table: 'factory', id, has: 'machines' }),
  }
}

function machines(database: TenantDatabase): Machines {
  const one = (queryable: Queryable, tenant: TenantNumber, id: string) =>
    queryable.query<MachineRow>(`SELECT ${MACHINE} FROM central.machine AS m WHERE m.tenant = $1 AND m.id = $2`, [
      tenant,
      id,
    ])
  return {
    async machines(tenant, { factory, ...page }) {
      const [after, limit] = afterId(page)
      const rows = await database.read(tenant, (queryable) =>
        queryable.query<MachineRow>(
          `SELECT ${MACHINE} FROM central.machine AS m WHERE m.tenant = $1 AND m.id COLLATE "C" > $2 AND ($3::text IS NULL OR m.factory = $3)
           ORDER BY m.id COLLATE "C" LIMIT $4`,
          [tenant, after, factory === undefined ? null : cleanId(factory), limit + 1],
        ),
      )
      return pageOfRows(rows, limit, { item: machineOf, key: ({ id }) => [id] })
    },
    async machine(tenant, id) {
      const [row] = await database.read(tenant, (queryable) => one(queryable, tenant, cleanId(id)))
      return row ? machineOf(row) : null
    },
    async createMachine(tenant, { factory, id, name, ...labels }) {
      const values = [
        tenant,
        checkedId(id, 'machine'),
        checkedText(name, MAX_NAME),
        cleanId(factory),
        ...checkedLabels(labels),
      ]
      const [row] = await database.write(tenant, async (queryable) => {
        await checkRoom(queryable, tenant, 'machine')
        await queryable.query(
          `INSERT INTO central.machine (tenant, id, name, factory, is_edited, metadata, tags)
           VALUES ($1, $2, $3, $4, true, coalesce($5::jsonb, '{}'), coalesce($6::text[], '{}'))`,
          values,
        )
        return one(queryable, tenant, id)
      })
      return machineOf(row!)
    },
    async updateMachine(tenant, id, { factory, name, ...labels }, ifRevision) {
      const edits = [checkedText(name, MAX_NAME), checkedText(factory, MAX_NAME), ...checkedLabels(labels)]
      const [row] = await database.write(tenant, async (queryable) => {
        const changed = await queryable.query(
          `UPDATE central.machine SET name = coalesce($3, name), factory = coalesce($4, factory),
             is_edited = is_edited OR $3 IS NOT NULL OR $4 IS NOT NULL,
             metadata = coalesce($5::jsonb, metadata), tags = coalesce($6::text[], tags), revision = revision + 1
           WHERE tenant = $1 AND id = $2 AND ($7::int IS NULL OR revision = $7) RETURNING id`,
          [tenant, cleanId(id), ...edits, ifRevision],
        )
        const ask = 'SELECT FROM central.machine WHERE tenant = $1 AND id = $2'
        if (changed.length === 0) await notChanged(queryable, ask, [tenant, cleanId(id)], `machine ${id}`)
        await modelChanged(queryable, tenant)
        return one(queryable, tenant, id)
      })
      return machineOf(row!)
    },
    removeMachine: (tenant, id) => remove(database, tenant, { table: 'machine', id, has: 'sensors' }),
  }
}

async function remove(
  database: TenantDatabase,
  tenant: TenantNumber,
  { has, id, table }: { table: 'factory' | 'machine'; id: string; has: string },
): Promise<void> {
  try {
    await database.write(tenant, async (queryable) => {
      const rows = await queryable.query(`DELETE FROM central.${table} WHERE tenant = $1 AND id = $2 RETURNING id`, [
        tenant,
        cleanId(id),
      ])
      if (rows.length === 0) throw new TelemetryError('NOT_FOUND', `There is no ${table} ${id}`)
      await modelChanged(queryable, tenant)
    })
  } catch (cause) {
    if (cause instanceof TelemetryError && cause.code === 'CONFLICT')
      throw new TelemetryError('CONFLICT', `The ${table} ${id} has ${has}`, { cause })
    throw cause
  }
}

async function checkRoom(queryable: Queryable, tenant: TenantNumber, table: 'factory' | 'machine'): Promise<void> {
  const [row] = await queryable.query<{ count: number }>(`SELECT count(*) FROM central.${table} WHERE tenant = $1`, [
    tenant,
  ])
  if (row!.count >= MAX_MADE) throw new TelemetryError('OUT_OF_RANGE', `A tenant has at most ${MAX_MADE} of these`)
}
