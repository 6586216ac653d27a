// Puts a backup into a data folder. Everything is copied into the folder and checked first; then it takes its place by
// renaming, the database last, so that at every instant the folder holds either the old database or the new one, whole.

import Database from 'better-sqlite3'
import { existsSync } from 'node:fs'
import { chown, link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isTelemetryError, TelemetryError, toTelemetryError } from '#domain/errors.ts'
import type { BackupManifest } from './backup.ts'
import { BackupArchive } from './backup-archive.ts'
import { damaged } from './backup-tar.ts'
import { lockFolder, type FolderLock } from './lock.ts'
import { DATABASE_FILE } from './open-database.ts'
import { SCHEMA_VERSION } from './schema.ts'
import { toStoreError } from './sqlite-errors.ts'

const STAGING = 'restore.partial'
const AUTH_FILE = 'auth.json'
const CONFIG_FOLDER = 'config'
/** What detectors have learnt, sensors that appeared by themselves, revisions of the configuration. */
const BESIDE = [CONFIG_FOLDER, AUTH_FILE, 'learnt.bin', 'appeared-sensors.json', 'configuration']
/** Starts that the old installation may have made since the backup while the clock here is behind: once a second for 11 days. */
const EPOCH_JUMP = 1_000_000

export interface RestoreOptions {
  readonly file: string
  readonly dataDir: string
  /** Replace what the folder holds; it is set aside, not deleted. */
  readonly force: boolean
  /** Unix milliseconds. */
  readonly now: number
  readonly onProgress: (done: number, total: number) => void
}

export interface Restored {
  readonly manifest: BackupManifest
  /** The next start of a gateway gets a number above this one. */
  readonly epoch: number
  /** Names of what was in the folder before, if anything. */
  readonly setAside: readonly string[]
}

/**
 * Throws STORE_LOCKED (a gateway runs on the folder), CONFLICT (the folder has data; the backup is of a newer program),
 * STORE_CORRUPT (the backup is damaged), NOT_FOUND, STORE_IO. Unless it resolves, nothing in the folder has changed.
 */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const { file, dataDir } = options
  const archive = await BackupArchive.open(file)
  try {
    const { schemaVersion, files } = archive.manifest
    if (schemaVersion > SCHEMA_VERSION)
      throw new TelemetryError(
        'CONFLICT',
        `The backup was made by a newer program: its database has version ${schemaVersion}`,
      )
    if (!files.some(({ name }) => name === DATABASE_FILE)) throw damaged('it holds no database')
    await mkdir(dataDir, { recursive: true, mode: 0o750 })
    const lock = lockFolder(dataDir)
    try {
      return await restoreLocked(archive, lock, options)
    } finally {
      lock.release()
      await rm(join(dataDir, STAGING), { recursive: true, force: true })
    }
  } catch (error) {
    throw isTelemetryError(error) ? error : toTelemetryError(error, 'STORE_IO', { context: { dataDir } })
  } finally {
    await archive.close()
  }
}

async function restoreLocked(archive: BackupArchive, lock: FolderLock, options: RestoreOptions): Promise<Restored> {
  const { dataDir, force, now, onProgress } = options
  const present = [DATABASE_FILE, ...BESIDE].filter((name) => existsSync(join(dataDir, name)))
  if (!force && (present.includes(DATABASE_FILE) || present.includes(AUTH_FILE)))
    throw new TelemetryError(
      'CONFLICT',
      `${dataDir} holds data already; --force sets them aside and restores all the same`,
    )
  const staging = join(dataDir, STAGING)
  await rm(staging, { recursive: true, force: true })
  await mkdir(staging, { mode: 0o700 })
  await archive.extract(staging, onProgress)
  const epoch = epochAfter(archive.manifest, lock, now)
  prepareDatabase(join(staging, DATABASE_FILE), epoch)
  await giveToOwner(dataDir, staging)
  lock.setEpoch(epoch)
  // What was being brought over belongs to the database that was here.
  for (const file of lock.salvages()) lock.endSalvage(file)
  const stamp = new Date(now).toISOString().replaceAll(':', '-')
  const setAside = await takePlace({ dataDir, staging, present, suffix: `.before-restore-${stamp}` })
  return { manifest: archive.manifest, epoch, setAside }
}

/**
 * Positions must never be given twice, not even those that the old installation gave after the backup: it made fewer starts
 * since then than seconds passed since 1970, so the restored one begins there, or far beyond, if the clock is behind.
 */
function epochAfter(manifest: BackupManifest, lock: FolderLock, now: number): number {
  return Math.max(Math.floor(now / 1000), manifest.epoch + EPOCH_JUMP, lock.lastEpoch ?? 0)
}

function prepareDatabase(file: string, epoch: number): void {
  try {
    const db = new Database(file)
    try {
      db.pragma('synchronous = FULL')
      db.prepare(
        `INSERT INTO meta (name, value) VALUES ('epoch', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
      ).run(epoch)
    } finally {
      db.close() // leaves one file: the write-ahead log is taken in
    }
  } catch (error) {
    throw toStoreError(error, 'The restored database cannot be prepared')
  }
}

interface Placing {
  readonly dataDir: string
  readonly staging: string
  readonly present: readonly string[]
  readonly suffix: string
}

async function takePlace({ dataDir, staging, present, suffix }: Placing): Promise<string[]> {
  const setAside: string[] = []
  for (const name of BESIDE) {
    const isRestored = existsSync(join(staging, name))
    // What the backup lacks must not go on with that of the folder, which belongs to another database; a configuration may stay.
    if (present.includes(name) && (isRestored || name !== CONFIG_FOLDER)) {
      await rename(join(dataDir, name), join(dataDir, name + suffix))
      setAside.push(name + suffix)
    }
    if (isRestored) await rename(join(staging, name), join(dataDir, name))
  }
  if (present.includes(DATABASE_FILE)) {
    await detachLog(dataDir, suffix)
    await keepUnder(join(dataDir, DATABASE_FILE), join(dataDir, DATABASE_FILE + suffix))
    setAside.push(DATABASE_FILE + suffix)
  }
  await rename(join(staging, DATABASE_FILE), join(dataDir, DATABASE_FILE))
  const folder = await open(dataDir, 'r')
  await folder.sync()
  await folder.close()
  return setAside
}

/** A second name, so that the first one is never without a file; a rename where the file system knows no such thing (FAT). */
async function keepUnder(file: string, name: string): Promise<void> {
  try {
    await link(file, name)
  } catch {
    await rename(file, name)
  }
}

/** The old write-ahead log must not be taken for the new database's: takes it in, or sets it aside with its database. */
async function detachLog(dataDir: string, suffix: string): Promise<void> {
  const file = join(dataDir, DATABASE_FILE)
  try {
    const db = new Database(file)
    try {
      db.pragma('wal_checkpoint(TRUNCATE)')
    } finally {
      db.close()
    }
  } catch {
    // A damaged database keeps its log: both are set aside as they are.
  }
  for (const end of ['-wal', '-shm']) if (existsSync(file + end)) await rename(file + end, file + suffix + end)
}

/** Restored by root for a gateway that runs as somebody else: everything belongs to whom the folder belongs. */
async function giveToOwner(dataDir: string, staging: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = await stat(dataDir)
  const names = await readdir(staging, { recursive: true })
  const paths = [staging, ...names.map((name) => join(staging, name))]
  for (const name of ['telemetryx.lock', 'telemetryx.pid']) paths.push(join(dataDir, name))
  for (const path of paths) await chown(path, uid, gid)
}
