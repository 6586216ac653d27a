// Records that receivers refused for good, by uplink. A letter is written at once; what a failing disk refuses is written
// with the next commit, and thus no later than the cursor that was settled after it.

import type { Database, Statement } from 'better-sqlite3'
import type { DeadLetter, KeptLetter } from '#domain/dead-letter.ts'

interface LetterRow {
  readonly id: number
  readonly epoch: number
  readonly seq: number
  readonly sensor: number
  readonly status: number
  readonly source_time: number | null
  readonly received_at: number
  /** Decimal: SQLite's integers would come back as doubles. */
  readonly bits: string
  readonly text: string | null
  readonly reason: string
  readonly rejected_at: number
  readonly attempts: number
}

interface Unwritten {
  readonly uplink: string
  readonly letters: readonly DeadLetter[]
  readonly max: number
}

/** Batches of letters that wait while the disk refuses; then the oldest are given up. */
const MAX_UNWRITTEN = 100

export class DeadLetterTable {
  readonly #db: Database
  readonly #upsert: Statement<unknown[]>
  readonly #count: Statement<[string], { count: number }>
  readonly #evict: Statement<[string, number]>
  #unwritten: Unwritten[] = []

  constructor(db: Database) {
    this.#db = db
    this.#upsert = db.prepare(
      `INSERT INTO dead_letter (uplink, epoch, seq, sensor, status, source_time, received_at, bits, text, reason, rejected_at, attempts)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
       ON CONFLICT (uplink, epoch, seq) DO UPDATE
       SET reason = excluded.reason, rejected_at = excluded.rejected_at, attempts = attempts + 1`,
    )
    this.#count = db.prepare('SELECT count(*) AS count FROM dead_letter WHERE uplink = ?')
    this.#evict = db.prepare(
      'DELETE FROM dead_letter WHERE id IN (SELECT id FROM dead_letter WHERE uplink = ? ORDER BY id LIMIT ?)',
    )
  }

  /** Never throws. */
  add(uplink: string, letters: readonly DeadLetter[], max: number): { held: number; evicted: number } {
    const given = Math.max(0, this.#unwritten.length + 1 - MAX_UNWRITTEN)
    const lost = this.#unwritten.splice(0, given).reduce((sum, { letters: old }) => sum + old.length, 0)
    this.#unwritten.push({ uplink, letters, max })
    try {
      const evicted = this.#db.transaction(() => this.write())()
      this.confirm()
      return { held: this.count(uplink), evicted: evicted + lost }
    } catch {
      return { held: this.count(uplink), evicted: lost } // written with the next commit
    }
  }

  get isDirty(): boolean {
    return this.#unwritten.length > 0
  }

  /** Writes what waits, within the caller's transaction; `confirm` after its commit. Answers how many were given up. */
  write(): number {
    let evicted = 0
    for (const { uplink, letters, max } of this.#unwritten) {
      for (const letter of letters) this.#upsert.run(...valuesOf(uplink, letter))
      const excess = this.#count.get(uplink)!.count - max
      if (excess > 0) evicted += this.#evict.run(uplink, excess).changes
    }
    return evicted
  }

  confirm(): void {
    this.#unwritten = []
  }

  count(uplink: string): number {
    const waiting = this.#unwritten.filter((some) => some.uplink === uplink)
    return this.#count.get(uplink)!.count + waiting.reduce((sum, { letters }) => sum + letters.length, 0)
  }

  list(uplink: string, after: number, limit: number): KeptLetter[] {
    const rows = this.#db
      .prepare<[string, number, number], LetterRow>(
        'SELECT * FROM dead_letter WHERE uplink = ? AND id > ? ORDER BY id LIMIT ?',
      )
      .all(uplink, after, limit)
    return rows.map(letterOf)
  }

  get(uplink: string, id: number): KeptLetter | null {
    const row = this.#db
      .prepare<[string, number], LetterRow>('SELECT * FROM dead_letter WHERE uplink = ? AND id = ?')
      .get(uplink, id)
    return row ? letterOf(row) : null
  }

  /** Numbers of the sensors that letters are about. */
  sensors(): ReadonlySet<number> {
    const rows = this.#db.prepare<[], { sensor: number }>('SELECT DISTINCT sensor FROM dead_letter').all()
    const waiting = this.#unwritten.flatMap(({ letters }) => letters)
    return new Set([...rows, ...waiting].map(({ sensor }) => sensor))
  }

  /** Answers how many there were. */
  remove(uplink: string, ids: readonly number[]): number {
    const statement = this.#db.prepare<[string, number]>('DELETE FROM dead_letter WHERE uplink = ? AND id = ?')
    return this.#db.transaction(() => ids.reduce((sum, id) => sum + statement.run(uplink, id).changes, 0))()
  }

  /** Keeps the letters of a table whose database had to be made anew, as far as they are still in memory. */
  takeOver(from: DeadLetterTable): void {
    this.#unwritten.push(...from.#unwritten)
  }
}

function valuesOf(uplink: string, letter: DeadLetter): unknown[] {
  const { epoch, seq, sensor, status, sourceTime, receivedAt, bits, text, reason, rejectedAt } = letter
  return [uplink, epoch, seq, sensor, status, sourceTime, receivedAt, bits.toString(), text, reason, rejectedAt]
}

function letterOf(row: LetterRow): KeptLetter {
  const { id, epoch, seq, sensor, status, text, reason, attempts } = row
  return {
    id,
    epoch,
    seq,
    sensor,
    status,
    text,
    reason,
    attempts,
    sourceTime: row.source_time,
    receivedAt: row.received_at,
    bits: BigInt(row.bits),
    rejectedAt: row.rejected_at,
  }
}
