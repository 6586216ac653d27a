// The database as one tenant sees it. Every transaction names its tenant, and PostgreSQL's row-level security shows and takes no
// other's rows, whatever the statement says. It runs as a role that cannot get round that.

import type { Database, Queryable } from '#backing/database.ts'
import { TelemetryError } from '#domain/errors.ts'
import { SCHEMA } from './schema.ts'
import type { TenantNumber } from '../ports.ts'

/** Can log in nowhere, owns nothing, is subject to row-level security. */
const ROLE = 'telemetryx_app'

export class TenantDatabase {
  readonly database: Database
  readonly #prologue: string

  private constructor(database: Database, prologue: string) {
    this.database = database
    this.#prologue = prologue
  }

  /** After the migrations. Throws PERMISSION_DENIED when the user gets round row-level security and cannot make a role that does not. */
  static async open(database: Database): Promise<TenantDatabase> {
    const [user] = await database.query<{ is_free: boolean }>(
      'SELECT rolsuper OR rolbypassrls AS is_free FROM pg_roles WHERE rolname = current_user',
    )
    if (user?.is_free === false) return new TenantDatabase(database, '') // the policies are forced, also upon the owner
    await makeRole(database)
    return new TenantDatabase(database, `SET LOCAL ROLE ${ROLE};`)
  }

  /** Reads and writes of one tenant. */
  write<T>(tenant: TenantNumber, work: (queryable: Queryable) => Promise<T>): Promise<T> {
    return this.database.transaction(work, { prologue: this.#prologue + tenantSetting(tenant) })
  }

  /** Reads of one tenant, all from one moment. */
  read<T>(tenant: TenantNumber, work: (queryable: Queryable) => Promise<T>): Promise<T> {
    const prologue = this.#prologue + tenantSetting(tenant)
    return this.database.transaction(work, { prologue, isReadOnly: true, isolation: 'repeatableRead' })
  }

  /** The list of tenants: all of it, and nothing of theirs. */
  platform<T>(work: (queryable: Queryable) => Promise<T>): Promise<T> {
    return this.database.transaction(work, { prologue: `${this.#prologue}SET LOCAL telemetryx.platform = 'on';` })
  }

  /** The one key that has this hash, and nothing else. */
  holder<T>(hash: Uint8Array, work: (queryable: Queryable) => Promise<T>): Promise<T> {
    const hex = Buffer.from(hash).toString('hex')
    return this.database.transaction(work, { prologue: `${this.#prologue}SET LOCAL telemetryx.key = '${hex}';` })
  }
}

function tenantSetting(tenant: TenantNumber): string {
  if (!Number.isInteger(tenant) || tenant < 0 || tenant > 0x7fff_ffff)
    throw new TelemetryError('INTERNAL', 'A transaction without a tenant')
  return `SET LOCAL telemetryx.tenant = '${tenant}';`
}

async function makeRole(database: Database): Promise<void> {
  await database.transaction(async (queryable) => {
    await queryable.query('SELECT pg_advisory_xact_lock(32286, 1)') // two processes that start at once
    await queryable.query(`
      DO $do$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${ROLE}') THEN CREATE ROLE ${ROLE} NOLOGIN NOBYPASSRLS; END IF;
        EXECUTE format('GRANT ${ROLE} TO %I', current_user);
      END $do$;
      GRANT USAGE ON SCHEMA ${SCHEMA} TO ${ROLE};
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${SCHEMA} TO ${ROLE};
      GRANT USAGE ON ALL SEQUENCES IN SCHEMA ${SCHEMA} TO ${ROLE};
      REVOKE ALL ON ${SCHEMA}.migration FROM ${ROLE};`)
    // A partition is reached through its table only: by itself it has no policy.
    const partitions = await queryable.query<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
       WHERE relnamespace = '${SCHEMA}'::regnamespace AND relkind = 'r'`,
    )
    for (const { name } of partitions) await queryable.query(`REVOKE ALL ON ${name} FROM ${ROLE}`)
  })
}
