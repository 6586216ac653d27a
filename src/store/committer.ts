// Takes records from the ring and makes them durable: one transaction for each commit, one block for each 65,536 records.
// While the disk refuses, it keeps what it took, takes no more (the ring fills and its policy decides) and tries again.

import type { Database } from 'better-sqlite3'
import type { RingConsumer } from '#kit/record-ring.ts'
import { MAX_BLOCK_RECORDS, type BlockCodec } from './block-codec.ts'
import type { StoreTables } from './tables.ts'
import { coalesce, pendingPart, type Part, type Recent } from './recent.ts'

export interface CommitterOptions {
  readonly ring: RingConsumer
  readonly recent: Recent
  readonly codec: BlockCodec
  readonly tables: () => StoreTables
}

/** What one commit did. */
export interface Commit {
  readonly records: number
  readonly bytes: number
  /** Receive time of the oldest record of each block, Unix milliseconds. */
  readonly receivedAt: readonly number[]
}

/** Records taken out of the ring and not yet durable, at most; about two blocks and their copies. */
const MAX_PENDING_RECORDS = 2 * MAX_BLOCK_RECORDS

export class Committer {
  readonly #options: CommitterOptions
  #pending = 0

  constructor(options: CommitterOptions) {
    this.#options = options
  }

  /** Records that were taken and are not durable. */
  get pending(): number {
    return this.#pending
  }

  /** The database was made anew: what is still in memory is written again. */
  requeue(): void {
    this.#pending += this.#options.recent.requeue()
  }

  /** Moves records from the ring to memory, where queries see them; they are not durable by that. */
  intake(): void {
    const { ring, recent } = this.#options
    while (this.#pending < MAX_PENDING_RECORDS) {
      const batch = ring.take(Math.min(MAX_BLOCK_RECORDS, MAX_PENDING_RECORDS - this.#pending))
      if (!batch) return
      recent.add(pendingPart(batch))
      this.#pending += batch.length
    }
  }

  /**
   * Makes durable what was taken, and the readers' cursors. `isSynced`: also against a power cut. Throws what SQLite
   * throws; then nothing has changed and it can be called again.
   */
  commit(isSynced: boolean): Commit {
    this.intake()
    const { recent, tables } = this.#options
    const { db, readers, letters } = tables()
    const parts = this.#encode(recent.takePending())
    try {
      db.pragma(`synchronous = ${isSynced ? 'FULL' : 'NORMAL'}`)
      this.#write(db, parts)
    } catch (error) {
      for (const part of parts) recent.add(part)
      throw error
    }
    readers.confirm()
    letters.confirm()
    return this.#confirm(parts)
  }

  #encode(pending: readonly Part[]): Part[] {
    const { codec, tables } = this.#options
    const encoded = pending.filter((part) => part.frame !== null)
    const fresh = pending.filter((part) => part.frame === null).map((part) => part.batch!)
    for (const batch of coalesce(fresh, MAX_BLOCK_RECORDS)) {
      const part = pendingPart(batch)
      part.frame = codec.encode(batch, tables().sensors.isInteger)
      encoded.push(part)
    }
    return encoded
  }

  #write(db: Database, parts: readonly Part[]): void {
    const { journal, entries, readers, letters, meta } = this.#options.tables()
    db.exec('BEGIN IMMEDIATE')
    try {
      let before = 0
      parts.forEach((part, index) => {
        journal.insert(index, before, part, part.frame!)
        if (part.batch!.texts.size > 0) entries.write(part.batch!)
        before += part.count
      })
      letters.write()
      readers.write()
      // Without a change SQLite would not sync, and what earlier commits left unsynced would stay so.
      if (parts.length === 0 && !readers.isDirty) meta.set('journalled', journal.total)
      db.exec('COMMIT')
    } catch (error) {
      if (db.inTransaction) db.exec('ROLLBACK')
      throw error
    }
  }

  #confirm(parts: readonly Part[]): Commit {
    const { recent, tables } = this.#options
    const { journal } = tables()
    let records = 0
    let bytes = 0
    const receivedAt: number[] = []
    parts.forEach((part, index) => {
      part.block = journal.end + index
      records += part.count
      bytes += part.frame!.length
      receivedAt.push(part.batch!.receivedAt[0]!)
      part.frame = null
    })
    journal.confirm(parts.length, records)
    for (const part of parts) recent.add(part)
    this.#pending -= records
    return { records, bytes, receivedAt }
  }
}
