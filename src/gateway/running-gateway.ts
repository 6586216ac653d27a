// Whether a gateway runs on a data folder, for commands that work beside it.

import { folderHolder } from '#store/lock.ts'

/** The gateway that holds the folder; its process id where that is known. */
export function runningGateway(dataDir: string): { readonly pid: number | null } | null {
  return folderHolder(dataDir)
}
