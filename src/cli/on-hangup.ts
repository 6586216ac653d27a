// SIGHUP: the gateway takes up its configuration file as it is now.

import type { Gateway } from '#gateway/gateway.ts'
import type { Logger } from '#kit/logger.ts'

/** Told around each reload, whatever becomes of it. */
export interface ReloadListener {
  before(): void
  after(): void
}

/** From now on SIGHUP no longer ends the process. `gateway` gives null until it runs: it reads the file then anyway. */
export function reloadOnHangup(gateway: () => Gateway | null, log: Logger, listener?: ReloadListener): void {
  process.on('SIGHUP', () => void reload(gateway(), log, listener))
}

async function reload(gateway: Gateway | null, log: Logger, listener: ReloadListener | undefined): Promise<void> {
  if (!gateway?.configuration) return
  listener?.before()
  try {
    const { isChanged, revision } = await gateway.configuration.reload('SIGHUP')
    log.info({ revision, isChanged }, isChanged ? 'The configuration file was taken up' : 'Nothing has changed')
  } catch {
    // The desk has told the log and the journal.
  }
  listener?.after()
}
