// Keeps SQLite's native library in memory. Node unloads an add-on when the last thread that loaded it ends (nodejs/node
// #37024); what still points into it then, a finalizer in the thread's last garbage collection or another store's thread
// that is just starting, jumps into unmapped memory and takes the whole process down (better-sqlite3 #1476).

import Database from 'better-sqlite3'

/** Loads the library into the calling thread as well: called on the main thread before the store's thread starts. */
export function keepSqliteLoaded(): void {
  new Database(':memory:').close() // the library is loaded by the first connection, not by the import
}
