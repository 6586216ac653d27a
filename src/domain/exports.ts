// Stored readings as a file, however many there are: made while it is read, never held as a whole.

import type { Readable } from 'node:stream'

export type ExportFormat = 'csv' | 'jsonl' | 'parquet'

export interface SensorExport {
  /** Full sensor id. */
  readonly sensor: string
  readonly unit: string
  /** Unix milliseconds, [from, to). */
  readonly from: number
  readonly to: number
  /** Width of a bucket in milliseconds; null: single readings. */
  readonly everyMs: number | null
  readonly format: ExportFormat
}

export interface Exports {
  /**
   * Resolves once there is something to send, with everything that was accepted until then. The stream fails when the rest
   * cannot be read; destroying it stops the work. Throws RATE_LIMITED (too many at once), NOT_FOUND (nothing was ever stored of
   * the sensor), STORE_IO, ABORTED.
   */
  open(request: SensorExport, signal: AbortSignal): Promise<Readable>
}
