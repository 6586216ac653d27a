// How far the salvage of a file has come, in the table of marks of the database that it goes into: each step is marked in
// the transaction that makes it visible, so that an interrupted salvage goes on where it was, and brings nothing twice.

import type { Position } from '#domain/journal.ts'
import type { StoreTables } from './tables.ts'

/** Last segment, block, entry and dead letter of the old file that are done, and the counts so far. */
export interface SalvageProgress {
  segment: number
  block: number
  entry: number
  letter: number
  readings: number
  entries: number
  unreadable: number
}

const STEPS = ['segment', 'block', 'entry', 'letter', 'readings', 'entries', 'unreadable'] as const

export function readProgress({ meta }: StoreTables, file: string): SalvageProgress {
  const progress = { segment: 0, block: 0, entry: 0, letter: 0, readings: 0, entries: 0, unreadable: 0 }
  for (const step of STEPS) progress[step] = meta.get(`salvage:${file}:${step}`)
  return progress
}

/** Within the caller's transaction. */
export function writeProgress({ meta }: StoreTables, file: string, progress: SalvageProgress): void {
  for (const step of STEPS) meta.set(`salvage:${file}:${step}`, progress[step])
}

/** Records of an epoch from this position on come into the new database by themselves. */
export function markKnown({ db, meta }: StoreTables, file: string, { epoch, seq }: Position): void {
  db.transaction(() => {
    meta.set(`salvage:${file}:knownEpoch`, epoch)
    meta.set(`salvage:${file}:knownSeq`, seq)
  })()
}

export function readKnown({ meta }: StoreTables, file: string): Position | null {
  const epoch = meta.get(`salvage:${file}:knownEpoch`)
  return epoch === 0 ? null : { epoch, seq: meta.get(`salvage:${file}:knownSeq`) }
}

/** Takes over what the file that is salvaged knew of the salvage of others, which it interrupted. */
export function inheritProgress({ db, meta }: StoreTables, rows: readonly { name: string; value: number }[]): void {
  db.transaction(() => {
    for (const { name, value } of rows) if (name.startsWith('salvage:')) meta.set(name as `salvage:${string}`, value)
  })()
}

export function forgetProgress({ db }: StoreTables, file: string): void {
  const prefix = `salvage:${file}:`
  db.prepare<[number, string]>('DELETE FROM meta WHERE substr(name, 1, ?) = ?').run(prefix.length, prefix)
}
