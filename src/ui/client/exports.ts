// Stored readings of one sensor as a file, made by the gateway while it is read.

import type { Range } from './sensor-history.ts'
import type { Download, HttpClient } from './http.ts'

export type ExportFormat = 'csv' | 'jsonl' | 'parquet'

export interface ExportWish {
  readonly sensor: string
  readonly range: Range
  /** null: every reading. */
  readonly everySeconds: number | null
  readonly format: ExportFormat
}

const TIMEOUT_MS = 60 * 60_000

/** Throws ApiError: TOO_MANY_REQUESTS or RATE_LIMITED while two others are made, NOT_FOUND when nothing was stored. */
export function exportReadings(
  http: HttpClient,
  { sensor, range, everySeconds, format }: ExportWish,
  signal: AbortSignal,
  onProgress: (received: number) => void,
): Promise<Download> {
  const every = everySeconds === null ? '' : `&every=${everySeconds}s`
  const span = `from=${Math.round(range.from)}&to=${Math.round(range.to)}`
  const path = `/sensors/${encodeURIComponent(sensor)}/export?${span}${every}&format=${format}`
  return http.download(path, { signal, onProgress, timeoutMs: TIMEOUT_MS })
}

/** `press-1.oil-temperature_2026-11-21T140509Z.csv`: sorts by time, and every file system takes it. */
export function exportName({ sensor, range, format }: ExportWish): string {
  const time = new Date(range.from).toISOString().replace(/:|\.\d+/g, '')
  return `${sensor}_${time}.${format}`
}
