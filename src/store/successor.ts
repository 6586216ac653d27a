// The database that follows one that was found damaged while the store ran: the old file is set aside, the new one begins with
// the numbers of sensors, the cursors and the dead letters that are in memory. All of it or nothing, and it can be tried again:
// a disk that has damaged a file is often full or failing as well.

import type { Database } from 'better-sqlite3'
import { rmSync } from 'node:fs'
import type { Position } from '#domain/journal.ts'
import type { FolderLock } from './lock.ts'
import { moveAside, nameAside, openDatabase } from './open-database.ts'
import { markKnown } from './salvage-progress.ts'
import { openTables, type StoreTables } from './tables.ts'

export interface SuccessorOptions {
  readonly dataDir: string
  /** Of the database. */
  readonly file: string
  readonly lock: FolderLock
  readonly epoch: number
}

export class Successor {
  readonly #options: SuccessorOptions
  /** Name under which the file is set aside, while there is no new one; `isMoved`: it has that name by now. */
  #aside: { readonly name: string; isMoved: boolean } | null = null

  constructor(options: SuccessorOptions) {
    this.#options = options
  }

  /**
   * Answers the new tables and the name of the file that was set aside; closes `old`. Records of this epoch from `known` on are
   * in memory: they are written by themselves, and not brought over. Throws STORE_IO, STORE_FULL and the system's errors.
   */
  make(old: StoreTables, known: Position | null): { readonly tables: StoreTables; readonly aside: string } {
    const { dataDir, file, lock, epoch } = this.#options
    old.db.close()
    this.#aside ??= { name: nameAside(file, Date.now(), lock), isMoved: false }
    const aside = this.#aside
    // What stands in its place after that is what a try before this one has left.
    if (aside.isMoved) for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true })
    else moveAside(file, aside.name)
    aside.isMoved = true
    const tables = filled(openDatabase(dataDir, Date.now(), lock).db, old, (fresh) => {
      fresh.meta.set('epoch', epoch)
      if (known) markKnown(fresh, aside.name, known)
    })
    this.#aside = null
    return { tables, aside: aside.name }
  }
}

/** Tables of a new database with what `old` has in memory; closes it when that fails. */
function filled(db: Database, old: StoreTables, mark: (fresh: StoreTables) => void): StoreTables {
  try {
    const tables = openTables(db)
    mark(tables)
    tables.sensors.takeOver(old.sensors)
    tables.readers.takeOver(old.readers)
    tables.letters.takeOver(old.letters)
    return tables
  } catch (error) {
    db.close()
    throw error
  }
}
