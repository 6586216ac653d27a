// One process for each data folder, and the number of its start. Both stand in a tiny database of its own: SQLite's lock
// is the operating system's, so it is gone with the process however that ends, and the epoch survives the loss of the
// main database.

import Database from 'better-sqlite3'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TelemetryError } from '#domain/errors.ts'
import { sqliteCode, toStoreError } from './sqlite-errors.ts'

export interface FolderLock {
  /** Epoch of the last start that this folder knows of; 0 for a new folder, null when the record was damaged. */
  readonly lastEpoch: number | null
  /** Makes the epoch durable. Throws STORE_IO, STORE_FULL. */
  setEpoch(epoch: number): void
  /** Names of databases that were set aside and from which not all was brought over yet, the oldest first. */
  salvages(): readonly string[]
  /** Remembers such a name. Without room for it, the salvage is not gone on with after a restart. */
  beginSalvage(file: string): void
  /** Forgets it. Throws STORE_IO, STORE_FULL. */
  endSalvage(file: string): void
  release(): void
}

/** Takes the folder. Throws STORE_LOCKED with the holder's pid, STORE_IO. */
export function lockFolder(dataDir: string): FolderLock {
  const file = join(dataDir, 'telemetryx.lock')
  const pidFile = join(dataDir, 'telemetryx.pid')
  let damaged = false
  let db: Database.Database
  try {
    db = openLocked(file)
  } catch (error) {
    const code = sqliteCode(error)
    if (code.startsWith('SQLITE_BUSY')) throw locked(dataDir, pidFile)
    if (!code.startsWith('SQLITE_NOTADB') && !code.startsWith('SQLITE_CORRUPT'))
      throw toStoreError(error, 'Cannot lock the data folder')
    renameSync(file, `${file}.corrupt-${Date.now()}`)
    damaged = true
    db = openLocked(file)
  }
  writeFileSync(pidFile, `${process.pid}\n`)
  const row = db.prepare<[], { epoch: number }>('SELECT epoch FROM start').get()
  return {
    lastEpoch: damaged ? null : (row?.epoch ?? 0),
    setEpoch: (epoch) => {
      try {
        db.prepare(
          'INSERT INTO start (id, epoch) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch',
        ).run(epoch)
      } catch (error) {
        throw toStoreError(error, 'Cannot keep the number of this start')
      }
    },
    ...salvageList(db),
    release: () => db.close(),
  }
}

/** Whether a process holds the folder, and which; it is not touched. */
export function folderHolder(dataDir: string): { readonly pid: number | null } | null {
  const file = join(dataDir, 'telemetryx.lock')
  if (!existsSync(file)) return null
  let db: Database.Database | null = null
  try {
    db = new Database(file, { timeout: 0, readonly: true, fileMustExist: true })
    db.prepare('SELECT epoch FROM start').get()
    return null
  } catch (error) {
    return sqliteCode(error).startsWith('SQLITE_BUSY') ? { pid: holderPid(join(dataDir, 'telemetryx.pid')) } : null
  } finally {
    db?.close()
  }
}

function salvageList(db: Database.Database): Pick<FolderLock, 'salvages' | 'beginSalvage' | 'endSalvage'> {
  const files = db.prepare<[], { file: string }>('SELECT file FROM salvage ORDER BY id').all()
  let names = files.map(({ file }) => file)
  return {
    salvages: () => names,
    beginSalvage: (file) => {
      names = [...names, file]
      try {
        db.prepare('INSERT INTO salvage (file) VALUES (?)').run(file)
      } catch {
        // The database has to be replaced all the same.
      }
    },
    endSalvage: (file) => {
      try {
        db.prepare('DELETE FROM salvage WHERE file = ?').run(file)
      } catch (error) {
        throw toStoreError(error, 'Cannot keep what was salvaged')
      }
      names = names.filter((name) => name !== file)
    },
  }
}

function openLocked(file: string): Database.Database {
  const db = new Database(file, { timeout: 0 })
  try {
    db.pragma('locking_mode = EXCLUSIVE')
    db.pragma('synchronous = EXTRA')
    // The exclusive lock taken here is kept until the connection closes.
    db.exec(
      'BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS start (id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL); CREATE TABLE IF NOT EXISTS salvage (id INTEGER PRIMARY KEY, file TEXT NOT NULL); COMMIT',
    )
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function locked(dataDir: string, pidFile: string): TelemetryError {
  const pid = holderPid(pidFile)
  const by = pid === null ? 'Another process' : `The process ${pid}`
  return new TelemetryError('STORE_LOCKED', `${by} uses the data folder ${dataDir}`, { context: { dataDir, pid } })
}

/** null when it cannot be told: only messages are poorer without it. */
function holderPid(pidFile: string): number | null {
  try {
    const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10)
    return Number.isNaN(pid) ? null : pid
  } catch {
    return null
  }
}
