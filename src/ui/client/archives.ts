// Archives that the gateway makes of itself: a backup, a support bundle. Each is a file to keep.

import type { Download, HttpClient } from './http.ts'

export type ArchiveKind = 'backup' | 'support-bundle'

/** Copying a database of some gigabytes on an SD card takes its time. */
const TIMEOUT_MS = 30 * 60_000

/** Throws ApiError: CONFLICT while another one is made, STORE_FULL without room for it. */
export function makeArchive(
  http: HttpClient,
  kind: ArchiveKind,
  signal: AbortSignal,
  onProgress: (received: number, total: number | null) => void,
): Promise<Download> {
  return http.download(`/${kind}`, { method: 'POST', signal, onProgress, timeoutMs: TIMEOUT_MS })
}
