// SQLite's result codes as TelemetryErrors.

import Database from 'better-sqlite3'
import { isTelemetryError, TelemetryError, type ErrorCode } from '#domain/errors.ts'

/** Extended result code, for example `SQLITE_IOERR_WRITE`; empty when the error is not SQLite's. */
export function sqliteCode(error: unknown): string {
  return error instanceof Database.SqliteError ? error.code : ''
}

const DAMAGE = ['SQLITE_CORRUPT', 'SQLITE_NOTADB', 'SQLITE_IOERR_SHORT_READ', 'SQLITE_IOERR_CORRUPTFS']

/** True when the database file itself is damaged, so that retrying cannot help. */
export function isDamage(error: unknown): boolean {
  const code = sqliteCode(error)
  // A short read: the file ends before the pages that it says it has.
  return DAMAGE.some((kind) => code.startsWith(kind))
}

/** STORE_FULL, STORE_CORRUPT or STORE_IO with SQLite's code in the context; a TelemetryError passes unchanged. */
export function toStoreError(error: unknown, what: string): TelemetryError {
  if (isTelemetryError(error)) return error
  const sqlite = sqliteCode(error)
  const reason = error instanceof Error ? error.message : String(error)
  const code: ErrorCode = sqlite.startsWith('SQLITE_FULL')
    ? 'STORE_FULL'
    : isDamage(error)
      ? 'STORE_CORRUPT'
      : 'STORE_IO'
  return new TelemetryError(code, `${what}: ${reason}`, {
    retryable: code !== 'STORE_CORRUPT',
    context: { sqlite },
    cause: error,
  })
}
