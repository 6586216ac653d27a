// One process for each folder of PGlite, which takes no lock by itself: two would destroy the database. SQLite's lock is the
// operating system's, so it is gone with the process however that ends.

import Sqlite from 'better-sqlite3'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TelemetryError, toTelemetryError } from '#domain/errors.ts'

/** Takes the folder, which is made if it is not there; returns what lets go of it. Throws STORE_LOCKED with the holder's pid, STORE_IO. */
export function lockDatabaseFolder(folder: string): () => void {
  const pidFile = join(folder, 'database.pid')
  let lock: Sqlite.Database | null = null
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    lock = new Sqlite(join(folder, 'database.lock'), { timeout: 0 })
    lock.pragma('locking_mode = EXCLUSIVE')
    lock.exec('BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS held (id INTEGER PRIMARY KEY); COMMIT') // kept until it closes
    writeFileSync(pidFile, `${process.pid}\n`)
  } catch (cause) {
    lock?.close()
    const isBusy = cause instanceof Sqlite.SqliteError && cause.code.startsWith('SQLITE_BUSY')
    if (!isBusy) throw toTelemetryError(cause, 'STORE_IO', { context: { folder } })
    const pid = holderOf(pidFile)
    throw new TelemetryError('STORE_LOCKED', `The process ${pid ?? '(unknown)'} uses the database in ${folder}`, {
      context: { folder, pid },
    })
  }
  return () => lock.close()
}

function holderOf(pidFile: string): number | null {
  try {
    return Number.parseInt(readFileSync(pidFile, 'utf8'), 10) || null
  } catch {
    return null
  }
}
