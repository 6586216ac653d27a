// All tables of one open database together; replaced as a whole when the file has to be made anew.

import type { Database } from 'better-sqlite3'
import { DeadLetterTable } from './dead-letter-table.ts'
import { EntryTable } from './entry-table.ts'
import { JournalTable } from './journal-table.ts'
import { SegmentTable } from './segments.ts'
import { MetaTable, ReaderTable, SensorDictionary } from './small-tables.ts'

export interface StoreTables {
  readonly db: Database
  readonly meta: MetaTable
  readonly sensors: SensorDictionary
  readonly readers: ReaderTable
  readonly journal: JournalTable
  readonly entries: EntryTable
  readonly segments: SegmentTable
  readonly letters: DeadLetterTable
}

/** Prepares the tables of a migrated database. */
export function openTables(db: Database): StoreTables {
  return {
    db,
    meta: new MetaTable(db),
    sensors: new SensorDictionary(db),
    readers: new ReaderTable(db),
    journal: new JournalTable(db),
    entries: new EntryTable(db),
    segments: new SegmentTable(db),
    letters: new DeadLetterTable(db),
  }
}
