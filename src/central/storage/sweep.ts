// What is not cut by time and grows all the same: alarms that are over, alerts, audit. Kept as long as the hours.

import type { TenantDatabase } from './tenant-database.ts'

/** Removes what is older than `before`, of all tenants in turn. Unix milliseconds. */
export async function sweep(database: TenantDatabase, before: number): Promise<void> {
  const tenants = await database.platform((queryable) =>
    queryable.query<{ number: number }>('SELECT number FROM central.tenant ORDER BY number'),
  )
  for (const { number } of [...tenants, { number: 0 }]) {
    await database.write(number, async (queryable) => {
      const values = [number, before]
      const isOld = (column: string): string => `tenant = $1 AND ${column} < to_timestamp($2::float8 / 1000)`
      await queryable.query(`DELETE FROM central.alarm WHERE ${isOld('raised_at')} AND NOT is_open`, values)
      await queryable.query(`DELETE FROM central.alert WHERE ${isOld('time')}`, values)
      await queryable.query(`DELETE FROM central.audit WHERE ${isOld('time')}`, values)
    })
  }
}
