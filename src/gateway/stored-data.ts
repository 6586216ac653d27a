// What the command line may do with a data folder: export it, back it up, restore it, ask it in SQL. Works beside a running
// gateway and without one; nothing here starts a store.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { TelemetryError, toTelemetryError } from '#domain/errors.ts'
import { copyDatabase, writeBackup, type BackupFile, type BackupManifest } from '#store/backup.ts'
import { restoreBackup, type Restored, type RestoreOptions } from '#store/backup-restore.ts'
import { exportHistory, selectSensors, type ExportProgress, type ExportSummary } from '#store/export.ts'
import { EXPORT_FORMATS, type ExportFormat, type ExportOutput } from '#store/export-format.ts'
import { ALL_TIME, HistoryReader } from '#store/export-reader.ts'
import { DATABASE_FILE } from '#store/open-database.ts'
import { SQL_TABLES, SqlHistory, type SqlResult, type SqlValue } from '#store/sql.ts'
import { splitStatements } from '#store/sql-statements.ts'
import { APPEARED_FILE, LEARNT_FILE, REVISION_FILE, REVISIONS_FOLDER } from './data-files.ts'
import { packageVersion } from './version.ts'

export { EXPORT_FORMATS, restoreBackup, splitStatements, SQL_TABLES }
export type { BackupManifest, ExportFormat, ExportOutput, ExportProgress, ExportSummary }
export type { Restored, RestoreOptions, SqlResult, SqlValue }

const CREATOR = `TelemetryX Edge ${packageVersion()}`
const AUTH_FILE = 'auth.json'

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
      createdBy: CREATOR,
      onProgress,
    })
  } finally {
    reader.close()
  }
}

export interface BackupRequest {
  readonly dataDir: string
  /** Absolute; null: not in the backup. */
  readonly configFile: string | null
  /** Files that the configuration names, absolute; those beside or below it are taken along. */
  readonly sensorFiles: readonly string[]
  /** A folder of one's own for the copy of the database, with room for all of it. */
  readonly workDir: string
  /** Unix milliseconds. */
  readonly now: number
  readonly output: ExportOutput
  readonly onProgress: (done: number, total: number) => void
}

export interface BackupResult {
  readonly manifest: BackupManifest
  /** Files that the configuration names and that lie elsewhere: not in the backup. */
  readonly leftOut: readonly string[]
}

/** Backs up a data folder, also of a running gateway. Throws NOT_FOUND (no database), CONFLICT, STORE_IO, STORE_FULL. */
export async function backUp(request: BackupRequest): Promise<BackupResult> {
  const { dataDir, configFile, workDir, onProgress } = request
  const copy = join(workDir, DATABASE_FILE)
  const { epoch } = await copyDatabase({ dataDir, copyTo: copy, onProgress })
  const files: BackupFile[] = [{ name: DATABASE_FILE, source: copy }]
  const auth = join(dataDir, AUTH_FILE)
  if (existsSync(auth)) files.push({ name: AUTH_FILE, source: contentOf(auth) })
  for (const name of keptBeside(dataDir)) {
    const source = contentIfThere(join(dataDir, name))
    if (source !== null) files.push({ name, source })
  }
  const leftOut: string[] = []
  if (configFile !== null) {
    files.push({ name: `config/${basename(configFile)}`, source: contentOf(configFile) })
    for (const path of request.sensorFiles) {
      const name = relative(dirname(configFile), path)
      if (name.startsWith('..') || !existsSync(path)) leftOut.push(path)
      else files.push({ name: `config/${name}`, source: contentOf(path) })
    }
  }
  const { now, output } = request
  return { manifest: await writeBackup({ files, epoch, createdBy: CREATOR, now, output }), leftOut }
}

/** What detectors have learnt, sensors that appeared by themselves, and the revisions of the configuration. */
function keptBeside(dataDir: string): string[] {
  const revisions = join(dataDir, REVISIONS_FOLDER)
  const names = existsSync(revisions) ? readdirSync(revisions).filter((name) => REVISION_FILE.test(name)) : []
  return [LEARNT_FILE, APPEARED_FILE, ...names.toSorted().map((name) => `${REVISIONS_FOLDER}/${name}`)]
}

/** null: it is not there, or no longer: the oldest revisions go. */
function contentIfThere(path: string): Uint8Array | null {
  return existsSync(path) ? contentOf(path) : null
}

function contentOf(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (error) {
    throw toTelemetryError(error, 'STORE_IO', { context: { path } })
  }
}

export interface SqlRequest {
  readonly dataDir: string
  readonly units: ReadonlyMap<string, string>
  /** Unix milliseconds, [from, to); null: no limit. */
  readonly from: number | null
  readonly to: number | null
  /** Unix milliseconds of a time that a query names. Throws USAGE. */
  readonly parseTime: (text: string) => number
}

export interface SqlSession {
  /** Throws USAGE for what is no query. */
  query(sql: string): SqlResult
  /** What could not be read and was left out so far. */
  damaged(): readonly string[]
  close(): void
}

/** Opens a data folder, also of a running gateway, for questions in SQL. Throws NOT_FOUND, CONFLICT, STORE_IO. */
export function openSql({ dataDir, units, from, to, parseTime }: SqlRequest): SqlSession {
  const reader = new HistoryReader(dataDir)
  const span = { from: from ?? ALL_TIME.from, to: to ?? ALL_TIME.to }
  const sql = new SqlHistory({ reader, units, span, parseTime })
  return {
    query: (text) => sql.query(text),
    damaged: () => reader.damaged,
    close: () => {
      sql.close()
      reader.close()
    },
  }
}
