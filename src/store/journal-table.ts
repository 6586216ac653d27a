// Blocks of the journal in the database: appended, found by position, deleted from the old end.

import type { Database, Statement } from 'better-sqlite3'
import { comparePositions, type Position } from '#domain/journal.ts'
import { corrupt } from './bytes.ts'

/** A block without its data. */
export interface BlockRow {
  readonly block: number
  readonly epoch: number
  readonly first_seq: number
  readonly count: number
  /** Records ever journalled before this block. */
  readonly before: number
  readonly first_time: number
  readonly last_time: number
}

const COLUMNS = 'block, epoch, first_seq, count, before, first_time, last_time'

export class JournalTable {
  readonly #insert: Statement<[number, number, number, number, number, number, number, Uint8Array]>
  readonly #row: Statement<[number], BlockRow>
  readonly #data: Statement<[number], { data: Buffer }>
  readonly #delete: Statement<[number, number]>
  readonly #bytes: Statement<[number, number], { bytes: number }>
  readonly #rewrite: Statement<[number, number, Uint8Array, number]>
  #first: number
  #next: number
  #total: number

  constructor(db: Database) {
    this.#insert = db.prepare(`INSERT INTO journal (${COLUMNS}, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`)
    this.#row = db.prepare(`SELECT ${COLUMNS} FROM journal WHERE block = ?`)
    this.#data = db.prepare('SELECT data FROM journal WHERE block = ?')
    this.#delete = db.prepare('DELETE FROM journal WHERE block >= ? AND block < ?')
    this.#rewrite = db.prepare('UPDATE journal SET first_time = ?, last_time = ?, data = ? WHERE block = ?')
    this.#bytes = db.prepare(
      'SELECT coalesce(sum(length(data)), 0) AS bytes FROM journal WHERE block >= ? AND block < ?',
    )
    const newest = db.prepare<[], BlockRow>(`SELECT ${COLUMNS} FROM journal ORDER BY block DESC LIMIT 1`).get()
    const oldest = db.prepare<[], { block: number }>('SELECT block FROM journal ORDER BY block LIMIT 1').get()
    const kept = db.prepare<[], { value: number }>(`SELECT value FROM meta WHERE name = 'journalled'`).get()?.value ?? 0
    const nextBlock =
      db.prepare<[], { value: number }>(`SELECT value FROM meta WHERE name = 'nextBlock'`).get()?.value ?? 1
    this.#next = newest ? newest.block + 1 : nextBlock
    this.#first = oldest?.block ?? this.#next
    this.#total = newest ? newest.before + newest.count : kept
  }

  /** Number of the oldest block; equal to `end` when there is none. */
  get first(): number {
    return this.#first
  }

  /** Number that the next block will get. */
  get end(): number {
    return this.#next
  }

  /** Records ever journalled in this database. */
  get total(): number {
    return this.#total
  }

  /** Inserts within the caller's transaction; `confirm` after its commit. */
  insert(
    offset: number,
    before: number,
    block: { epoch: number; firstSeq: number; count: number; firstTime: number; lastTime: number },
    data: Uint8Array,
  ): void {
    this.#insert.run(
      this.#next + offset,
      block.epoch,
      block.firstSeq,
      block.count,
      this.#total + before,
      block.firstTime,
      block.lastTime,
      data,
    )
  }

  /** Writes a block anew, within the caller's transaction: the same records with other stamps. */
  rewrite(
    block: number,
    { firstTime, lastTime, data }: { firstTime: number; lastTime: number; data: Uint8Array },
  ): void {
    this.#rewrite.run(firstTime, lastTime, data, block)
  }

  confirm(blocks: number, records: number): void {
    this.#next += blocks
    this.#total += records
  }

  row(block: number): BlockRow | null {
    return this.#row.get(block) ?? null
  }

  /** The frame of a block. Throws STORE_CORRUPT when it is not there. */
  data(block: number): Uint8Array {
    const row = this.#data.get(block)
    if (!row) throw corrupt('A journal block is missing')
    return row.data
  }

  /** The first block that holds a record after `position`; null when there is none. */
  firstAfter(position: Position): BlockRow | null {
    let low = this.#first
    let high = this.#next
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const row = this.row(middle)
      if (!row) throw corrupt('A journal block is missing')
      if (comparePositions(lastPosition(row), position) > 0) high = middle
      else low = middle + 1
    }
    return low < this.#next ? this.row(low) : null
  }

  /** Records ever journalled up to and including `position`, as far as they are in blocks. */
  totalUpTo(position: Position): number {
    const row = this.firstAfter(position)
    if (!row) return this.#total
    const inside = row.epoch === position.epoch ? Math.max(0, position.seq - row.first_seq + 1) : 0
    return row.before + inside
  }

  /** Bytes of blocks [from, to). */
  bytes(from: number, to: number): number {
    return this.#bytes.get(from, to)!.bytes
  }

  /** Deletes the blocks before `block` within the caller's transaction; `confirmDeleted` after its commit. */
  deleteBefore(block: number): void {
    this.#delete.run(this.#first, block)
  }

  confirmDeleted(block: number): void {
    this.#first = Math.max(this.#first, block)
  }
}

export function lastPosition(row: BlockRow): Position {
  return { epoch: row.epoch, seq: row.first_seq + row.count - 1 }
}
