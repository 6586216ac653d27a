// The readings that one sensor id stands for: one number, or several where its type of values has changed.

import type { Queryable } from '#backing/database.ts'
import type { ValueType } from '#domain/value.ts'
import { cleanId } from '../model/model-changed.ts'
import { noSensor } from '../model/sensors-port.ts'
import type { TenantNumber } from '../ports.ts'

export interface Series {
  readonly id: string
  readonly gateway: number
  /** As its gateway calls it. */
  readonly sourceId: string
  /** By sensor number. */
  readonly types: ReadonlyMap<number, ValueType>
  /** SQL on the table alias r: numbers of our own, as constants, so that the planner knows how few rows they mean. */
  readonly condition: string
}

/** Throws NOT_FOUND. */
export async function findSeries(queryable: Queryable, tenant: TenantNumber, id: string): Promise<Series> {
  const rows = await queryable.query<{ number: number; gateway: number; source: string; type: ValueType }>(
    `SELECT number, gateway, source_id AS source, value_type AS type FROM central.sensor WHERE tenant = $1 AND id = $2 ORDER BY number`,
    [tenant, cleanId(id)],
  )
  if (rows.length === 0) throw noSensor(id)
  const numbers = rows.map(({ number }) => number)
  return {
    id,
    gateway: rows[0]!.gateway,
    sourceId: rows[0]!.source,
    types: new Map(rows.map(({ number, type }) => [number, type])),
    condition: numbers.length === 1 ? `r.sensor = ${numbers[0]!}` : `r.sensor IN (${numbers.join(', ')})`,
  }
}
