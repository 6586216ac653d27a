// The database's tables, by version. Everything big is appended under a growing rowid: SQLite then writes each page about
// once, where a key by sensor and time would rewrite a page for almost every reading.

import type { Database } from 'better-sqlite3'
import { TelemetryError } from '#domain/errors.ts'

/** One step for each version, in order; step n leads from version n to n + 1. */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE sensor (number INTEGER PRIMARY KEY, id TEXT NOT NULL, value_type TEXT NOT NULL, UNIQUE (id, value_type));
  CREATE TABLE reader (name TEXT PRIMARY KEY, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, note TEXT) WITHOUT ROWID;

  -- Blocks stand in order of position and only the oldest are ever deleted, so block numbers have no gaps.
  -- before: records ever journalled before this block.
  CREATE TABLE journal (
    block INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, first_seq INTEGER NOT NULL, count INTEGER NOT NULL,
    before INTEGER NOT NULL, first_time REAL NOT NULL, last_time REAL NOT NULL, data BLOB NOT NULL);

  CREATE TABLE entry (
    id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, time REAL NOT NULL, kind TEXT NOT NULL,
    sensor TEXT, check_type TEXT, json TEXT NOT NULL);
  CREATE INDEX entry_by_time ON entry (kind, time);
  CREATE TABLE open_alarm (id TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;

  -- kind: raw, minute, hour. state: building, live, dead. (epoch, seq): first position that it covers.
  CREATE TABLE segment (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, level INTEGER NOT NULL, state TEXT NOT NULL, epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL, first_time REAL NOT NULL, last_time REAL NOT NULL, readings INTEGER NOT NULL, bytes INTEGER NOT NULL);
  -- id: segment × 2^24 + sensor number.
  CREATE TABLE chunk (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
  `,
  `
  -- Records that a receiver refused for good. bits: the 64 bits of the value column, decimal.
  CREATE TABLE dead_letter (
    id INTEGER PRIMARY KEY AUTOINCREMENT, uplink TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, sensor INTEGER NOT NULL,
    status INTEGER NOT NULL, source_time REAL, received_at REAL NOT NULL, bits TEXT NOT NULL, text TEXT, reason TEXT NOT NULL,
    rejected_at REAL NOT NULL, attempts INTEGER NOT NULL, UNIQUE (uplink, epoch, seq));
  CREATE INDEX dead_letter_by_uplink ON dead_letter (uplink, id);
  `,
  `
  -- Without its index: all sensors are looked up in memory, and for each it took as much room as the sensor itself.
  CREATE TABLE sensor_without_index (number INTEGER PRIMARY KEY, id TEXT NOT NULL, value_type TEXT NOT NULL);
  INSERT INTO sensor_without_index SELECT number, id, value_type FROM sensor ORDER BY number;
  DROP TABLE sensor;
  ALTER TABLE sensor_without_index RENAME TO sensor;
  `,
]

/** The version that this code writes. */
export const SCHEMA_VERSION = MIGRATIONS.length

/** Creates or upgrades the tables. Throws CONFLICT when the file is newer than this code. */
export function migrate(db: Database): void {
  const version = Number(db.pragma('user_version', { simple: true }))
  if (version > SCHEMA_VERSION) {
    throw new TelemetryError(
      'CONFLICT',
      `The database has version ${version}, this program knows up to ${SCHEMA_VERSION}; use a newer program`,
      {
        context: { version },
      },
    )
  }
  for (let step = version; step < SCHEMA_VERSION; step++) {
    db.transaction(() => {
      db.exec(MIGRATIONS[step]!)
      db.pragma(`user_version = ${step + 1}`)
    })()
  }
}
