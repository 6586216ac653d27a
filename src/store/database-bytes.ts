// Size of the database on disk.

import { statSync } from 'node:fs'

/** Bytes of the database file and its write-ahead log. */
export function databaseBytes(file: string): number {
  let bytes = 0
  for (const suffix of ['', '-wal']) bytes += statSync(file + suffix, { throwIfNoEntry: false })?.size ?? 0
  return bytes
}
