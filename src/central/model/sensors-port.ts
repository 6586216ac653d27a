// Sensors as people see and change them.

import type { Queryable } from '#backing/database.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { ModelPort, SensorRecord, TenantNumber } from '../ports.ts'
import { afterId, pageOfRows } from '../storage/pages.ts'
import { notChanged } from '../storage/tenancy.ts'
import type { TenantDatabase } from '../storage/tenant-database.ts'
import { cleanId, modelChanged } from './model-changed.ts'
import { checkedLabels, checkedText, SENSOR, sensorOf, SENSORS, type SensorRow } from './model-rows.ts'

type Sensors = Pick<ModelPort, 'sensors' | 'sensor' | 'updateSensor' | 'removeSensor'>

export function sensorsPort(database: TenantDatabase): Sensors {
  return {
    async sensors(tenant, { gateway, machine, q = '', tag, ...page }) {
      const [after, limit] = afterId(page)
      const words = q
        .toLowerCase()
        .split(/\s+/)
        .filter((word) => word !== '')
      const rows = await database.read(tenant, (queryable) =>
        queryable.query<SensorRow>(
          `SELECT ${SENSOR} FROM ${SENSORS}
           WHERE s.tenant = $1 AND s.is_current AND s.id COLLATE "C" > $2 AND ($3::text IS NULL OR s.machine = $3)
             AND ($4::text IS NULL OR g.id = $4) AND ($5::text IS NULL OR $5 = ANY(s.tags))
             AND NOT EXISTS (SELECT FROM unnest($6::text[]) AS word
               WHERE strpos(lower(s.id || ' ' || s.description || ' ' || s.unit), word) = 0)
           ORDER BY s.id COLLATE "C" LIMIT $7`,
          [tenant, after, ...[machine, gateway, tag].map(wordOrNull), words.map(cleanId), limit + 1],
        ),
      )
      return pageOfRows(rows, limit, { item: sensorOf, key: ({ id }) => [id] })
    },
    sensor: (tenant, id) => database.read(tenant, (queryable) => findSensor(queryable, tenant, id)),
    updateSensor: (tenant, id, change, ifRevision) => update(database, tenant, { id, change, ifRevision }),
    async removeSensor(tenant, id) {
      await database.write(tenant, async (queryable) => {
        const rows = await queryable.query(
          'DELETE FROM central.sensor WHERE tenant = $1 AND id = $2 RETURNING number',
          [tenant, cleanId(id)],
        )
        if (rows.length === 0) throw noSensor(id)
        await modelChanged(queryable, tenant)
      })
    },
  }
}

async function findSensor(queryable: Queryable, tenant: TenantNumber, id: string): Promise<SensorRecord | null> {
  const [row] = await queryable.query<SensorRow>(
    `SELECT ${SENSOR} FROM ${SENSORS} WHERE s.tenant = $1 AND s.is_current AND s.id = $2`,
    [tenant, cleanId(id)],
  )
  return row ? sensorOf(row) : null
}

async function update(
  database: TenantDatabase,
  tenant: TenantNumber,
  { change, id, ifRevision }: { id: string; change: Parameters<Sensors['updateSensor']>[2]; ifRevision: number | null },
): Promise<SensorRecord> {
  const { description, machine, unit, ...labels } = change
  const edited = Object.entries({ description, machine, unit }).flatMap(([name, value]) =>
    value === undefined ? [] : [name],
  )
  const values = [
    checkedText(description, 1000),
    checkedText(unit, 64),
    checkedText(machine, 256),
    edited,
    ...checkedLabels(labels),
  ]
  const sensor = await database.write(tenant, async (queryable) => {
    const changed = await queryable.query(
      `UPDATE central.sensor SET description = coalesce($3, description), unit = coalesce($4, unit), machine = coalesce($5, machine),
         edited = ARRAY(SELECT DISTINCT unnest(edited || $6::text[])), metadata = coalesce($7::jsonb, metadata),
         tags = coalesce($8::text[], tags), revision = revision + 1
       WHERE tenant = $1 AND id = $2 AND is_current AND ($9::int IS NULL OR revision = $9) RETURNING number`,
      [tenant, cleanId(id), ...values, ifRevision],
    )
    const ask = 'SELECT FROM central.sensor WHERE tenant = $1 AND id = $2 AND is_current'
    if (changed.length === 0) await notChanged(queryable, ask, [tenant, cleanId(id)], `sensor ${id}`)
    await modelChanged(queryable, tenant)
    return findSensor(queryable, tenant, id)
  })
  return sensor!
}

export function noSensor(id: string): TelemetryError {
  return new TelemetryError('NOT_FOUND', `There is no sensor ${id}`)
}

function wordOrNull(text: string | undefined): string | null {
  return text === undefined ? null : cleanId(text)
}
