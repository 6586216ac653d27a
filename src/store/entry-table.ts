// Entries (alarm transitions and events) beside the journal, so that they can be queried; and the alarms that are open.

import type { Database, Statement } from 'better-sqlite3'
import { isOpen, type AlarmEntry, type Entry } from '#domain/alarm.ts'
import type { EntryQuery, Page, StoredEntry } from '#domain/history.ts'
import { ENTRY, type RecordBatch } from '#domain/reading.ts'

interface EntryRow {
  readonly id: number
  readonly epoch: number
  readonly seq: number
  readonly time: number
  readonly json: string
}

export class EntryTable {
  readonly #db: Database
  readonly #insert: Statement<[number, number, number, string, string | null, string | null, string]>
  readonly #open: Statement<[string, string]>
  readonly #close: Statement<[string]>

  constructor(db: Database) {
    this.#db = db
    this.#insert = db.prepare(
      'INSERT INTO entry (epoch, seq, time, kind, sensor, check_type, json) VALUES (?, ?, ?, ?, ?, ?, ?)',
    )
    this.#open = db.prepare(
      'INSERT INTO open_alarm (id, json) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET json = excluded.json',
    )
    this.#close = db.prepare('DELETE FROM open_alarm WHERE id = ?')
  }

  /** Writes the batch's entries within the caller's transaction. */
  write(batch: RecordBatch): void {
    for (const [row, json] of batch.texts) {
      if (batch.sensor[row] !== ENTRY) continue
      const entry = parseEntry(json)
      if (!entry) continue
      const alarm = entry.kind === 'alarm' ? entry.alarm : null
      this.#insert.run(
        batch.epoch,
        batch.firstSeq + row,
        batch.sourceTime[row]!,
        entry.kind,
        alarm?.sensor ?? null,
        alarm?.checkType ?? null,
        json,
      )
      if (!alarm) continue
      if (isOpen(alarm)) this.#open.run(alarm.id, json)
      else this.#close.run(alarm.id)
    }
  }

  /** Moves entries in time, within the caller's transaction. */
  shift(epoch: number, seqs: readonly number[], offsetMs: number): void {
    const update = this.#db.prepare<[number, number, number, number]>(
      `UPDATE entry SET time = time + ?, json = json_set(json, '$.time', json_extract(json, '$.time') + ?) WHERE epoch = ? AND seq = ?`,
    )
    for (const seq of seqs) update.run(offsetMs, offsetMs, epoch, seq)
  }

  /** Deletes up to `limit` entries older than a time; answers how many. Alarms that are open stay open. */
  deleteBefore(time: number, limit: number): number {
    const oldest = 'SELECT id FROM entry WHERE kind = ? AND time < ? LIMIT ?'
    const remove = this.#db.prepare<[string, number, number]>(`DELETE FROM entry WHERE id IN (${oldest})`)
    return remove.run('alarm', time, limit).changes + remove.run('event', time, limit).changes
  }

  openAlarms(): AlarmEntry[] {
    const rows = this.#db.prepare<[], { json: string }>('SELECT json FROM open_alarm ORDER BY id').all()
    return rows.map(({ json }) => parseEntry(json)).filter((entry) => entry?.kind === 'alarm')
  }

  /** Newest first; equal times by arrival. The cursor names the last one given. */
  query(query: EntryQuery): Page<StoredEntry> {
    const where = ['kind = ?', 'time >= ?', 'time < ?']
    const values: (string | number)[] = [query.kind, query.from, query.to]
    if (query.sensor !== null) {
      where.push('sensor = ?')
      values.push(query.sensor)
    }
    if (query.checkTypes !== null) {
      where.push(`check_type IN (${query.checkTypes.map(() => '?').join(', ')})`)
      values.push(...query.checkTypes)
    }
    const after = parseCursor(query.cursor)
    if (after) {
      where.push('(time, id) < (?, ?)')
      values.push(after.time, after.id)
    }
    const sql = `SELECT id, epoch, seq, time, json FROM entry WHERE ${where.join(' AND ')} ORDER BY time DESC, id DESC LIMIT ?`
    const rows = this.#db.prepare<(string | number)[], EntryRow>(sql).all(...values, query.limit + 1)
    const items = rows.slice(0, query.limit).flatMap(({ epoch, seq, json }): StoredEntry[] => {
      const entry = parseEntry(json)
      return entry ? [{ position: { epoch, seq }, entry }] : []
    })
    const last = rows[query.limit - 1]
    return { items, next: rows.length > query.limit && last ? `${last.time}_${last.id}` : null }
  }
}

/** null when the text is no entry; the journal keeps it all the same. */
function parseEntry(json: string): Entry | null {
  try {
    const parsed: unknown = JSON.parse(json)
    if (typeof parsed !== 'object' || parsed === null || !('kind' in parsed)) return null
    if (parsed.kind === 'event') return parsed as Entry
    return parsed.kind === 'alarm' && 'alarm' in parsed && typeof parsed.alarm === 'object' && parsed.alarm !== null
      ? (parsed as Entry)
      : null
  } catch {
    return null
  }
}

function parseCursor(cursor: string | null): { time: number; id: number } | null {
  if (cursor === null) return null
  const [time, id] = cursor.split('_').map(Number)
  return Number.isFinite(time) && Number.isFinite(id) ? { time: time!, id: id! } : null
}
