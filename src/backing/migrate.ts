// Brings a schema up to date: every migration once, in order, each in one transaction, whoever else starts at the same moment.

import { TelemetryError } from '#domain/errors.ts'
import type { Database, Queryable } from './database.ts'

export interface Migration {
  /** Counts up from 1. */
  readonly id: number
  readonly name: string
  /** Statements; names without a schema are of the schema that is migrated. Never changed once it has been released. */
  readonly sql: string
}

/** First key of the advisory lock; the second is made of the schema's name. */
const LOCK = 0x7e1e

/**
 * Makes the schema if need be and runs what has not run. Throws CONFLICT when the database is newer than this version or its
 * history is another one, and what `transaction` throws.
 */
export async function migrate(database: Database, schema: string, migrations: readonly Migration[]): Promise<void> {
  if (!/^[a-z_][a-z0-9_]*$/.test(schema)) throw new TelemetryError('INTERNAL', `${schema} is no name of a schema`)
  checkOrder(migrations)
  for (;;) {
    const isDone = await database.transaction((queryable) => step(queryable, schema, migrations))
    if (isDone) return
  }
}

/** Runs the next migration. True: there was none left. */
async function step(queryable: Queryable, schema: string, migrations: readonly Migration[]): Promise<boolean> {
  // Held until the end of the transaction: a second process waits here and then finds the work done.
  await queryable.query('SELECT pg_advisory_xact_lock($1::int4, hashtext($2::text))', [LOCK, schema])
  await queryable.query(`SET LOCAL client_min_messages = warning; CREATE SCHEMA IF NOT EXISTS ${schema};
    CREATE TABLE IF NOT EXISTS ${schema}.migration
      (id int PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`)
  const applied = await queryable.query<{ id: number; name: string }>(
    `SELECT id, name FROM ${schema}.migration ORDER BY id`,
  )
  for (const { id, name } of applied) {
    const known = migrations[id - 1]
    if (known?.name !== name)
      throw new TelemetryError(
        'CONFLICT',
        `The schema ${schema} has had a migration that this version does not know: ${id} ${name}`,
        {
          context: { schema, id, name },
        },
      )
  }
  const next = migrations[applied.length]
  if (next === undefined) return true
  await queryable.query(`SET LOCAL search_path = ${schema}, public`)
  await queryable.query(next.sql)
  await queryable.query(`INSERT INTO ${schema}.migration (id, name) VALUES ($1, $2)`, [next.id, next.name])
  return false
}

function checkOrder(migrations: readonly Migration[]): void {
  migrations.forEach(({ id, name }, index) => {
    if (id !== index + 1)
      throw new TelemetryError('INTERNAL', `Migration ${name} has number ${id} in place ${index + 1}`)
  })
}
