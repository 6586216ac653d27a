// The data folder of a gateway that does not run, for commands that change it: no gateway starts meanwhile, and what is done
// stands in its audit log.

import { existsSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AuditLog } from '#api/audit/audit-log.ts'
import { TelemetryError } from '#domain/errors.ts'
import type { Clock } from '#kit/clock.ts'
import type { Logger } from '#kit/logger.ts'
import { lockFolder } from '#store/lock.ts'

export interface FolderAtRest {
  readonly dataDir: string
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Runs `work` with the folder held. Throws STORE_LOCKED when a gateway starts or stops at this moment, PERMISSION_DENIED when the
 * folder is another user's: files made by root would be closed to the gateway's own.
 */
export async function withFolderAtRest<T>(
  { dataDir, clock, log }: FolderAtRest,
  work: (audit: AuditLog) => Promise<T>,
): Promise<T> {
  if (existsSync(dataDir) && statSync(dataDir).uid !== process.geteuid?.())
    throw new TelemetryError('PERMISSION_DENIED', `${dataDir} belongs to another user: run the command as that user`)
  await mkdir(dataDir, { recursive: true })
  const lock = lockFolder(dataDir)
  const audit = new AuditLog({ folder: join(dataDir, 'audit'), clock, log })
  try {
    await audit.open()
    return await work(audit)
  } finally {
    await audit.close()
    lock.release()
  }
}
