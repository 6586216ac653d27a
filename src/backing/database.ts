// A PostgreSQL database: a server by its address, or PGlite in a folder of ours. Both speak the same SQL and give values in the
// same form, so that what is built on them does not know which it is.

import type { Log } from '#domain/driver.ts'
import type { Clock } from '#kit/clock.ts'

/**
 * Values of a row: number, string, boolean, null; `timestamptz` is Unix milliseconds, `int8` a number and beyond ±(2^53 − 1) a
 * bigint, `numeric` a string, `json` and `jsonb` parsed, `bytea` a Uint8Array, arrays arrays.
 */
export type Row = Readonly<Record<string, unknown>>

export interface Queryable {
  /**
   * Runs one statement; without values several, of which the last one's rows are answered. A Uint8Array goes as it is, in
   * PostgreSQL's binary form for the type that the statement casts it to. Objects are not taken: give JSON as text.
   * Throws CONFLICT (a key or another constraint; retryable after a deadlock), TIMEOUT, CONNECTION_FAILED, CONNECTION_LOST,
   * STORE_FULL, INTERNAL.
   */
  query<R extends Row = Row>(text: string, values?: readonly unknown[]): Promise<readonly R[]>
}

export interface TransactionOptions {
  /** Default `readCommitted`. */
  readonly isolation?: 'readCommitted' | 'repeatableRead'
  readonly isReadOnly?: boolean
  /** Statements that go with BEGIN in one turn, for example `SET LOCAL …`. Never text from outside. */
  readonly prologue?: string
}

export interface Database extends Queryable {
  readonly kind: 'postgresql' | 'pglite'
  /**
   * BEGIN … COMMIT; ROLLBACK when `work` throws. Within `work` only its own queryable may be used: PGlite has one connection.
   * When it throws CONNECTION_LOST it is not known whether the transaction was committed.
   */
  transaction<T>(work: (queryable: Queryable) => Promise<T>, options?: TransactionOptions): Promise<T>
  /** How the last question was answered. */
  readonly isUp: boolean
  /** Waits for what is under way. Safe to call twice. */
  close(): Promise<void>
}

export interface DatabaseOptions {
  /** `postgresql://user:password@host/database`; null: PGlite. */
  readonly url: string | null
  /** Of PGlite; no other process can open it meanwhile. */
  readonly folder: string
  readonly clock: Clock
  readonly log: Log
  /** Default 10. */
  readonly maxConnections?: number
  /** A statement that takes longer is stopped. Milliseconds, default 30 s. */
  readonly statementTimeoutMs?: number
  /** PostgreSQL ends a transaction of which it has heard nothing for so long, and its locks go. Milliseconds, default 60 s. */
  readonly idleInTransactionMs?: number
}

/**
 * Opens the database; a server need not be there yet. Throws STORE_LOCKED (another process has the folder), STORE_IO,
 * RUNTIME_MISSING.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  // Loaded when used: PGlite alone is 20 MB.
  if (options.url === null) {
    const { openPgliteDatabase } = await import('./pglite-database.ts')
    return openPgliteDatabase(options)
  }
  const { PgDatabase } = await import('./pg-database.ts')
  return new PgDatabase(options.url, options)
}
