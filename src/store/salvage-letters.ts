// Dead letters of a database that was set aside, for the new one. Rows have no checksum: what cannot be a letter is left out.

import type { Database } from 'better-sqlite3'
import { ENTRY } from '#domain/reading.ts'
import type { SensorNumber } from '#domain/sensor.ts'

const BITS = /^-?[0-9]{1,20}$/

/**
 * Within the caller's transaction; answers how many rows are no letters. `numbers`: of sensors in the new database, by the old
 * ones. A letter whose position is there already stays as it is.
 */
export function copyLetters(
  rows: readonly object[],
  numbers: ReadonlyMap<SensorNumber, SensorNumber>,
  db: Database,
): number {
  const insert = db.prepare<[object]>(
    `INSERT OR IGNORE INTO dead_letter (uplink, epoch, seq, sensor, status, source_time, received_at, bits, text, reason, rejected_at, attempts)
     VALUES (@uplink, @epoch, @seq, @sensor, @status, @source_time, @received_at, @bits, @text, @reason, @rejected_at, @attempts)`,
  )
  let unreadable = 0
  for (const row of rows as readonly Readonly<Record<string, unknown>>[]) {
    const { sensor: old, bits } = row
    const sensor = old === ENTRY ? ENTRY : numbers.get(Number(old))
    if (sensor === undefined || typeof bits !== 'string' || !BITS.test(bits)) unreadable += 1
    else insert.run({ ...row, sensor })
  }
  return unreadable
}
