// Opens the main database; one that is damaged is set aside under a dated name, and a new one takes its place.

import Database from 'better-sqlite3'
import { existsSync, renameSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { FolderLock } from './lock.ts'
import { migrate } from './schema.ts'
import { isDamage, toStoreError } from './sqlite-errors.ts'

export const DATABASE_FILE = 'telemetryx.db'

const FULL_CHECK_BYTES = 32 * 1024 * 1024 // quick_check reads everything: about 30 ms for this much
const CACHE_KIB = 16 * 1024

export interface OpenedDatabase {
  readonly db: Database.Database
  readonly file: string
  /** Name of the file that was set aside; null when the database was sound. */
  readonly quarantined: string | null
  readonly reason: string | null
}

/** Keeps the names of files that are set aside, so that what they hold can be brought over. */
export type SalvageList = Pick<FolderLock, 'salvages' | 'beginSalvage'>

/** `now` (Unix milliseconds) names a file that is set aside. Throws STORE_IO, STORE_FULL, CONFLICT (newer schema). */
export function openDatabase(dataDir: string, now: number, list: SalvageList): OpenedDatabase {
  const file = join(dataDir, DATABASE_FILE)
  finishSettingAside(dataDir, file, list)
  try {
    return { db: openChecked(file), file, quarantined: null, reason: null }
  } catch (error) {
    if (!isDamage(error)) throw toStoreError(error, 'Cannot open the database')
    const quarantined = setAside(file, now, list)
    const reason = error instanceof Error ? error.message : String(error)
    return { db: openChecked(file), file, quarantined, reason }
  }
}

/** Renames a damaged database with its -wal and -shm; answers the new base name, which is remembered first. */
function setAside(file: string, now: number, list: SalvageList): string {
  const aside = nameAside(file, now, list)
  moveAside(file, aside)
  return aside
}

/** A new base name for a damaged database, which is remembered. */
export function nameAside(file: string, now: number, list: SalvageList): string {
  const stamp = new Date(now).toISOString().replaceAll(':', '-')
  let aside = `${file}.corrupt-${stamp}`
  for (let n = 2; existsSync(aside); n++) aside = `${file}.corrupt-${stamp}-${n}`
  list.beginSalvage(basename(aside))
  return basename(aside)
}

/** Gives a damaged database that name, with its -wal and -shm; can be called again when it threw. */
export function moveAside(file: string, name: string): void {
  renameWith(file, join(dirname(file), name), ['', '-wal', '-shm'])
}

/** An end in the middle of that left the log behind, without which its database would lack what was written last. */
function finishSettingAside(dataDir: string, file: string, list: SalvageList): void {
  const last = list.salvages().at(-1)
  if (last === undefined || existsSync(file) || !existsSync(join(dataDir, last))) return
  renameWith(file, join(dataDir, last), ['-wal', '-shm'])
}

function renameWith(from: string, to: string, suffixes: readonly string[]): void {
  for (const suffix of suffixes) if (existsSync(from + suffix)) renameSync(from + suffix, to + suffix)
}

function openChecked(file: string): Database.Database {
  const isSmall = existsSync(file) && statSync(file).size <= FULL_CHECK_BYTES
  const db = new Database(file, { timeout: 1000 })
  try {
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = NORMAL')
    db.pragma(`cache_size = -${CACHE_KIB}`)
    db.pragma('journal_size_limit = 16777216')
    if (isSmall) checkPages(db)
    migrate(db)
    readEverySmallTable(db)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function checkPages(db: Database.Database): void {
  const answer = String(db.pragma('quick_check(1)', { simple: true }))
  if (answer !== 'ok') throw new Database.SqliteError(answer, 'SQLITE_CORRUPT')
}

/** Reads what the store needs for its start, so that damage there shows now and not later. */
function readEverySmallTable(db: Database.Database): void {
  for (const table of ['meta', 'sensor', 'reader', 'open_alarm', 'segment'])
    db.prepare(`SELECT count(*) FROM ${table} NOT INDEXED`).get()
  db.prepare('SELECT max(block) FROM journal').get()
  db.prepare('SELECT max(id) FROM chunk').get()
}
