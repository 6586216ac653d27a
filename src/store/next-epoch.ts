// The number of this start: one more than any that this folder knows of, durable before the first reading.

import type { FolderLock } from './lock.ts'
import { toStoreError } from './sqlite-errors.ts'
import type { StoreTables } from './tables.ts'

/** `now` in Unix milliseconds; `isNew`: the database had to be begun anew. Throws STORE_IO, STORE_FULL. */
export function nextEpoch(
  lock: FolderLock,
  { meta, db }: StoreTables,
  { now, isNew }: { readonly now: number; readonly isNew: boolean },
): number {
  const known = lock.lastEpoch
  // When either record of it is lost, the time stands in: there were fewer starts than seconds since 1970.
  const isLost = known === null || (isNew && known === 0)
  const floor = isLost ? Math.floor(now / 1000) : 0
  const epoch = Math.max(known ?? 0, meta.get('epoch'), floor) + 1
  lock.setEpoch(epoch)
  db.pragma('synchronous = FULL')
  try {
    meta.set('epoch', epoch)
  } catch (error) {
    throw toStoreError(error, 'Cannot keep the number of this start')
  }
  return epoch
}
