// TimescaleDB where the server has it: its hypertables then cut the tables that grow with time, instead of partitions of ours.

import type { Database } from '#backing/database.ts'
import type { Log } from '#domain/driver.ts'
import { toTelemetryError } from '#domain/errors.ts'

/** Before the migrations: they ask what there is. A database that was made without it stays with partitions. */
export async function openTimescale(database: Database, log: Log): Promise<void> {
  if (database.kind === 'pglite') return
  const [extension] = await database.query<{ installed: string | null }>(
    `SELECT installed_version AS installed FROM pg_available_extensions WHERE name = 'timescaledb'`,
  )
  if (extension === undefined || extension.installed !== null) return
  try {
    await database.query('CREATE EXTENSION IF NOT EXISTS timescaledb')
  } catch (cause) {
    log.info(
      { reason: toTelemetryError(cause).message },
      'TimescaleDB is there and cannot be used; partitions do the same',
    )
  }
}
