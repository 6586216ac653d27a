// A backup: the database as it is at one instant, copied while the gateway writes on, with the files that belong to it, in
// one tar whose first entry tells the checksum of each other one.
//
//   manifest.json · manifest.sha256 · telemetryx.db · auth.json? · learnt.bin? · appeared-sensors.json? ·
//   configuration/revision-….json · config/…

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type Database from 'better-sqlite3'
import { toTelemetryError } from '#domain/errors.ts'
import { tarEnd, tarHeader, tarPadding } from './backup-tar.ts'
import type { ExportOutput } from './export-format.ts'
import { openReadOnly } from './export-reader.ts'
import { SCHEMA_VERSION } from './schema.ts'
import { toStoreError } from './sqlite-errors.ts'

export const BACKUP_FORMAT = 'telemetryx-backup-1'
const CHUNK_BYTES = 256 * 1024
const PAGES_PER_STEP = 1000 // 4 MB: a step takes some milliseconds, and the progress moves

export interface BackupFile {
  /** Name in the backup. */
  readonly name: string
  /** A path, or the content itself: a small file may change between its checksum and its copy. */
  readonly source: string | Uint8Array
}

export interface BackupManifest {
  readonly format: typeof BACKUP_FORMAT
  /** ISO 8601. */
  readonly createdAt: string
  readonly createdBy: string
  readonly schemaVersion: number
  /** Start of the gateway that wrote last. */
  readonly epoch: number
  readonly files: readonly { readonly name: string; readonly size: number; readonly sha256: string }[]
}

export interface CopyOptions {
  readonly dataDir: string
  /** Where the copy of the database goes: needs room for all of it. */
  readonly copyTo: string
  readonly onProgress: (done: number, total: number) => void
}

/** Copies the database as it is now; the gateway may write on. Throws NOT_FOUND, CONFLICT, STORE_IO, STORE_FULL. */
export async function copyDatabase({ dataDir, copyTo, onProgress }: CopyOptions): Promise<{ readonly epoch: number }> {
  const db = openReadOnly(dataDir)
  try {
    // The read transaction holds one state: without it each commit of the gateway would begin the copy anew.
    db.exec('BEGIN')
    const epoch = epochOf(db)
    await db.backup(copyTo, {
      progress: ({ totalPages, remainingPages }) => {
        onProgress(totalPages - remainingPages, totalPages)
        return PAGES_PER_STEP
      },
    })
    db.exec('COMMIT')
    return { epoch }
  } catch (error) {
    throw toStoreError(error, 'The database cannot be copied')
  } finally {
    db.close()
  }
}

function epochOf(db: Database.Database): number {
  return db.prepare<[], { value: number }>(`SELECT value FROM meta WHERE name = 'epoch'`).get()?.value ?? 0
}

export interface WriteBackupOptions {
  /** The copied database first. */
  readonly files: readonly BackupFile[]
  readonly epoch: number
  readonly createdBy: string
  /** Unix milliseconds. */
  readonly now: number
  readonly output: ExportOutput
}

/** Writes the archive. Throws STORE_IO, and what the output throws. */
export async function writeBackup({
  files,
  epoch,
  createdBy,
  now,
  output,
}: WriteBackupOptions): Promise<BackupManifest> {
  const listed = []
  for (const { name, source } of files) listed.push({ name, ...(await measure(source)) })
  const createdAt = new Date(now).toISOString()
  const manifest: BackupManifest = {
    format: BACKUP_FORMAT,
    createdAt,
    createdBy,
    schemaVersion: SCHEMA_VERSION,
    epoch,
    files: listed,
  }
  const text = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)
  await putText(output, 'manifest.json', text, now)
  await putText(output, 'manifest.sha256', Buffer.from(checksumLine(text)), now)
  for (const [index, { name, source }] of files.entries()) {
    const { size } = listed[index]!
    await output.write(tarHeader({ name, size }, now / 1000))
    await eachChunk(source, (chunk) => output.write(chunk))
    await output.write(tarPadding(size))
  }
  await output.write(tarEnd())
  return manifest
}

async function putText(output: ExportOutput, name: string, text: Uint8Array, now: number): Promise<void> {
  await output.write(tarHeader({ name, size: text.length }, now / 1000))
  await output.write(text)
  await output.write(tarPadding(text.length))
}

async function measure(source: BackupFile['source']): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256')
  let size = 0
  await eachChunk(source, async (chunk) => {
    hash.update(chunk)
    size += chunk.length
  })
  return { size, sha256: hash.digest('hex') }
}

async function eachChunk(source: BackupFile['source'], take: (chunk: Uint8Array) => Promise<void>): Promise<void> {
  if (typeof source !== 'string') return take(source)
  try {
    const chunks: AsyncIterable<Buffer> = createReadStream(source, { highWaterMark: CHUNK_BYTES })
    for await (const chunk of chunks) await take(chunk)
  } catch (error) {
    throw toTelemetryError(error, 'STORE_IO', { context: { path: source } })
  }
}

/** Hexadecimal SHA-256. */
/** Content of `manifest.sha256`, as `sha256sum -c` reads it. */
export function checksumLine(manifest: Uint8Array): string {
  return `${sha256(manifest)}  manifest.json\n`
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
