// What the command line may do with a data folder: export it, back it up, restore it, ask it in SQL. Works beside a running
// gateway and without one; nothing here starts a store.

import { TelemetryError } from '#domain/errors.ts'
import { exportHistory, selectSensors, type ExportProgress, type ExportSummary } from '#store/export.ts'
import { EXPORT_FORMATS, type ExportFormat, type ExportOutput } from '#store/export-format.ts'
import { ALL_TIME, HistoryReader } from '#store/export-reader.ts'
import { packageVersion } from './version.ts'

export { EXPORT_FORMATS }
export type { ExportFormat, ExportOutput, ExportProgress, ExportSummary }

export interface ExportRequest {
  readonly dataDir: string
  /** Full sensor ids, or patterns of them. */
  readonly patterns: readonly string[]
  /** Engineering units by full sensor id, as far as they are known. */
  readonly units: ReadonlyMap<string, string>
  /** Unix milliseconds, [from, to); null: no limit. */
  readonly from: number | null
  readonly to: number | null
  /** Width of a bucket in milliseconds; null: single readings. */
  readonly everyMs: number | null
  readonly format: ExportFormat
  /** Words a hint for a sensor that does not exist. */
  readonly suggest: (name: string, ids: readonly string[]) => string
  /** Called once it is known that there is something to do. */
  readonly openOutput: () => Promise<ExportOutput>
  readonly onProgress: (progress: ExportProgress) => void
}

/** Exports. Throws NOT_FOUND (no database, no such sensor), USAGE (buckets of texts), STORE_IO, what the output throws. */
export async function exportStored(request: ExportRequest): Promise<ExportSummary> {
  const { from, to, everyMs, format, units, onProgress } = request
  const reader = new HistoryReader(request.dataDir)
  try {
    const selected = selectSensors(reader.sensors(), request.patterns, request.suggest)
    const sensors = everyMs === null ? selected : selected.filter(({ valueType }) => valueType !== 'string')
    if (sensors.length === 0) {
      throw new TelemetryError('USAGE', `${selected[0]!.id} holds texts, which have no buckets: leave out --every`)
    }
    return await exportHistory({
      reader,
      sensors,
      units,
      span: { from: from ?? ALL_TIME.from, to: to ?? ALL_TIME.to },
      everyMs,
      format,
      output: await request.openOutput(),
      createdBy: `TelemetryX Edge ${packageVersion()}`,
      onProgress,
    })
  } finally {
    reader.close()
  }
}
